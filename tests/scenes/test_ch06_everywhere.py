"""Crashes at every step: the saga keeps its promises, and the check can fail."""

from collections.abc import Iterable

import pytest

from movingparts.scenes.ch06.everywhere import (
    WAYS,
    Tally,
    at_each_point,
    under_faults,
)
from movingparts.scenes.ch06.services import Trouble
from movingparts.scenes.ch06.starting import Outcome
from movingparts.scenes.crashes import Crash

pytestmark = pytest.mark.slow

HARD = (324, 646)  # a bike is unlocked very late; docked before its ride is saved


def broken(way: str, crashes: Iterable[Crash]) -> list[str]:
    outcome: Outcome = WAYS[way](Trouble(list(crashes)), riders=["ada"]).result
    return outcome.broken()


def test_no_crash_at_any_commit_breaks_a_promise_of_the_saga() -> None:
    tally = at_each_point(WAYS["saga"])
    assert {} == tally.broken
    assert {"done": tally.runs} == tally.ends
    assert tally.runs > 40


def test_two_crashes_loss_copies_and_delays_break_none_either() -> None:
    assert {} == under_faults(WAYS["saga"], [*range(10), *HARD]).broken


@pytest.mark.parametrize("way", ["four calls", "saga, new keys"])
def test_the_check_fails_where_something_stays_held(way: str) -> None:
    held = ["ride-ada: it is over, and something is still held"]
    assert held == broken(way, [Crash("billing", 1, "after", other="rides")])
    assert [] == broken(way, [])


def test_tallies_of_several_processes_add_up() -> None:
    one, two = Tally(), Tally()
    good = WAYS["saga"](Trouble(), riders=["ada"]).result
    one.add("one", good)
    good.sagas["ride-ada"] = "running"
    two.add("two", good)
    one.merge(two)
    assert (2, ["two"], [2]) == (one.runs, [*one.broken], one.at)
