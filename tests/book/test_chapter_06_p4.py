"""Page 4 of chapter 06 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch06.nobody import SERVICES, Outcome, bank_takes
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow

UNHEARD = ("", "", "", "")
RIDDEN = ("confirmed", "money held", "unlocked", "underway")
UNDONE = [("free", "void", "", ""), ("free", "declined", "", "")]


@pytest.fixture(scope="module")
def run() -> Names:
    return page("06-promises-across-services/4-nobody-conducts").run()


def known(outcome: Outcome, ride: str) -> tuple[str, ...]:
    return tuple(outcome.states[name].get(ride, "") for name in SERVICES)


def test_the_docks_open_when_the_riders_have_left(run: Names) -> None:
    outcome = run["broken"].result
    assert ["ada", "bob"] == sorted(outcome.opened)
    assert all(120 < second < 170 for second in outcome.opened.values())
    assert UNHEARD == known(outcome, "cleo")


def test_with_a_limit_two_are_given_up_and_the_third_rides(run: Names) -> None:
    for outcome in (run["fixed"].result, run["chosen"].result):
        assert [known(outcome, ride) for ride in ("ada", "bob")] == 2 * UNDONE[:1]
        assert RIDDEN == known(outcome, "cleo")


def test_a_declined_card_gives_the_bike_back_by_an_event(run: Names) -> None:
    for flow in (run["FLOW"], run["FIXED"]):
        riders, poor = {"ada": 0.0}, ("ada",)
        ran = run["starts"](flow, riders=riders, poor=poor, down=0.0, until=9.0)
        assert UNDONE[1] == known(ran.result, "ada")


def test_the_limit_holds_whoever_crashes_when(run: Names) -> None:
    """At 24 seconds, the limit's end and billing's answer cross."""
    for down in (0.0, run["LIMIT"]):
        how = {"riders": {"ada": 0.0}, "down": down, "until": 45.0}
        points = run["starts"](run["FIXED"], run["give_up"], **how).result.points
        for seed, crash in enumerate(points[::5]):
            more = how | {"crashes": [crash], "seed": seed, "loss": 0.05}
            outcome = run["starts"](run["FIXED"], run["give_up"], **more).result
            assert known(outcome, "ada") in (UNHEARD, RIDDEN, *UNDONE), str(crash)


def test_each_wait_needs_a_limit_of_its_own(run: Names) -> None:
    """The answer to the page's question."""
    how = {"riders": {"ada": 0.0}, "until": 125.0, "who": "stations"}
    outcome = run["starts"](run["FIXED"], run["give_up"], **how).result
    assert outcome.opened["ada"] > 120


def test_the_mean_says_little_about_the_slow_ones(run: Names) -> None:
    average, p99 = run["LIMITS"]["mean"], run["LIMITS"]["p99"]
    assert 1 / 14 < run["given_up"](2 * average) / 100 < 1 / 10
    for day in range(3):
        late = sum(each > p99 for each in bank_takes(10_000, day))
        assert 0.003 < late / 10_000 < 0.02


def test_a_step_in_between_changes_three_services_and_works(run: Names) -> None:
    assert {"passes", "billing", "availability"} == run["changed"]
    result = run["starts"](run["WITH_PASS"], run["give_up"]).result
    assert run["fixed"].result.table == result.table
