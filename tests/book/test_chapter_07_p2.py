"""Page 2 of chapter 07 says nothing that its own runs do not bear out."""

import sqlite3
from contextlib import closing

import pytest

from movingparts.eventstore import StoredEvent
from movingparts.projection import Projection
from movingparts.scenes.ch07.copying import FAULTS
from movingparts.scenes.ch07.rebuilding import BEGIN, Rebuilt
from movingparts.scenes.ch07.stations import BIKES
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("07-two-models/2-a-copy-that-counts-right").run()


def shown(run: Names, way: str) -> list[int]:
    """How many bikes the map shows after each fault; two are there."""
    return [sum(run["ran"][way, fault].result.shown.values()) for fault in FAULTS]


def worst(found: Rebuilt, begin: float, end: float) -> int:
    return max(off for second, off in found.off if begin <= second < end)


def test_a_crash_between_two_commits_counts_a_bike_twice_or_loses_it(
    run: Names,
) -> None:
    assert {"S001": 1, "S002": 2} == run["wrong"].result.shown
    assert [2, 3, 2, 3] == shown(run, "count, then checkpoint")
    assert [2, 1, 2, 3] == shown(run, "checkpoint, then count")
    assert [3, 4, 4, 3] == shown(run, "only counts")


def test_one_transaction_counts_each_bike_once_whatever_happens(run: Names) -> None:
    assert {"S001": 1, "S002": 1} == run["right"].result.shown
    assert [2, 2, 2, 2] == shown(run, "both at once")


def test_the_right_function_does_not_change_what_was_counted(run: Names) -> None:
    old = run["old"]
    assert worst(old, 0, BEGIN) > 20
    assert abs(worst(old, BEGIN, 4) - worst(old, 0, BEGIN)) <= 2


def test_only_a_view_that_has_caught_up_is_never_worse(run: Names) -> None:
    first, last = run["rebuilds"]["switch first"], run["rebuilds"]["switch last"]
    assert worst(first, BEGIN, 4) > 3 * worst(first, 0, BEGIN)
    assert worst(last, BEGIN, 4) <= worst(last, 0, BEGIN)
    assert worst(first, 3, 4) <= 1 >= worst(last, 3, 4)


def test_a_query_of_the_log_reads_all_of_it_and_one_of_the_view_none(
    run: Names,
) -> None:
    short, long, view = run["rows"]
    assert 100 < int(short[1]) == int(short[2]) < int(long[1]) == int(long[2])
    assert "0" == view[2]


def test_an_event_before_the_checkpoint_is_skipped_and_a_gap_is_not_seen(
    run: Names,
) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        view = Projection(db, run["counts_all"], tables=[BIKES])
        for position in (1, 2, 2, 1, 4):
            data = {"station": "S001"}
            event = StoredEvent(position, "S001", 1, "E", "BikeDocked", data)
            view.save([event])
        assert [("S001", 3)] == db.execute("SELECT * FROM bikes").fetchall()
        assert 4 == view.position
