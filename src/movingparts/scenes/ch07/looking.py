"""Riders dock their bikes and look at the map, which may not have them yet.

How an app goes about that is up to the page: a function `way(app, dock, maps)` that
docks the bike at the address `dock`, asks one of the services `maps`, and yields what
each screen shows, or None for no map. Each rider's station was empty before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from movingparts.core import Exponential, Node, Recording
from movingparts.core.node import Factory, ended
from movingparts.core.random import Uniform
from movingparts.measure.latency import percentile
from movingparts.scenes.ch07.stations import STATIONS
from movingparts.world.simulated import SimulatedWorld, simulate

Screen = Mapping[str, int] | None
Way = Callable[[Node, str, Sequence[str]], AsyncIterator[Screen]]
EARLIER = 0.05  # seconds after the start of the services, when all is quiet
RATE = 20.0  # riders a second
NOTES = {None: "sees no map", 0: "sees no bike", 1: "sees her bike"}


@dataclass
class Session:
    """What a rider saw: bikes at the station on each screen, and when the first came.

    >>> Session([0, 1, 0], first=31.0).gone_again
    True
    """

    shown: list[int | None]
    first: float  # milliseconds after the rider has asked to dock

    @property
    def not_there(self) -> bool:
        """Whether the bike was missing on the first screen."""
        return self.shown[0] == 0

    @property
    def gone_again(self) -> bool:
        """Whether the bike was there, and then missing."""
        return 0 in self.shown[self.shown.index(1) :] if 1 in self.shown else False


@dataclass
class Sessions:
    """What many riders saw."""

    all: list[Session]

    def row(self) -> tuple[str, ...]:
        """Return the counts, and the median and tail of the first screen, as text."""
        first = [session.first for session in self.all]
        waits = [f"{percentile(first, p):,.0f} ms" for p in (50, 99)]
        not_there = sum(session.not_there for session in self.all)
        gone = sum(session.gone_again for session in self.all)
        return (str(not_there), str(gone), *waits)


def one_rider(
    way: Way, services: Mapping[str, Factory], *, cut: bool = False
) -> Recording:
    """Let Ada dock and look; the result is the bikes at her station, screen by screen.

    With `cut`, the maps can't reach the stations from before she docks.
    """

    async def scenario(world: SimulatedWorld) -> list[int | None]:
        world.network.everywhere(latency=0.002)
        maps = await begin(world, services)
        if cut:
            world.network.partition(maps, "stations")
        return (await ride(world.node("ada"), way, maps, 41, world.note)).shown

    return simulate(scenario, seed=1)


def riders(
    way: Way, services: Mapping[str, Factory], *, count: int = 30, seed: int = 1
) -> Recording:
    """Let so many riders dock and look, each with a bike; the result is `Sessions`."""

    async def scenario(world: SimulatedWorld) -> Sessions:
        world.network.everywhere(latency=Uniform(0.001, 0.003))
        maps = await begin(world, services)
        apps, tasks = world.node("apps"), []
        for number in range(count):
            await world.clock.sleep(Exponential(1 / RATE).draw(world.random) / 1e6)
            tasks.append(apps.tasks.create_task(ride(apps, way, maps, number)))
        for task in tasks:
            await ended(task)
        return Sessions([task.result() for task in tasks])

    return simulate(scenario, seed=seed)


async def begin(world: SimulatedWorld, services: Mapping[str, Factory]) -> list[str]:
    """Start all services, and return the names of those that have a map."""
    for name, make in services.items():
        await world.serve(name, make)
    await world.clock.sleep(EARLIER)
    return [name for name in services if name != "stations"]


async def ride(
    app: Node,
    way: Way,
    maps: Sequence[str],
    number: int,
    note: Callable[[str, str], None] | None = None,
) -> Session:
    """Dock a bike at an empty station, and note what each screen shows."""
    station, begun = STATIONS[number], app.clock.monotonic()
    dock = f"http://stations/stations/{station}/bikes/B{number}"
    shown: list[int | None] = []
    first = 0.0
    async for screen in way(app, dock, maps):
        first = first or (app.clock.monotonic() - begun) * 1000
        shown.append(None if screen is None else screen.get(station, 0))
        if note:
            note(app.name, NOTES[shown[-1]])
    return Session(shown, first)
