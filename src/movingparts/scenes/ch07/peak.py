"""The morning peak: docks report, apps ask for the map, and their waits are measured.

Source: chapter 07. Leaves out: a city's real hours; requests come at random.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from movingparts.core import Exponential, Node, Recording
from movingparts.core.node import Factory
from movingparts.core.random import Uniform
from movingparts.measure.latency import percentile
from movingparts.projection import Projection
from movingparts.scenes.ch07.stations import STATIONS
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate


@dataclass
class Waits:
    """How long requests took, in milliseconds, and how many failed."""

    took: list[float] = field(default_factory=list)
    failed: int = 0

    def row(self, name: str) -> tuple[str, ...]:
        """Return the median, the tail and the failures as text."""
        found = [
            f"{percentile(self.took, p):,.0f} ms" if self.took else "-"
            for p in (50, 99)
        ]
        return (name, str(len(self.took)), *found, str(self.failed))


@dataclass
class Peak:
    """What a peak was like; `lags` are in ms, from an event to the view that has it."""

    writes: Waits = field(default_factory=Waits)
    reads: Waits = field(default_factory=Waits)
    lags: list[float] = field(default_factory=list)

    def table(self) -> Table:
        """Return the waits of both."""
        rows = [self.writes.row("docks report"), self.reads.row("apps ask for the map")]
        return Table(("who", "answers", "p50", "p99", "failed"), rows)


def peak(
    services: Mapping[str, Factory],
    *,
    map_at: str = "stations",
    reads: float = 8.0,
    writes: float = 10.0,
    seconds: float = 30.0,
    seed: int = 1,
) -> Recording:
    """Run services under so many reads and writes a second; the result is a `Peak`.

    Docks report to `stations`; apps ask `map_at` for the map. A service whose app has
    a `state.view` is watched: how long until it has each event.
    """

    async def scenario(world: SimulatedWorld) -> Peak:
        world.network.everywhere(latency=Uniform(0.001, 0.003))
        found = Peak()
        views: list[Projection] = []

        def watched(make: Factory) -> Factory:
            def made(node: Node) -> FastAPI:
                app = make(node)
                views.extend(filter(None, [getattr(app.state, "view", None)]))
                return app

            return made

        async def lag(position: int) -> None:
            begun = world.clock.monotonic()
            await views[-1].reached(position)
            found.lags.append((world.clock.monotonic() - begun) * 1000)

        for name, make in services.items():
            await world.serve(name, watched(make))
        docks, apps = world.node("docks"), world.node("apps")

        async def report(number: int) -> httpx.Response:
            station = docks.random.choice(STATIONS)
            url = f"http://stations/stations/{station}/bikes/B{number}"
            reply = await docks.client.put(url)
            if views and reply.is_success:
                tasks.create_task(lag(reply.json()["position"]))
            return reply

        async def ask(number: int) -> httpx.Response:
            return await apps.client.get(f"http://{map_at}/map")

        async with asyncio.TaskGroup() as tasks:  # ends when all have their answers
            for node, rate, send, waits in (
                (docks, writes, report, found.writes),
                (apps, reads, ask, found.reads),
            ):
                tasks.create_task(arrive(node, rate, seconds, send, waits))
        return found

    return simulate(scenario, seed=seed)


async def arrive(
    node: Node,
    rate: float,
    seconds: float,
    send: Callable[[int], Awaitable[httpx.Response]],
    waits: Waits,
) -> None:
    """Let requests arrive at random, so many a second, and note how long each took."""

    async def one(number: int) -> None:
        begun = node.clock.monotonic()
        try:
            reply = await send(number)
            reply.raise_for_status()
        except httpx.HTTPError:
            waits.failed += 1
        else:
            waits.took.append((node.clock.monotonic() - begun) * 1000)

    gap, number, ends = Exponential(1 / rate), 0, node.clock.monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        while node.clock.monotonic() < ends:
            await node.clock.sleep(gap.draw(node.random) / 1_000_000)
            number += 1
            tasks.create_task(one(number))
