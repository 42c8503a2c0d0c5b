"""A map of where each bike is, kept by workers that read one stream of events.

Source: chapter 05. Leaves out: that each worker of a real map is a process of its own,
on one database server; here they share a connection.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from movingparts.bus import Bus, Event, Handler
from movingparts.core.random import Uniform, stream
from movingparts.core.recording import Recording
from movingparts.world.simulated import simulate

if TYPE_CHECKING:
    from movingparts.world.simulated import SimulatedWorld

ROAD = "on the road"
START = datetime(2026, 6, 1, 8, tzinfo=UTC)
MAP = "CREATE TABLE map (bike TEXT PRIMARY KEY, place TEXT, time REAL)"
TOGETHER = 4  # bikes whose events a station sends in one report
EVERY = 0.1  # seconds a bike between two reports
ANSWERS = Uniform(0.02, 0.18)  # seconds until fleet answers

Check = Callable[[Event], Awaitable[None]]
Worker = Callable[[sqlite3.Connection, Check], Handler]
Reports = Sequence[tuple[float, Sequence[Event]]]  # seconds before it, and its events


class Unavailable(Exception):
    """Fleet has not answered."""


def moved(bike: str, number: int, place: str, minute: float) -> Event:
    """Return the event that a bike is at a place now, its `number`-th.

    >>> moved("B7", 2, "S01", 1).type
    'bike-docked'
    """
    return Event(
        id=f"{bike}/{number}",
        source="/stations",
        type="bike-taken" if place == ROAD else "bike-docked",
        subject=bike,
        time=START + timedelta(minutes=minute),
        data={"place": place, "number": number},
    )


def morning(seed: int, bikes: int = 20) -> Reports:
    """Return reports of bikes that are taken, and put back after a look at the saddle.

    A report mixes the events of four bikes; each bike's own are in order.

    >>> [len(events) for _, events in morning(1, bikes=8)]
    [8, 8]
    """
    rng, reports = stream(seed, "morning"), []
    names = [f"B{number}" for number in range(1, bikes + 1)]
    for at in range(0, bikes, TOGETHER):
        some = names[at : at + TOGETHER]
        turns = sorted([*some, *some], key=lambda _: rng.random())
        events = []
        for turn, bike in enumerate(turns):
            again = bike in turns[:turn]
            place = f"S{int(bike[1:]):02}" if again else ROAD
            events.append(moved(bike, 1 + again, place, at + turn / 60))
        reports.append((EVERY * len(some), events))
    return reports


# Ada takes B7, finds its saddle loose, and puts it back.
SADDLE: Reports = [(0.0, [moved("B7", 1, ROAD, 0), moved("B7", 2, "S01", 0.1)])]

# B7 is docked at S02 and taken again, while S02 is offline; S02 reports at 9:20.
OFFLINE: Reports = [
    (0.0, [moved("B7", 1, "S01", 0), moved("B7", 2, ROAD, 5)]),
    (55 * 60.0, [moved("B7", 5, "S03", 55)]),
    (25 * 60.0, [moved("B7", 3, "S02", 20), moved("B7", 4, ROAD, 40)]),
]


def plain(event: Event) -> str:
    """Return the subject that an event is published on.

    >>> plain(moved("B7", 2, "S01", 1))
    'stations.bike-docked'
    """
    return f"stations.{event.type}"


def keep_map(
    worker: Worker,
    reports: Reports,
    *,
    seed: int,
    follow: Sequence[str] = ("stations.>",),
    subject_of: Callable[[Event], str] = plain,
    failing: float = 0.0,
    replay: bool = False,
) -> Recording:
    """Publish what stations report, and let workers keep a map of it.

    There is a worker for each subject in `follow`; those with the same subject share a
    durable subscription. The check of a share `failing` of the events fails at its
    first try. The result has the `map`, how many bikes it has `wrong`, how often an
    event was `refused`, how many `seconds` it all took, and, with `replay`, the map
    that one more worker made from the stream's first event afterward.

    >>> def worker(db, check):
    ...     async def handle(event):
    ...         row = [event.subject, event.data["place"], 0]
    ...         db.execute("INSERT OR REPLACE INTO map VALUES (?, ?, ?)", row)
    ...     return handle
    >>> keep_map(worker, OFFLINE, seed=1).result["map"]
    {'B7': 'on the road'}
    """
    events = [event for _, some in reports for event in some]

    async def scenario(world: SimulatedWorld) -> dict[str, Any]:
        fleet = Fleet(world, seed, failing)
        crew = Crew(world, worker, fleet.check, {event.id for event in events})
        await world.serve("stations", FastAPI(title="stations"))
        stations = world.node("stations").bus
        await stations.stream("stations", "stations.>")
        for number, subject in enumerate(follow, start=1):
            durable = f"map-{follow.index(subject)}"
            await crew.join(f"map-{number}", subject, durable)
        await report(world, stations, reports, subject_of)
        seconds = await crew.done()
        result = {"map": crew.map(), "wrong": crew.wrong(events)}
        result |= {"refused": crew.refused, "seconds": seconds}
        if replay:
            later = Crew(world, worker, fleet.check, {event.id for event in events})
            await later.join("map-new", "stations.>", "map-new")
            await later.done()
            result["replayed"] = later.map()
        return result

    return simulate(scenario, seed=seed, until=10_000)


async def report(
    world: SimulatedWorld,
    bus: Bus,
    reports: Reports,
    subject_of: Callable[[Event], str],
) -> None:
    """Publish the events of each report in order."""
    for wait, events in reports:
        await world.clock.sleep(wait)
        for event in events:
            await bus.publish(subject_of(event), event)


class Fleet:
    """The service that workers ask about each bike; it takes a while, and may fail."""

    def __init__(self, world: SimulatedWorld, seed: int, failing: float) -> None:
        self._world, self._seed, self._failing = world, seed, failing
        self._failed: set[str] = set()

    async def check(self, event: Event) -> None:
        """Ask; raise `Unavailable` where the first try for this event fails."""
        takes = ANSWERS.draw(stream(self._seed, "takes", event.id))
        await self._world.clock.sleep(takes / 1e6)
        fails = stream(self._seed, "fails", event.id).random() < self._failing
        if fails and event.id not in self._failed:
            self._failed.add(event.id)
            raise Unavailable("fleet has not answered")


class Crew:
    """Workers that keep one map together."""

    def __init__(
        self, world: SimulatedWorld, worker: Worker, check: Check, ids: set[str]
    ) -> None:
        self._world, self._worker, self._check = world, worker, check
        self._left, self._over, self.refused = ids, asyncio.Event(), 0
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.execute(MAP)

    async def join(self, name: str, subject: str, durable: str) -> None:
        """Let one more worker handle events of a subject."""
        handle = self._worker(self._db, self._check)

        async def noted(event: Event) -> None:
            try:
                await handle(event)
            except Exception as why:
                self.refused += 1
                self._world.note(name, type(why).__name__)
                raise
            self._world.note(name, f"map: {self.map()[str(event.subject)]}")
            self._left.discard(event.id)
            if not self._left:
                self._over.set()

        await self._world.serve(name, FastAPI(title="map"))
        bus = self._world.node(name).bus
        await bus.subscribe(subject, noted, durable=durable)

    async def done(self) -> float:
        """Wait until every event was handled; return at which second."""
        async with asyncio.timeout(60):
            await self._over.wait()
        seconds = round(self._world.clock.monotonic(), 1)
        await self._world.clock.sleep(0.01)  # the last acknowledgment's way
        return seconds

    def map(self) -> dict[str, str]:
        """Return where each bike is, as the map says."""
        return dict(self._db.execute("SELECT bike, place FROM map ORDER BY bike"))

    def wrong(self, events: Sequence[Event]) -> int:
        """Return for how many bikes the map says another place than the newest."""
        true = {each.subject: each.data["place"] for each in sorted(events, key=_time)}
        shown = self.map()
        return sum(shown[str(bike)] != place for bike, place in true.items())


def _time(event: Event) -> float:
    return event.time.timestamp() if event.time else 0.0
