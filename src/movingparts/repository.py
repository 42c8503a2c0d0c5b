"""Repositories: aggregates as if all were in memory, and the rows they are kept in.

An aggregate is read with its version and written only if nobody has written it since:
optimistic locking.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Aggregate(Protocol):
    """What is read, decided on and written as a whole.

    `events` are what has happened to it since it was read; every change is one.
    """

    events: list[Any]

    @property
    def key(self) -> str:
        """By what it is found: its identity among those of its kind."""
        ...


A = TypeVar("A", bound=Aggregate)


class StaleVersion(Exception):
    """Somebody else has written it since it was read: definite, nothing was saved."""


class NotFound(LookupError):
    """There is none of that key."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event of an aggregate, and its number among all events of it, from 1."""

    kind: str
    key: str
    number: int
    event: Any


@dataclass(frozen=True, slots=True)
class Row:
    """An aggregate to be written: `expected` is the version that was read."""

    kind: str
    key: str
    expected: int
    version: int
    state: bytes
    recorded: tuple[RecordedEvent, ...]


# Saves more about what happened, inside the transaction that saves the aggregates.
Save = Callable[[Sequence[RecordedEvent]], None]


class Rows(Protocol):
    """Where aggregates are kept: the seam behind which a store can be exchanged."""

    def read(self, kind: str, key: str) -> tuple[int, bytes] | None:
        """Return version and state; None if there is none."""
        ...

    def write(self, rows: Sequence[Row]) -> None:
        """Write all or, where one is not at its expected version, none.

        Raises `StaleVersion`.
        """
        ...

    def keys(self, kind: str) -> list[str]:
        """Return the keys of all aggregates of a kind, in their order."""
        ...


class Repository(Protocol[A]):
    """All aggregates of one kind, as if they were in memory."""

    async def find(self, key: str) -> A | None:
        """Return the one of that key, the same object each time; None without one."""
        ...

    async def get(self, key: str) -> A:
        """Return the one of that key; raise `NotFound`."""
        ...

    def add(self, aggregate: A) -> A:
        """Take a new one, which `commit` will write; here, a key has one object."""
        ...

    async def keys(self) -> list[str]:
        """Return the keys of all that were committed, in their order."""
        ...


class MemoryRows:
    """Rows in a dictionary, gone with the process.

    >>> MemoryRows().read("Bike", "212") is None
    True
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[int, bytes]] = {}

    def read(self, kind: str, key: str) -> tuple[int, bytes] | None:
        """Return version and state; None if there is none."""
        return self._rows.get((kind, key))

    def write(self, rows: Sequence[Row]) -> None:
        """Write all or, where one is not at its expected version, none."""
        for row in rows:
            found = self._rows.get((row.kind, row.key), (0, b""))[0]
            if found != row.expected:
                raise stale(row.kind, row.key, row.expected)
        self._rows.update({(r.kind, r.key): (r.version, r.state) for r in rows})

    def keys(self, kind: str) -> list[str]:
        """Return the keys of all aggregates of a kind, in their order."""
        return sorted(key for each, key in self._rows if each == kind)


TABLE = """CREATE TABLE IF NOT EXISTS aggregates (kind TEXT, key TEXT,
    version INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (kind, key))"""
INSERT = "INSERT INTO aggregates VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
UPDATE = """UPDATE aggregates SET version = ?, state = ?
    WHERE kind = ? AND key = ? AND version = ?"""
READ = "SELECT version, state FROM aggregates WHERE kind = ? AND key = ?"


class SqliteRows:
    """Rows in an SQLite file, for several processes at once.

    It waits for another's transaction for as long as `db` allows (5 s by default);
    then `sqlite3.OperationalError` says that it is locked, and nothing was saved.
    If `save` is set, it gets what happened, inside the transaction of each `write`.

    >>> db = sqlite3.connect(":memory:")
    >>> SqliteRows(db).keys("Bike")
    []
    >>> db.close()
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.save: Save | None = None
        db.execute(TABLE)

    def read(self, kind: str, key: str) -> tuple[int, bytes] | None:
        """Return version and state; None if there is none."""
        found = self.db.execute(READ, (kind, key)).fetchone()
        return None if found is None else (found[0], found[1])

    def write(self, rows: Sequence[Row]) -> None:
        """Write all or, where one is not at its expected version, none."""
        self.db.execute("BEGIN IMMEDIATE")  # waits for other writers here, not later
        with self.db:  # commits at its end, rolls back if it raises
            for row in rows:
                new = (row.kind, row.key, row.version, row.state)
                old = (row.version, row.state, row.kind, row.key, row.expected)
                write = (UPDATE, old) if row.expected else (INSERT, new)
                if self.db.execute(*write).rowcount == 0:
                    raise stale(row.kind, row.key, row.expected)
            if self.save is not None:
                self.save([each for row in rows for each in row.recorded])

    def keys(self, kind: str) -> list[str]:
        """Return the keys of all aggregates of a kind, in their order."""
        query = "SELECT key FROM aggregates WHERE kind = ? ORDER BY key"
        return [row[0] for row in self.db.execute(query, (kind,))]


def stale(kind: str, key: str, expected: int) -> StaleVersion:
    """Return what to raise for an aggregate that is not at its expected version."""
    read = f"was read at version {expected}" if expected else "was new"
    return StaleVersion(
        f"{kind} {key!r} {read} and was written by somebody else since:"
        " nothing is saved; read it again and decide again"
    )
