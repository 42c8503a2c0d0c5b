"""An event store in one SQLite file, for several processes at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

from movingparts.core.clock import Clock
from movingparts.eventstore.protocol import (
    ANY,
    ConcurrencyConflict,
    NewEvent,
    StoredEvent,
    check,
    encode,
    expected_by,
    follow,
    stored,
)

# A position is the highest so far + 1, given while the writer holds the file's
# lock: so positions have no gaps, and are in the order of the commits.
TABLE = """CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL, version INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
    UNIQUE (stream, version)) STRICT"""
NO_CHANGE = """CREATE TRIGGER IF NOT EXISTS no_{0} BEFORE {0} ON events
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"""
INSERT = """INSERT INTO events (stream, version, id, type, data)
    VALUES (?, ?, ?, ?, ?)"""
LAST = "SELECT coalesce(max(position), 0) FROM events"
HEAD = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
READ = """SELECT * FROM events WHERE stream = ? AND version > ?
    ORDER BY version LIMIT ?"""
READ_ALL = """SELECT * FROM events WHERE position > ?1
    AND (?2 IS NULL OR type IN (SELECT value FROM json_each(?2)))
    ORDER BY position LIMIT ?3"""
IDS = "SELECT id FROM events WHERE stream = ? ORDER BY version"
STREAMS = """SELECT DISTINCT stream FROM events
    WHERE substr(stream, 1, length(?1)) = ?1 ORDER BY stream"""


class SqliteEventStore:
    """Keeps the log in a table that nobody can change, only append to.

    Order: positions count from 1, in the order of the commits, without a gap.
    A killed process: once `append` has returned, the events are there; before
    that, all of them or none.
    Power loss: the same, if the disk keeps its promise. With `synchronous` at
    "NORMAL", the newest events may be gone: for worlds without power cuts.

    A subscriber asks for news every so many seconds. Where several processes
    write, give each a `WriterQueue` of the same path.

    >>> from movingparts.world import simulate
    >>> async def scenario(world):
    ...     node = world.node("rides")
    ...     store = SqliteEventStore(node.disk.connect(), node.clock)
    ...     started = NewEvent("e1", "RideStarted", {"bike": "B7"})
    ...     await store.append("ride-17", [started], expected_version=0)
    ...     return await store.read("ride-17")
    >>> [event.type for event in simulate(scenario, seed=1).result]
    ['RideStarted']

    Source: chapter 08; SQLite (isolation, WAL, pragma synchronous). Leaves out:
    an index of ids, so an append at `ANY` reads the ids of its stream.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        clock: Clock,
        *,
        every: float = 0.05,
        queue: AbstractContextManager[None] | None = None,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
    ) -> None:
        self.db = db  # public, for what is saved in the same transaction
        self._clock, self._every = clock, every
        self._queue = queue or nullcontext()
        db.execute(f"PRAGMA synchronous={synchronous}")
        db.execute(TABLE)
        for change in ("UPDATE", "DELETE"):
            db.execute(NO_CHANGE.format(change))

    @property
    def position(self) -> int:
        """The position of the last event, 0 before the first."""
        (position,) = self.db.execute(LAST).fetchone()
        return int(position)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end what was added; if that raises, nothing of it."""
        with self._queue:
            self.db.execute("BEGIN IMMEDIATE")
            with self.db:
                yield

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last."""
        with self._queue:  # `transaction` written out, which is quicker
            self.db.execute("BEGIN IMMEDIATE")
            with self.db:
                return self.add(stream, events, expected_version=expected_version)

    def add(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append inside a transaction that the caller began and will commit."""
        check(events, expected_version)
        expected, cursor = expected_version, self._cursor()
        # The lock keeps both true: nobody else appends before the commit.
        (head,) = cursor.execute(HEAD, (stream,)).fetchone()
        if expected == ANY:
            known = [each for (each,) in cursor.execute(IDS, (stream,))]
            expected = expected_by([event.id for event in events], known)
        if expected != head:
            again = stored(cursor.execute(READ, (stream, expected, len(events))))
            if [event.id for event in again] != [event.id for event in events]:
                raise ConcurrencyConflict(stream, expected_version, head)
            return again[-1].position
        rows = [
            (stream, n, e.id, e.type, encode(e.data))
            for n, e in enumerate(events, start=head + 1)
        ]
        for row in rows:  # not before all of them are made: one may be no JSON
            cursor.execute(INSERT, row)
        return cursor.lastrowid or 0

    def _cursor(self) -> sqlite3.Cursor:
        cursor = self.db.cursor()
        cursor.row_factory = None  # plain tuples, whatever the connection gives
        return cursor

    def _select(self, query: str, *values: Any) -> list[Any]:
        return self._cursor().execute(query, values).fetchall()

    async def read(
        self,
        stream: str,
        *,
        from_version: int = 0,
    ) -> list[StoredEvent]:
        """Return the stream's events after that version."""
        return stored(self._select(READ, stream, from_version, -1))

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the log's events after that position, of these types."""
        most = -1 if limit is None else limit  # SQLite: no limit
        chosen = None if types is None else encode(sorted(types))
        return stored(self._select(READ_ALL, from_position, chosen, most))

    def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one."""
        return follow(self, self._clock, self._every, from_position, types)

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        return [name for (name,) in self._select(STREAMS, prefix)]
