"""Page 1 of chapter 11 says nothing that its own runs do not bear out."""

from collections import Counter

import pytest

from movingparts.function import AWS, Bill
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.always_on import (
    PDF,
    always_on,
    copies_for,
    enough,
    peak_rate,
    peak_share,
    serve,
)
from movingparts.scenes.ch11.day import between, ends
from movingparts.scenes.ch11.receipts import from_zero
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
NAME = "11-code-without-servers/1-paid-while-idle"


@pytest.fixture(scope="module")
def run() -> Names:
    return page(NAME).run()


def test_copies_serve_in_order_and_only_one_request_at_once() -> None:
    assert [0.0, 0.0, 1.0, 2.0] == serve([0, 0, 1, 1], [2, 3, 1, 9], copies=2)
    assert [0.0, 9.0] == serve([5, 6], [10, 1], copies=1)


def test_six_copies_are_enough_for_the_peak_and_five_are_not() -> None:
    rides = ends()
    assert {6} == {enough(peak_rate(rides), seed=seed) for seed in range(1, 6)}
    for seed in (1, 2, 3):
        assert always_on(rides, 6, seed=seed).quarter() < 0.2
        assert always_on(rides, 5, seed=seed).quarter() > 0.2


def test_copies_are_busy_for_a_small_part_of_the_day(run: Names) -> None:
    assert 0.06 < run["day"].busy < 0.08
    assert 0.01 > float(run["day"].table(4).rows[0][2].strip("%")) / 100


def test_the_assumed_times_are_those_of_the_text(run: Names) -> None:
    assert (1.2, 4.0, 0.5) == (PDF.median, PDF.p99, run["START"].median)


def test_the_same_receipts_are_made_by_the_function(run: Names) -> None:
    done = run["served"].invocations
    assert {"ok": len(run["rides"])} == Counter(each.status for each in done)
    assert all(each.value["text"].startswith("Ride ") for each in done)


def test_the_function_keeps_the_promise_at_the_peak_too(run: Names) -> None:
    quarters = Counter(int(each.began // 900) for each in run["served"].invocations)
    [(busiest, _)] = quarters.most_common(1)
    waits = [
        each.init
        for each in run["served"].invocations
        if int(each.began // 900) == busiest
    ]
    assert percentile(waits, 99) < 0.2
    assert sum(each.cold for each in run["served"].invocations) < len(run["rides"]) / 99


def test_the_figure_of_the_day_says_how_many_instances_there_are(run: Names) -> None:
    night = [count for hour, count in run["up"] if 1 <= hour <= 6]
    assert {0, 1} == set(night)
    assert run["day"].copies < run["served"].most <= 12
    assert 0 == run["served"].sizes[-1][1]


def test_the_animation_has_as_many_instances_up_as_there_were(run: Names) -> None:
    counts = run["served"].every(1800)
    shown = run["scaling"](counts)
    assert len(shown.messages) <= 60  # all of them are in the figure
    for at, count in counts:
        kinds = [m.kind for m in shown.moments if m.at_us <= at * 1_000_000]
        assert count == kinds.count("start") - kinds.count("end")


def test_from_zero_keeps_all_rides() -> None:
    assert len(between(29_700, 29_720)) == len(from_zero(29_700, 20))
    assert 0 <= from_zero(29_700, 20)[0].at < 20


def test_over_the_limit_the_platform_refuses_and_bills_nothing(run: Names) -> None:
    found = Counter(done.status for done in run["few"].invocations)
    assert {"ok", "throttled"} == set(found)
    assert found["throttled"] > 50
    assert len(run["quarter"]) == sum(found.values())
    assert found["ok"] == run["few"].bill.requests


def test_a_service_costs_many_times_what_the_function_does(run: Names) -> None:
    assert run["day"].month() > 5 * run["bill"].month()
    assert 2.0 < run["per_second"] / (run["copy"] / (30 * 86_400)) < 2.2


def test_the_break_even_is_where_both_bills_are_the_same(run: Names) -> None:
    one = AWS.per_request + run["seconds"] * run["per_second"]
    assert run["copy"] == pytest.approx(30 * run["a_day"] * one, rel=1e-3)
    assert 0.45 < run["a_day"] * run["seconds"] / 86_400 < 0.5


def test_with_the_rides_of_larkhaven_no_volume_makes_the_service_cheaper(
    run: Names,
) -> None:
    assert 3.5 < peak_share(run["rides"]) * 96 < 4.5  # "four times the mean"
    for volume in run["VOLUMES"]:
        assert run["thousand"](volume, 0) > run["each"]


def test_spread_evenly_the_service_is_cheaper_from_some_volume_on(run: Names) -> None:
    cheaper = [run["thousand"](volume, 1) < run["each"] for volume in run["VOLUMES"]]
    assert sorted(cheaper) == cheaper
    assert [False, True] == sorted(set(cheaper))


def test_a_million_rides_keep_the_copies_busy_for_a_quarter_of_the_day(
    run: Names,
) -> None:
    copies = copies_for(peak_share(run["rides"]), 1_000_000)
    assert 0.2 < 1_000_000 * run["seconds"] / 86_400 / copies < 0.27


def test_scaled_copies_are_dearer_now_and_cheaper_at_forty_times_as_many(
    run: Names,
) -> None:
    assert run["bill"].month() < run["scaled"](1) < run["day"].month()
    assert run["scaled"](40) < 40 * run["bill"].month()


def test_the_bill_of_another_day_is_as_small(run: Names) -> None:
    """The times are drawn anew: the bill does not hang on one seed."""
    rides = between(8 * 3600, 8.5 * 3600)
    one, other = (
        run["serve_day"](
            run["deploy"], event=run["charged"], ended=rides, seed=seed
        ).invocations
        for seed in (2, 3)
    )
    assert Bill.of(one).cost == pytest.approx(Bill.of(other).cost, rel=0.1)
