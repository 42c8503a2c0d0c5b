"""Page 1 of chapter 06 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch06.announcing import Ended, one_ride
from movingparts.scenes.crashes import Crash
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("06-promises-across-services/1-saved-but-never-announced").run()


def wrong(run: Names, name: str) -> list[tuple[int, str, Ended]]:
    """The crashes after which a ride and its charge differ."""
    end, relay = run["ways"][name]
    points = run["run"](end, relay=relay).result.points
    found = [(p, run["run"](end, relay=relay, crash=p).result) for p in points]
    return [(p.commit, p.when, seen) for p, seen in found if not seen.right]


def test_what_is_saved_first_is_not_announced(run: Names) -> None:
    assert "Ended(ride='ended', events=0, charges=0)" == repr(run["lost"].result)
    assert [(1, "after")] == [each[:2] for each in wrong(run, "save, then publish")]


def test_what_is_published_first_is_not_saved(run: Names) -> None:
    [(commit, when, seen)] = wrong(run, "publish, then save")
    assert (1, "before", "underway", 1) == (commit, when, seen.ride, seen.charges)


def test_the_outbox_saves_and_announces_or_does_neither(run: Names) -> None:
    assert [] == wrong(run, "outbox")
    table = {dies: cells for dies, *cells in run["compared"](run["ways"]).rows}
    assert 6 == len(table)
    assert "underway, 0 events, 0 charges" == table["before the commit"][2]
    assert "ended, 2 events, 1 charge" == table["before the delete"][2]
    others = {cells[2] for dies, cells in table.items() if "before" not in dies}
    assert {"ended, 1 event, 1 charge"} == others


def test_a_second_copy_has_the_same_id_and_charges_nothing(run: Names) -> None:
    assert (2, 1) == (run["twice"].result.events, run["twice"].result.charges)


def test_a_caller_that_repeats_needs_no_outbox(run: Names) -> None:
    for when in ("before", "after", "later"):
        crash = Crash("rides", 1, when)
        for name in ("save_then_publish", "publish_then_save"):
            seen = one_ride(run[name], crash=crash, repeats=True).result
            assert ("ended", 1) == (seen.ride, seen.charges)
