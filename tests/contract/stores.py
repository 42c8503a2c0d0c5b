"""Every store there is, each with places in which it keeps its aggregates."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

from movingparts.city.availability.relational import TableStore, engine
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.repository import MemoryRows, SqliteRows
from movingparts.unit_of_work import RowStore, Store
from movingparts.world.local.clock import RealClock

Connect = Callable[[], sqlite3.Connection]
Open = Callable[[], Store]
"""Opens a place once more, as another service or another process would."""


def in_rows(connect: Connect) -> Store:
    """An aggregate a row, as JSON."""
    return RowStore(SqliteRows(connect()))


def in_tables(connect: Connect) -> Store:
    """An aggregate in rows of many tables."""
    return TableStore(engine(connect))


def in_log(connect: Connect) -> Store:
    """An aggregate as its events, in a log."""
    log = SqliteEventStore(connect(), RealClock())
    return EventSourcedStore(log, lambda: str(uuid4()))


ON_SQLITE = {"rows": in_rows, "tables": in_tables, "events": in_log}


def connect(path: str, *, timeout: float = 5.0) -> sqlite3.Connection:
    """Open a database as a node's disk does; `timeout` is in seconds, for locks."""
    db = sqlite3.connect(path, check_same_thread=False, timeout=timeout)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    return db


def in_memory(stack: ExitStack, folder: Path | None) -> Open:
    """A dictionary, which all share."""
    rows = MemoryRows()
    return lambda: RowStore(rows)


def one_connection(kind: str) -> Callable[[ExitStack, Path | None], Open]:
    """A database in memory, whose one connection all share."""

    def place(stack: ExitStack, folder: Path | None) -> Open:
        db = stack.enter_context(closing(connect(":memory:")))
        return lambda: ON_SQLITE[kind](lambda: db)

    return place


def file(kind: str) -> Callable[[ExitStack, Path | None], Open]:
    """A file, with a connection for each user, which waits for no lock."""

    def place(stack: ExitStack, folder: Path | None) -> Open:
        assert folder is not None
        path = str(folder / "data.sqlite")

        def another() -> sqlite3.Connection:
            return stack.enter_context(closing(connect(path, timeout=0)))

        return lambda: ON_SQLITE[kind](another)

    return place


WITHOUT_FILES = {
    "rows in memory": in_memory,
    "rows, one connection": one_connection("rows"),
    "tables, one connection": one_connection("tables"),
    "events, one connection": one_connection("events"),
}
PLACES = {
    **WITHOUT_FILES,
    "rows in a file": file("rows"),
    "tables in a file": file("tables"),
    "events in a file": file("events"),
}
