"""Rows: what lies below the stores that tests/contract/test_store.py is about."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from movingparts.repository import (
    MemoryRows,
    NotFound,
    Row,
    Rows,
    SqliteRows,
    StaleVersion,
    stale,
)


def row(key: str, expected: int, version: int, state: bytes = b"{}") -> Row:
    return Row("Bike", key, expected, version, state, ())


@pytest.fixture(params=["memory", "deferred", "autocommit"])
def rows(request: pytest.FixtureRequest):
    """Rows, on connections that begin transactions by themselves and that do not."""
    if request.param == "memory":
        yield MemoryRows()
        return
    level = {"deferred": "", "autocommit": None}[request.param]
    with closing(sqlite3.connect(":memory:", isolation_level=level)) as db:
        yield SqliteRows(db)


def test_a_row_is_read_as_it_was_written(rows: Rows) -> None:
    assert rows.read("Bike", "B1") is None
    rows.write([row("B1", 0, 2, b'{"fit":true}')])
    assert (2, b'{"fit":true}') == rows.read("Bike", "B1")
    rows.write([row("B1", 2, 3, b'{"fit":false}')])
    assert (3, b'{"fit":false}') == rows.read("Bike", "B1")
    assert rows.read("Stand", "B1") is None


@pytest.mark.parametrize(
    "written",
    [row("B1", 0, 1), row("B1", 1, 3), row("B1", 3, 4), row("B2", 1, 2)],
    ids=["new, and there", "older", "newer", "read, and not there"],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_row_that_is_not_at_its_version_stops_all(
    rows: Rows, written: Row, *, first: bool
) -> None:
    rows.write([row("B1", 0, 2, b"before")])
    others = [row("B8", 0, 1), row("B9", 0, 1)]
    with pytest.raises(StaleVersion, match=rf"^Bike '{written.key}' was "):
        rows.write([written, *others] if first else [*others, written])
    assert ["B1"] == rows.keys("Bike")
    assert (2, b"before") == rows.read("Bike", "B1")


def test_nothing_to_write_is_written(rows: Rows) -> None:
    rows.write([])
    assert [] == rows.keys("Bike")


def test_keys_are_those_of_a_kind_in_their_order(rows: Rows) -> None:
    keys = ["b", "B10", "Å", "B2", "東", ""]
    rows.write([row(key, 0, 1) for key in keys])
    rows.write([Row("Stand", "S1", 0, 1, b"{}", ())])
    assert sorted(keys) == rows.keys("Bike")
    assert ["S1"] == rows.keys("Stand")


def test_a_stale_version_error_names_what_was_read_or_new() -> None:
    assert str(stale("Stand", "S1", 4)) == (
        "Stand 'S1' was read at version 4 and was written by somebody else since:"
        " nothing is saved; read it again and decide again"
    )
    assert str(stale("Stand", "S1", 0)).startswith("Stand 'S1' was new and was written")


def test_what_is_not_found_is_a_lookup_error() -> None:
    assert issubclass(NotFound, LookupError)
    assert not issubclass(StaleVersion, LookupError)


# --- a file, several connections -----------------------------------------------------


def test_a_writer_waits_for_another_one_and_is_then_stale(
    tmp_path: Path,
) -> None:
    """Locked is not stale: it waits until the file is free, and looks then."""
    path = tmp_path / "data.sqlite"
    with (
        closing(sqlite3.connect(path, check_same_thread=False)) as mine,
        closing(sqlite3.connect(path, timeout=60)) as its,
    ):
        mine.execute("PRAGMA journal_mode=WAL")
        rows = SqliteRows(its)
        rows.write([row("B1", 0, 1)])
        mine.execute("BEGIN IMMEDIATE")
        mine.execute("UPDATE aggregates SET version = 2")
        later = Timer(0.05, mine.commit)
        later.start()
        with pytest.raises(StaleVersion):
            rows.write([row("B1", 1, 2)])
        later.join()
        rows.write([row("B1", 2, 3)])


def test_who_may_not_wait_longer_has_saved_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    with (
        closing(sqlite3.connect(path)) as mine,
        closing(sqlite3.connect(path, timeout=0)) as its,
    ):
        mine.execute("PRAGMA journal_mode=WAL")
        rows = SqliteRows(its)
        mine.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            rows.write([row("B1", 0, 1)])
        assert not its.in_transaction
        mine.rollback()
        assert [] == rows.keys("Bike")
        rows.write([row("B1", 0, 1)])


def test_what_its_owner_has_begun_on_a_connection_is_not_touched() -> None:
    """It raises before it writes; it neither commits nor undoes what is another's."""
    with closing(sqlite3.connect(":memory:")) as db:
        rows = SqliteRows(db)
        db.execute("CREATE TABLE notes (text TEXT)")
        db.execute("INSERT INTO notes VALUES ('not yet committed')")
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            rows.write([row("B1", 0, 1)])
        assert db.in_transaction
        assert [] == rows.keys("Bike")
        assert 1 == db.execute("SELECT count(*) FROM notes").fetchone()[0]


def test_what_fails_in_the_middle_is_undone() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        rows = SqliteRows(db)
        with pytest.raises(sqlite3.IntegrityError):
            rows.write([row("B1", 0, 1), row("B2", 0, None)])  # type: ignore[arg-type]  # what no store writes
        assert [] == rows.keys("Bike")
        assert not db.in_transaction
