"""Page 2 of chapter 05 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch05.charging import one_ride
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("05-facts-on-a-bus/2-delivered-how-often").run()


def charged(run: Names, way: str) -> list[int]:
    crashes = run["CRASHES"]
    return [len(one_ride(run[way], crash=crash).result) for crash in crashes]


def test_a_charge_without_acknowledgment_is_made_again(run: Names) -> None:
    assert 2 * [("ride-17", "Ada", 450)] == run["twice"].result
    charge = "Ada is charged"
    words = [moment.text for moment in run["twice"].moments]
    assert [charge, "billing crashes", "billing starts again", charge] == words


def test_plain_loses_durable_repeats_once_does_neither(run: Names) -> None:
    assert [1, 0] == charged(run, "plain")
    assert [2, 1] == charged(run, "durable")
    assert [1, 1] == charged(run, "durable_once")


def test_neither_memory_nor_two_commits_survive_a_crash_in_between(run: Names) -> None:
    assert [2, 1] == charged(run, "in_memory")
    assert [0, 1] == charged(run, "two_commits")
    assert [2, 1] == charged(run, "swapped")


def test_the_same_morning_charges_each_ride_once(run: Names) -> None:
    found = run["found"]
    assert 2 == max(found["plain"].times + found["durable"].times)
    assert min(found["plain"].never, found["plain"].twice) > 0
    assert found["durable"].never == 0 < found["durable"].twice
    for right in (found["once"], run["keyed"]):
        assert 300 * (1,) == right.times


def test_which_promise_breaks_depends_on_the_network(run: Names) -> None:
    for (loss, twice, reorder), ways in run["ran"].items():
        plain, durable, once = (ways[n] for n in ("plain", "durable", "once"))
        assert (not plain.never) or loss
        assert bool(loss or twice) == bool(durable.twice)
        assert (not twice) or plain.twice
        assert (0, 0, 0) == (durable.never, once.never, once.twice)
        assert bool(loss or reorder) == any(once.overtaken)
