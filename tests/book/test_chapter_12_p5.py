"""Page 5 of chapter 12 says nothing that its own runs do not bear out."""

import asyncio

import pytest

from movingparts.faults import Fault
from movingparts.scenes.ch12.envoy_faults import envoy_fault, through_envoy
from movingparts.scenes.ch12.experiments import canary, last_night, tried
from movingparts.scenes.ch12.screens import TEST, described
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/5-broken-on-purpose").run()


def broken(run: Names, found: dict[Fault, list]) -> list[str]:
    """The faults that break the steady state."""
    return [
        described(fault) for fault, opened in found.items() if not run["steady"](opened)
    ]


def test_riders_waited_for_three_seconds_last_night_and_not_around_it(
    run: Names,
) -> None:
    for seed in (1, *SEEDS):
        night = last_night(run["who_asks"], seed=seed)
        assert all(each.took > 3 for each in night["during"])
        assert all(each.took < 1 for each in night["before"] + night["after"])


def test_all_screens_come_within_a_second_with_a_timeout(run: Names) -> None:
    for seed in (1, *SEEDS):
        night = last_night(run["who_asks_briefly"], seed=seed)
        assert all(e.took < 1 and e.came for part in night.values() for e in part)


def test_one_fault_of_eight_breaks_the_steady_state(run: Names) -> None:
    for seed in SEEDS:
        found, _ = tried(run["experiment"], run["FAULTS"], run["who_asks"], seed=seed)
        assert ["identity 3 s late"] == broken(run, found)
    assert (8, ["identity 3 s late"]) == (len(found), broken(run, run["found"]))


def test_with_the_timeout_none_does(run: Names) -> None:
    assert (8, []) == (len(run["mended"]), broken(run, run["mended"]))


def test_only_without_availability_there_is_no_screen(run: Names) -> None:
    for found in (run["found"], run["mended"]):
        for fault, opened in found.items():
            came = {each.came for each in opened}
            assert {fault.service != "availability"} == came, described(fault)


def test_all_test_requests_meet_their_fault_and_no_rider_meets_one(run: Names) -> None:
    assert all(each.hit for opened in run["found"].values() for each in opened)
    assert len(run["riders"]) > 100
    assert not any(each.hit or each.took > 1 for each in run["riders"])


def test_the_time_of_the_test_request_in_the_figure_goes_before_identity(
    run: Names,
) -> None:
    calls = [m for m in run["slow"].messages if m.kind == "request"]
    assert ["app", "identity"] == [m.target for m in calls[:2]]
    assert calls[1].sent_us - (calls[0].arrived_us or 0) == 3_000_000
    assert all(m.sent_us - calls[1].sent_us < 50_000 for m in calls[2:])


def test_one_percent_is_not_seen_in_the_total(run: Names) -> None:
    assert run["steady"](run["opened"](1, 3))
    assert [True] == [e.took > 3 for e in run["opened"](1, 3) if e.hit]


def test_all_who_meet_the_fault_wait_and_nobody_else_does(run: Names) -> None:
    for seed in SEEDS:
        for share in (0.1, 1):
            fault = Fault("identity", share=share, delay=3)
            riders = canary(fault, run["who_asks"], seed=seed)
            assert [e.hit for e in riders] == [e.took > 1 for e in riders]
            assert not run["steady"](riders)


def test_a_short_delay_breaks_nothing(run: Names) -> None:
    assert all(run["steady"](run["opened"](share, 0.3)) for share in (1, 10, 100))


def test_envoy_does_the_same_to_test_requests_and_nothing_to_riders() -> None:
    faults = [
        Fault("identity", header=TEST, delay=3),
        Fault("weather", header=TEST, abort=503),
    ]
    rows = asyncio.run(through_envoy(faults)).rows
    assert [
        ("identity 3 s late", "no answer in time", "200"),
        ("weather answers 503", "503", "200"),
    ] == rows


def test_a_share_is_the_same_in_envoys_words() -> None:
    said_so = envoy_fault(Fault("billing", share=0.01, abort=500))["typed_config"]
    share = {"numerator": 10_000, "denominator": "MILLION"}
    assert {"http_status": 500, "percentage": share} == said_so["abort"]
    assert {"upstream_cluster", "abort", "@type", "headers"} == set(said_so)
