"""A map that has counted wrongly is built again, while bikes move and apps ask.

How is up to the page: a function of the map service. An event takes time to apply.

Source: chapter 07. Leaves out: the network, the write side (bikes move at random, into
a log in memory), and a rebuild that is itself interrupted.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from movingparts.core import Node
from movingparts.eventstore import ANY, MemoryEventStore, NewEvent, StoredEvent
from movingparts.projection import Apply, Log, Projection
from movingparts.scenes.ch07.stations import BIKES, ROW, STATIONS, Core
from movingparts.world.simulated import SimulatedWorld, simulate

PAGE = 20  # events that the map reads at once
APPLY = 0.002  # seconds of work to apply one
GONE = ("BikeLeft",) * 5 + ("BikeCollected",)  # by a van, because it is broken
BEGIN = 1.0  # seconds from the first query to the rebuild


class View(Projection):
    """The number of bikes at each station, in a file of its own."""

    def __init__(self, db: sqlite3.Connection, apply: Apply) -> None:
        super().__init__(db, apply, tables=[BIKES])

    def counts(self) -> dict[str, int]:
        """Return what the map shows."""
        return dict(map(tuple, self._db.execute("SELECT station, bikes FROM bikes")))


class CountedLog:
    """A log that counts the events read; each is work for the process that reads."""

    read = 0

    def __init__(self, log: Log, core: Core) -> None:
        self._log, self._core = log, core

    async def read_all(self, **asked: Any) -> list[StoredEvent]:
        """Return the next events, a page at most."""
        found = (await self._log.read_all(**asked))[:PAGE]
        self.read += len(found)
        await self._core.work(len(found) * APPLY)
        return found


class MapService:
    """A service that answers from its `view`, which follows the log."""

    def __init__(self, node: Node, log: Log, apply: Apply) -> None:
        self.node, self._core = node, Core(node)
        self.log = CountedLog(log, self._core)
        self._followed = CountedLog(log, self._core)
        self.view = self.open("map.sqlite", apply)

    def open(self, file: str, apply: Apply) -> View:
        """Open the view in that file; a new one begins at position 0."""
        return View(self.node.disk.connect(file), apply)

    async def follow(self) -> None:
        """Keep the view up to date, whichever it is at the moment."""
        while True:
            await self.view.catch_up(self._followed)
            await self.node.clock.sleep(0.05)

    async def answer(self) -> dict[str, int]:
        """Return the map, as soon as the process has time for it."""
        await self._core.work(len(STATIONS) * ROW)
        return self.view.counts()


How = Callable[[MapService], Awaitable[object]]


@dataclass
class Rebuilt:
    """By how many bikes each answer was off, and how many events it took."""

    off: list[tuple[float, int]] = field(default_factory=list)  # seconds, bikes
    read: int = 0  # by `how`
    events: int = 0  # in the log when `how` was done


class City:
    """Bikes that move at random between stations, and the log of that."""

    def __init__(self, node: Node) -> None:
        self.node, self.log = node, MemoryEventStore()
        self.where: dict[str, str] = {}

    async def move(self, times: int, *, gap: float = 0.0) -> None:
        """Dock or take a bike so many times, at gaps of so many seconds."""
        for _ in range(times):
            bike = f"B{self.node.random.randrange(300)}"
            station = self.where.pop(bike, "")
            kind = self.node.random.choice(GONE) if station else "BikeDocked"
            station = station or self.node.random.choice(STATIONS)
            if kind == "BikeDocked":
                self.where[bike] = station
            event = NewEvent(self.node.new_id(), kind, {"station": station})
            await self.log.append(station, [event], expected_version=ANY)
            await self.node.clock.sleep(gap)

    def off(self, shown: dict[str, int]) -> int:
        """Return by how many bikes a map is wrong, over all stations."""
        there = Counter(self.where.values())
        return sum(abs(shown.get(station, 0) - there[station]) for station in STATIONS)


def rebuilt(
    how: How, apply: Apply, *, past: int = 600, seconds: float = 4.0
) -> Rebuilt:
    """Ask a map that has counted with `apply` so far, and after a second does `how`.

    The log begins with so many `past` events, and gets some more meanwhile.
    """

    async def scenario(world: SimulatedWorld) -> Rebuilt:
        city, found = City(world.node("docks")), Rebuilt()
        await city.move(past)
        service = MapService(world.node("map"), city.log, apply)
        await service.view.catch_up(city.log)

        async def begin() -> None:
            await world.clock.sleep(BEGIN)
            await how(service)
            found.read, found.events = service.log.read, city.log.position

        begun, tasks = world.clock.monotonic(), service.node.tasks
        tasks.create_task(service.follow())
        tasks.create_task(begin())
        city.node.tasks.create_task(city.move(20, gap=0.3))
        while (at := world.clock.monotonic() - begun) < seconds:
            found.off.append((at, city.off(await service.answer())))
            await world.clock.sleep(0.1)
        return found

    result: Rebuilt = simulate(scenario, seed=1).result
    return result
