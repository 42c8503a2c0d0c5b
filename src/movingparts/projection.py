"""Projections: views made for one question, kept up to date from a log of events.

The view and its checkpoint, the position of the last event in it, are saved together.
So whatever comes twice, or stops in between, the view holds each event once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Protocol

import httpx
from fastapi import APIRouter
from pydantic import TypeAdapter

from movingparts.core.clock import Clock
from movingparts.eventstore import StoredEvent


class Log(Protocol):
    """What a projection reads: an event store, or a copy of one far away."""

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the events after that position, at most so many."""
        ...


# Writes what an event changes in the view, inside the transaction that saves both.
Apply = Callable[[sqlite3.Connection, StoredEvent], None]

CHECKPOINT = "CREATE TABLE IF NOT EXISTS checkpoint (position INTEGER NOT NULL)"
BEGIN_AT = "INSERT INTO checkpoint SELECT 0 WHERE NOT EXISTS (SELECT * FROM checkpoint)"
POSITION = "SELECT position FROM checkpoint"
ADVANCE = "UPDATE checkpoint SET position = ?"
BATCH = 500


class Projection:
    """A view in an SQLite file of its own.

    `tables` are the statements that create the view; they run once, in a new file.
    `apply` changes the view for one event. What it raises is raised, and nothing of
    that batch is saved.

    >>> db = sqlite3.connect(":memory:")
    >>> def count(db, event):
    ...     db.execute("UPDATE docked SET bikes = bikes + 1")
    >>> Projection(db, count, tables=["CREATE TABLE docked AS SELECT 0 AS bikes"])
    <Projection: at position 0>
    >>> db.close()

    Source: chapter 07; Young 2010 (CQRS Documents). Leaves out: several projections
    that share a file, and rebuilding in place: build a new file, then switch to it.
    """

    def __init__(
        self, db: sqlite3.Connection, apply: Apply, *, tables: Sequence[str]
    ) -> None:
        self._db, self._apply = db, apply
        self._moved = asyncio.Event()
        with db:
            db.execute(CHECKPOINT)
            if db.execute(BEGIN_AT).rowcount:
                for table in tables:
                    db.execute(table)

    def __repr__(self) -> str:
        return f"<Projection: at position {self.position}>"

    @property
    def position(self) -> int:
        """The position of the last event in the view, 0 before the first."""
        (position,) = self._db.execute(POSITION).fetchone()
        return int(position)

    def save(self, events: list[StoredEvent]) -> None:
        """Apply events and save how far they go, all in one transaction.

        Events that are in the view already change nothing.
        """
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:  # commits at its end, rolls back if it raises
            seen = self.position
            for event in events:
                if event.position > seen:
                    self._apply(self._db, event)
                    self._db.execute(ADVANCE, (event.position,))
                    seen = event.position
        self._moved.set()
        self._moved = asyncio.Event()

    async def catch_up(self, log: Log) -> int:
        """Apply what the log has beyond the view, and return how many events."""
        count = 0
        while events := await log.read_all(from_position=self.position, limit=BATCH):
            self.save(events)
            count += len(events)
        return count

    async def follow(self, log: Log, clock: Clock, *, every: float = 0.2) -> None:
        """Catch up forever, every so many seconds, also after the log was gone."""
        while True:
            with suppress(httpx.HTTPError):  # it can't be reached: ask again later
                await self.catch_up(log)
            await clock.sleep(every)

    async def reached(self, position: int) -> None:
        """Wait until the view holds the event at that position."""
        while self.position < position:
            await self._moved.wait()


EVENTS = TypeAdapter(list[StoredEvent])


def log_router(log: Log) -> APIRouter:
    """Return the route at which others read a log: `GET /log?after=17`."""
    router = APIRouter()

    @router.get("/log")
    async def read(after: int = 0) -> list[StoredEvent]:
        return await log.read_all(from_position=after, limit=BATCH)

    return router


class RemoteLog:
    """The log of another service, read over HTTP.

    Source: chapter 07; Vernon 2013 (a log of events as a REST resource). Leaves out:
    an answer that waits for the next event.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the events after that position, at most so many.

        Raises what httpx raises.
        """
        reply = await self._client.get(self._url, params={"after": from_position})
        events = EVENTS.validate_json(reply.raise_for_status().content)
        chosen = [each for each in events if types is None or each.type in types]
        return chosen[:limit]
