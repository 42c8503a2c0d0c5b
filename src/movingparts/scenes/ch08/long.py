"""A station whose stream gets long: how long a command takes to read it first.

A command keeps its process busy for as long as its work takes: so long for an event
that is read, so long to look for a snapshot, so long for each commit.

Source: chapter 08. Leaves out: the network, and how a rider reaches a dock.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from movingparts.core import Node, Recording
from movingparts.eventstore import NewEvent, SqliteEventStore, StoredEvent
from movingparts.eventstore.snapshot import Snapshot, Snapshots
from movingparts.world.simulated import SimulatedWorld, simulate

EVENT = 0.00002  # seconds that a process works to read an event and apply it
FIND = 0.0001  # to look for a snapshot
COMMIT = 0.002  # to append events, or to save a snapshot
BIKES = [f"B{number}" for number in range(1, 21)]
RIDERS, GAP = 6, 0.05  # how many get off a train, and the seconds between them
DAY = 1000  # events at this station


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
    """How long each command took, in ms, with those it waited for, and what it read."""

    took: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    saves: int = 0


class Side:
    """The process of the service `stations`, which does one command at a time."""

    def __init__(self, node: Node) -> None:
        self.db = sqlite3.connect(":memory:")
        self.log, self.clock = Log(self.db, node.clock), node.clock
        self.snapshots = Kept(self.db, Station, schema=1)
        self.new_id, self.busy, self.waits = node.new_id, asyncio.Lock(), Waits()

    async def change(self, read: Read, stream: str, bike: str) -> None:
        """Let a bike that is there go, or dock one that isn't."""
        begun = self.clock.monotonic()
        async with self.busy:
            events, finds, saves = self._counts()
            version, station = await read(self, stream)
            kind = "BikeLeft" if bike in station.bikes else "BikeDocked"
            event = NewEvent(self.new_id(), kind, {"bike": bike})
            await self.log.append(stream, [event], expected_version=version)
            now = self._counts()
            commits = 1 + now[2] - saves
            work = EVENT * (now[0] - events) + FIND * (now[1] - finds)
            await self.clock.sleep(work + COMMIT * commits)
        self.waits.events.append(now[0] - events)
        took = self.clock.monotonic() - begun
        self.waits.took.append(round(1000 * took, 3))
        self.waits.saves += commits - 1

    def _counts(self) -> tuple[int, int, int]:
        return self.log.events, self.snapshots.finds, self.snapshots.saves


Read = Callable[[Side, str], Awaitable[tuple[int, Station]]]
Close = Callable[[Side, str, str], Awaitable[str]]


def happens(number: int) -> tuple[str, str]:
    """Return an event of the past: twenty bikes come, then each leaves and comes."""
    if number < len(BIKES):
        return "BikeDocked", BIKES[number]
    turn, comes = divmod(number - len(BIKES), 2)
    return ("BikeDocked" if comes else "BikeLeft"), BIKES[turn % len(BIKES)]


async def past(side: Side, stream: str, version: int, numbers: range) -> None:
    """Append events of the past to a stream."""
    kinds = [(f"past-{number}", *happens(number)) for number in numbers]
    new = [NewEvent(name, kind, {"bike": bike}) for name, kind, bike in kinds]
    if new:
        await side.log.append(stream, new, expected_version=version)


def train(read: Read, *, events: int, close: Close | None = None) -> Recording:
    """Let a train arrive at a station with so many events; the result is `Waits`.

    Six riders take a bike each. One took a bike before, who isn't counted. With
    `close`, the station has a stream for each day of 1,000 events.
    """

    async def scenario(world: SimulatedWorld) -> Waits:
        side = Side(world.node("stations"))
        days = range(0, events, DAY) if close else range(0, events, events)
        stream, version = "S001/day-1", 0
        for day, first in enumerate(days, start=1):
            if close and day > 1:
                stream, version = await close(side, stream, f"S001/day-{day}"), 1
            last = min(first + (DAY if close else events), events)
            await past(side, stream, version, range(first, last))
        await side.change(read, stream, BIKES[-1])
        side.waits = Waits()
        async with asyncio.TaskGroup() as riders:
            for bike in BIKES[:RIDERS]:
                riders.create_task(side.change(read, stream, bike))
                await world.clock.sleep(GAP)
        return side.waits

    return simulate(scenario, seed=1)


def one_by_one(read: Read, lengths: range) -> Waits:
    """Do a command at each of these lengths of a stream, with nobody else there."""

    async def scenario(world: SimulatedWorld) -> Waits:
        side, version = Side(world.node("stations")), 0
        for length in lengths:
            await past(side, "S001", version, range(version, length))
            await side.change(read, "S001", happens(length)[1])
            version = length + 1
        return side.waits

    waits: Waits = simulate(scenario, seed=1).result
    return waits
