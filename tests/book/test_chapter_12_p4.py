"""Page 4 of chapter 12 says nothing that its own runs do not bear out."""

from typing import Any

import pytest

from movingparts.core.random import stream
from movingparts.scenes.ch12.bad_day import BEGINS, PLACES, SLOW, bad_day, so_far
from movingparts.scenes.ch12.clients import CLIENTS, SECONDS, door, rush
from movingparts.scenes.ch12.copies import WORK
from movingparts.scenes.ch12.limited import (
    BURST,
    DOORS,
    KIOSKS,
    RATE,
    counted,
    own,
    three_doors,
)
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2,)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/4-one-client-too-many").run()


@pytest.fixture(scope="module")
def three(run: Names) -> list[Names]:
    return [run["doors"], *map(three_doors, SEEDS)]


@pytest.fixture(scope="module")
def bad(run: Names) -> list[Names]:
    return [run["bad"], *map(bad_day, SEEDS)]


def shares(run: Any) -> dict[str, float]:
    return {client: run.result.share(client) for client in run.result.seen}


def late(run: Any) -> int:
    """How many waited for a second, and for nothing."""
    return sum(seen.errors["ReadTimeout"] for seen in run.result.seen.values())


def test_the_numbers_in_the_text_are_the_scenes() -> None:
    assert ({"riders": 20, "partner": 100}, 4) == (CLIENTS, SECONDS)
    assert (30, 15, 3, {**CLIENTS, "kiosks": 20}) == (RATE, BURST, DOORS, KIOSKS)
    assert (8, 0.5, 4 * WORK.median) == (PLACES, BEGINS, SLOW.median)
    chance = stream(1)
    mean = sum(WORK.draw(chance) for _ in range(5000)) / 5000 / 1_000_000
    assert 85 < 2 / mean < 95  # it works on two at once


def test_without_limits_riders_are_not_answered(run: Names) -> None:
    for found in (run["open_door"], *(rush(door, seed=seed) for seed in SEEDS)):
        assert shares(found)["riders"] < 0.7
        assert {"ReadTimeout"} == {*found.result.seen["riders"].errors}


def test_with_a_limit_all_riders_are_answered_and_the_partner_gets_its_rate(
    run: Names,
) -> None:
    for found in (
        run["mended"],
        *(rush(run["limited"], seed=seed) for seed in SEEDS),
    ):
        assert (1.0, 0) == (shares(found)["riders"], late(found))
        passed = found.result.seen["partner"].answered
        assert RATE * SECONDS + BURST == pytest.approx(passed, abs=3)


def test_a_refusal_is_quick_and_a_timeout_is_not(run: Names) -> None:
    partner = run["mended"].result.seen["partner"].asked
    assert max(each.took for each in partner if each.error == "Refused") < 0.01


def test_as_many_pass_at_once_as_the_bucket_holds_and_then_the_rate() -> None:
    asked, passed = counted(30, 15)
    assert (100, 15) == (asked[2][1], passed[2][1])
    assert (500, 15 + 30 * 8) == (asked[-1][1], passed[-1][1])
    for rate, burst in ((60, 100), (50.001, 100)):
        both = counted(rate, burst)
        assert both[0] == both[1]


def test_a_bucket_each_lets_three_times_the_limit_through(three: list[Names]) -> None:
    for runs in three:
        partner = runs["a bucket each"].result.seen["partner"]
        passed = len(partner.asked) - partner.errors["Refused"]
        assert passed > 2.5 * RATE * SECONDS
        assert max(shares(runs["a bucket each"]).values()) < 0.6


def test_a_third_each_refuses_kiosks_though_they_keep_to_the_limit(
    three: list[Names],
) -> None:
    for runs in three:
        found = shares(runs["a third each"])
        assert 1.0 == found["riders"]
        assert 0.4 < found["kiosks"] < 0.7  # "about half" in the text


def test_shared_buckets_are_right_for_all_three(three: list[Names]) -> None:
    for runs in three:
        found = runs["shared buckets"]
        assert (1.0, 1.0) == (shares(found)["riders"], shares(found)["kiosks"])
        passed = found.result.seen["partner"].answered
        assert RATE * SECONDS + BURST == pytest.approx(passed, abs=3)


def test_shared_buckets_cost_a_call_for_each_request(run: Names) -> None:
    found = run["doors"]["shared buckets"]
    calls = [m for m in found.messages if m.target == "limits" and m.kind == "request"]
    assert sum(len(seen.asked) for seen in found.result.seen.values()) == len(calls)


def test_riders_would_wait_as_long_behind_one_gateway_with_the_whole_limit(
    three: list[Names],
) -> None:
    for seed, runs in zip((1, *SEEDS), three, strict=True):
        alone, shared = (
            found.result.seen["riders"].at(50)
            for found in (rush(own(1), KIOSKS, seed=seed), runs["shared buckets"])
        )
        assert 0 < shared - alone < 5


def test_cut_off_it_is_a_third_each_after_fifty_ms(three: list[Names]) -> None:
    for runs in three:
        cut, third = runs["shared, cut off"], runs["a third each"]
        assert shares(third) == shares(cut)
        wait = [found.result.seen["riders"].at(50) for found in (cut, third)]
        assert 50 == pytest.approx(wait[0] - wait[1], abs=3)


def test_on_a_bad_day_a_rate_alone_answers_nobody_any_more(bad: list[Names]) -> None:
    for runs in bad:
        found = dict(so_far(runs["30 a second"]))
        assert found[3.25] == found[4.0]
        assert late(runs["30 a second"]) > 0


def test_places_answer_until_the_end_and_fair_ones_answer_riders(
    bad: list[Names],
) -> None:
    for runs in bad:
        plain, fair = runs["8 places"], runs["8 fair places"]
        assert (0, 0) == (late(plain), late(fair))
        assert shares(fair)["riders"] > 1.5 * shares(plain)["riders"]
        for found in (plain, fair):
            assert dict(so_far(found))[3.0] < dict(so_far(found))[4.0]


def test_a_script_that_waits_is_never_refused_and_takes_longer(run: Names) -> None:
    found = run["polite"]
    assert {"riders": 1.0, "partner": 1.0} == shares(found)
    assert run["sent"][-1].at > 2 * SECONDS


def test_the_limit_leaves_work_undone(run: Names) -> None:
    assert int(run["glued"]["did"]) < 60
