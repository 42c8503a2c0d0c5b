"""Page 1 of chapter 08 says nothing that its own runs do not bear out."""

import sqlite3

import pytest

from movingparts.event_sourcing import replay
from movingparts.eventstore.protocol import stored
from movingparts.scenes.ch08.disputed import dispute
from movingparts.scenes.ch08.fares import as_events, in_rows
from movingparts.scenes.ch08.ride import Ride
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("08-the-log-is-the-truth/1-who-changed-the-fare").run()


def test_the_row_has_the_fare_and_neither_who_nor_why(run: Names) -> None:
    assert 1900 == run["rows"].result.shown["cents"]
    [(version, state)] = run["rows"].result.saved
    assert 4 == version
    assert b"340" not in state
    assert b"support" not in state


def test_a_fare_that_is_corrected_back_leaves_no_trace_in_the_row(run: Names) -> None:
    query = "SELECT state FROM aggregates"
    [(state,)] = dispute(in_rows, query, undo=run["UNDO"]).result.saved
    assert b"340" in state
    assert b"1900" not in state
    assert b"B18" not in state


def test_on_the_other_store_the_same_service_does_the_same(run: Names) -> None:
    rows, events = run["rows"], run["events"]
    assert rows.result.shown == events.result.shown
    sent = [[(m.label, m.sent_us) for m in each.messages] for each in (rows, events)]
    assert sent[0] == sent[1]


def test_the_stream_says_who_when_and_why(run: Names) -> None:
    changed = [*run["explain"](stored(run["events"].result.saved))][-1]
    assert ("FareCorrected", "06:50", "support-4", "bike damaged") == changed[:4]
    assert ("charged", "1900") == changed[4:]


def test_another_event_corrects_the_mistake_and_all_before_are_as_they_were(
    run: Names,
) -> None:
    events, fixed = (run[name].result for name in ("events", "fixed"))
    assert 340 == fixed.shown["cents"]
    assert events.saved == fixed.saved[:-1]
    assert 340 == replay(Ride, "17", stored(fixed.saved)).cents


@pytest.mark.parametrize(
    "change", ["UPDATE events SET data = '{}'", "DELETE FROM events"]
)
def test_nothing_in_the_log_can_be_changed(change: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="the log is append-only"):
        dispute(as_events, change)


def test_a_ride_breaks_the_law_if_a_command_changes_it_after_the_event(
    run: Names,
) -> None:
    kinds = (Ride, run["Careless"], run["Careful"])
    found = [run["breaks_the_law"](kind) for kind in kinds]
    broken = "{} of 1024 rides break the law".format
    assert [broken(0), broken(16), broken(0)] == found
