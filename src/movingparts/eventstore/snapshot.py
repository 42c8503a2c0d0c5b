"""Snapshots: a stream's state after some event, so that a reader begins there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from movingparts.eventstore.protocol import EventStore, StoredEvent

S = TypeVar("S")

TABLE = """CREATE TABLE IF NOT EXISTS snapshots (
    stream TEXT PRIMARY KEY, schema INTEGER NOT NULL,
    version INTEGER NOT NULL, state BLOB NOT NULL)"""
FIND = "SELECT version, state FROM snapshots WHERE stream = ? AND schema = ?"
SAVE = """INSERT INTO snapshots VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        schema = excluded.schema, version = excluded.version,
        state = excluded.state
    WHERE schema != excluded.schema OR version < excluded.version"""


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[S]):
    """The state of a stream after its first `version` events."""

    version: int
    state: S


class Snapshots(Generic[S]):
    """Keeps the newest snapshot of each stream, in an SQLite table.

    `kind` is the class of the state: anything that pydantic turns into JSON.
    Raise `schema` whenever that class or its events' meaning changes. A
    snapshot of another schema is ignored, because the log can always make a
    new one.

    >>> db = sqlite3.connect(":memory:")
    >>> snapshots = Snapshots(db, list[str], schema=1)
    >>> snapshots.save("dock-1", Snapshot(2, ["B7", "B9"]))
    >>> snapshots.find("dock-1")
    Snapshot(version=2, state=['B7', 'B9'])
    >>> Snapshots(db, dict[str, int], schema=2).find("dock-1")
    >>> db.close()

    `save` commits, so it needs a connection without an open transaction.

    Source: chapter 08; Young 2010, Overeem et al. 2021. Leaves out: older
    snapshots, and a log that has lost events which are in a snapshot.
    """

    def __init__(self, db: sqlite3.Connection, kind: type[S], *, schema: int) -> None:
        self._db, self._schema = db, schema
        self._form = TypeAdapter(kind)
        db.execute(TABLE)

    def save(self, stream: str, snapshot: Snapshot[S]) -> None:
        """Keep a snapshot, unless there is a newer one."""
        state = self._form.dump_json(snapshot.state)
        row = (stream, self._schema, snapshot.version, state)
        with self._db:
            self._db.execute(SAVE, row)

    def find(self, stream: str) -> Snapshot[S] | None:
        """Return the stream's snapshot, if there is one of this schema."""
        row = self._db.execute(FIND, (stream, self._schema)).fetchone()
        if row is None:
            return None
        return Snapshot(row[0], self._form.validate_json(row[1]))


async def load(
    log: EventStore,
    stream: str,
    snapshots: Snapshots[S],
    start: Callable[[], S],
    apply: Callable[[S, StoredEvent], S],
    *,
    every: int = 100,
) -> Snapshot[S]:
    """Return a stream's state: its snapshot, and the events after that.

    `start` makes the state before the first event, and `apply` returns the
    state after one more. If at least `every` events came after the snapshot,
    a new one is saved.
    """
    begin = snapshots.find(stream) or Snapshot(0, start())
    version, state = begin.version, begin.state
    for event in await log.read(stream, from_version=version):
        version, state = event.version, apply(state, event)
    found = Snapshot(version, state)
    if version - begin.version >= every:
        snapshots.save(stream, found)
    return found
