"""A station as events, and how long its commands take, which read them first.

A command keeps its process busy for as long as its work takes: so long for an event
that is read, so long to look for a snapshot, so long for each commit.

Source: chapter 08. Leaves out: the network, and how a rider reaches a dock.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from movingparts.core import Node
from movingparts.eventstore import NewEvent, SqliteEventStore, StoredEvent
from movingparts.eventstore.snapshot import Snapshot, Snapshots

EVENT = 0.00002  # seconds that a process works to read an event and apply it
FIND = 0.0001  # to look for a snapshot
COMMIT = 0.002  # to append events, or to save a snapshot


@dataclass(frozen=True)
class Station:
    """The bikes in a station's docks."""

    bikes: tuple[str, ...] = ()


def apply(station: Station, event: StoredEvent) -> Station:
    """Return the station after an event."""
    bikes = list(station.bikes)
    if event.type == "BikeDocked":
        bikes.append(event.data["bike"])
    elif event.type == "BikeLeft":
        bikes.remove(event.data["bike"])
    elif event.type == "DayOpened":
        bikes = event.data["bikes"]
    return Station(tuple(bikes))


class Log(SqliteEventStore):
    """Counts the events that are read from a stream."""

    events = 0

    async def read(self, stream: str, *, from_version: int = 0) -> list[StoredEvent]:
        """Return the stream's events after that version."""
        found = await super().read(stream, from_version=from_version)
        self.events += len(found)
        return found


class Kept(Snapshots[Station]):
    """Counts how often a snapshot is looked for, and saved."""

    finds = saves = 0

    def find(self, stream: str) -> Snapshot[Station] | None:
        """Return the stream's snapshot, if there is one."""
        self.finds += 1
        return super().find(stream)

    def save(self, stream: str, snapshot: Snapshot[Station]) -> None:
        """Keep a snapshot."""
        self.saves += 1
        super().save(stream, snapshot)


@dataclass
class Waits:
    """How long each command took, in ms, with those it waited for, and what it did."""

    took: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)  # that it read
    saves: int = 0


class Stations:
    """The process of the service `stations`, which does one command at a time."""

    def __init__(self, node: Node) -> None:
        self.db = sqlite3.connect(":memory:")  # as quick as the simulation is
        self.log, self.snapshots = (
            Log(self.db, node.clock),
            Kept(self.db, Station, schema=1),
        )
        self.clock, self.new_id = node.clock, node.new_id
        self.waits, self._core = Waits(), asyncio.Lock()

    async def change(self, read: Read, stream: str, bike: str) -> None:
        """Let a bike that is there go, or dock one that isn't."""
        begun = self.clock.monotonic()
        async with self._core:
            before = self.log.events, self.snapshots.finds, self.snapshots.saves
            version, station = await read(self, stream)
            kind = "BikeLeft" if bike in station.bikes else "BikeDocked"
            event = NewEvent(self.new_id(), kind, {"bike": bike})
            await self.log.append(stream, [event], expected_version=version)
            after = self.log.events, self.snapshots.finds, self.snapshots.saves
            events, finds, saves = (b - a for a, b in zip(before, after, strict=True))
            await self.clock.sleep(EVENT * events + FIND * finds + COMMIT * (saves + 1))
        took = self.clock.monotonic() - begun
        self.waits.took.append(round(1000 * took, 3))
        self.waits.events.append(events)
        self.waits.saves += saves


Read = Callable[[Stations, str], Awaitable[tuple[int, Station]]]
