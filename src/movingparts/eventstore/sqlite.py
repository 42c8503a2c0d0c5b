"""An event store in one SQLite file, for several processes at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence

from movingparts.core.clock import Clock
from movingparts.eventstore.protocol import (
    ANY,
    ConcurrencyConflict,
    NewEvent,
    StoredEvent,
    check,
    encode,
    stored,
)

# A position is the highest so far + 1, given while the writer holds the file's lock:
# so positions have no gaps, and are in the order of the commits.
TABLE = """CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
    UNIQUE (stream, version)) STRICT"""
NO_CHANGE = """CREATE TRIGGER IF NOT EXISTS no_{0} BEFORE {0} ON events
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"""
HEAD = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
APPEND = """INSERT INTO events (stream, version, id, type, data)
    SELECT ?1, ?2 + 1 + key, value ->> 0, value ->> 1, value ->> 2
    FROM json_each(?3)
    WHERE ?2 = (SELECT coalesce(max(version), 0) FROM events WHERE stream = ?1)"""
LAST = "SELECT coalesce(max(position), 0) FROM events"
READ = """SELECT * FROM events WHERE stream = ? AND version > ?
    ORDER BY version LIMIT ?"""
READ_ALL = "SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?"
OF_TYPES = READ_ALL.replace(
    "ORDER BY", "AND type IN (SELECT value FROM json_each(?)) ORDER BY"
)
FIRST = "SELECT version FROM events WHERE stream = ? AND id = ?"
STREAMS = """SELECT DISTINCT stream FROM events
    WHERE substr(stream, 1, length(?1)) = ?1 ORDER BY stream"""
BATCH = 1000


class SqliteEventStore:
    """Keeps the log in a table that nobody can change, only append to.

    An append is one statement, and each statement that writes is a transaction. After
    `append` returns, the events outlive a killed process, and a power cut too if the
    disk does what it says (`synchronous=FULL`). Subscribers ask every so many seconds.

    >>> from movingparts.world import simulate
    >>> async def scenario(world):
    ...     node = world.node("rides")
    ...     store = SqliteEventStore(node.disk.connect(), node.clock)
    ...     started = NewEvent("e1", "RideStarted", {"bike": "B7"})
    ...     await store.append("ride-17", [started], expected_version=0)
    ...     return await store.read("ride-17")
    >>> [event.type for event in simulate(scenario, seed=1).result]
    ['RideStarted']

    Source: chapter 08; SQLite (isolation, WAL, pragma synchronous). Leaves out: an
    index of ids, so an append at `ANY` reads its stream.
    """

    def __init__(
        self, db: sqlite3.Connection, clock: Clock, *, every: float = 0.05
    ) -> None:
        self._db, self._clock, self._every = db, clock, every
        db.execute("PRAGMA synchronous=FULL")
        with db:
            db.execute(TABLE)
            for change in ("UPDATE", "DELETE"):
                db.execute(NO_CHANGE.format(change))

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for what is saved in the same transaction as `add`."""
        return self._db

    @property
    def position(self) -> int:
        """The position of the last event, 0 before the first."""
        (position,) = self._db.execute(LAST).fetchone()
        return int(position)

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last."""
        with self._db:  # commits, or rolls back
            return self.add(stream, events, expected_version=expected_version)

    def add(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append inside a transaction that the caller commits."""
        check(events, expected_version)
        rows = encode([[each.id, each.type, encode(each.data)] for each in events])
        while True:
            expected = expected_version
            if expected == ANY:
                expected = self._expected(stream, events[0].id)
            done = self._db.execute(APPEND, (stream, expected, rows))
            if done.rowcount == len(events):
                return int(done.lastrowid or 0)
            again = self._read(stream, expected, limit=len(events))
            if [each.id for each in again] == [each.id for each in events]:
                return again[-1].position
            if expected_version != ANY:
                raise ConcurrencyConflict(stream, expected, self._head(stream))

    def _head(self, stream: str) -> int:
        (head,) = self._db.execute(HEAD, (stream,)).fetchone()
        return int(head)

    def _expected(self, stream: str, first: str) -> int:
        """Return the version before this event, whether it is there or will be."""
        head = self._head(stream)
        found = self._db.execute(FIRST, (stream, first)).fetchone()
        return int(found[0]) - 1 if found else head

    async def read(self, stream: str, *, from_version: int = 0) -> list[StoredEvent]:
        """Return the stream's events after that version."""
        return self._read(stream, from_version)

    def _read(self, stream: str, after: int, limit: int = -1) -> list[StoredEvent]:
        return stored(self._db.execute(READ, (stream, after, limit)).fetchall())

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the log's events after that position, of these types."""
        most = -1 if limit is None else limit  # SQLite: no limit
        if types is None:
            return stored(self._db.execute(READ_ALL, (from_position, most)).fetchall())
        wanted = (from_position, encode(sorted(types)), most)
        return stored(self._db.execute(OF_TYPES, wanted).fetchall())

    async def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one."""
        while True:
            found = await self.read_all(
                from_position=from_position, types=types, limit=BATCH
            )
            for event in found:
                from_position = event.position
                yield event
            if not found:
                await self._clock.sleep(self._every)

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        return [row[0] for row in self._db.execute(STREAMS, (prefix,))]
