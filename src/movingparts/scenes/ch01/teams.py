"""Teams that ask whether to split, in exercise 1.5: their load, and their rush."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

import httpx
from fastapi import FastAPI
from pydantic import ConfigDict, NonNegativeFloat
from pydantic.dataclasses import dataclass as validated

from movingparts.core import LogNormal, Node, Recording
from movingparts.core.node import Factory
from movingparts.measure.latency import Percentiles, latencies, load
from movingparts.world.simulated import SimulatedWorld, simulate

Shape = Literal["one", "copies", "split"]
SHAPES: tuple[Shape, ...] = get_args(Shape)  # the cheapest to run first
COPIES = 3  # and after a split, one processor for rides and two for pricing
RIDES = 160


@dataclass(frozen=True, slots=True)
class Team:
    """A team that asks what to run. All times are in milliseconds.

    99 in 100 riders must be answered within `limit`. With `own_releases`, the people
    who set prices have to release without the people who save rides.
    `rides_per_second` arrive at random, and each costs a processor `saving` and
    `pricing`. Half of the messages between two services take less than `hop`, and 99
    in 100 less than `hop_p99`.

    >>> TEAMS[0].name, TEAMS[0].limit
    ('Larkhaven', 150)
    """

    name: str
    limit: float
    own_releases: bool
    rides_per_second: float = 4
    saving: float = 4
    pricing: float = 12
    hop: float = 1
    hop_p99: float = 5


@validated(frozen=True, config=ConfigDict(strict=True, allow_inf_nan=False))
class Decision:
    """What to run, and the p99 that was measured for it, in milliseconds.

    >>> Decision("one", p99=80).shape
    'one'
    """

    shape: Shape
    p99: NonNegativeFloat


TEAMS = (
    Team("Larkhaven", 150, own_releases=False),
    Team("Old Mill", 150, own_releases=True),
    Team("Harbor City", 150, own_releases=False, rides_per_second=40, pricing=20),
    Team("Summit", 400, True, rides_per_second=42, pricing=14, hop_p99=900),
)


def measure(team: Team, shape: Shape) -> Percentiles:
    """Run a team's rush of rides in one shape, in virtual time, and measure it.

    Raises `ValueError` for a shape that doesn't exist.

    >>> measure(TEAMS[0], "one")
    <Percentiles p50 18.0 ms, p95 25.9 ms, p99 33.3 ms>
    """
    if shape not in SHAPES:
        raise ValueError(f"a shape is one of {', '.join(SHAPES)}; got {shape!r}")
    return Percentiles.of(latencies(recorded(team, shape), "riders"))


def recorded(team: Team, shape: Shape) -> Recording:
    """Return a team's rush: its name, limit and releases change nothing."""
    return _recorded(replace(team, name="", limit=0, own_releases=False), shape)


def slowest(team: Team, shape: Shape) -> Recording:
    """Return the part of a team's rush with its slowest ride."""
    rush = recorded(team, shape)
    riders = [span for span in rush.spans if span.node == "riders"]
    slow = max(riders, key=lambda span: (span.end_us or 0) - span.start_us)
    return rush.trace(slow.trace_id)


@lru_cache(maxsize=64)
def _recorded(team: Team, shape: Shape) -> Recording:
    names = (
        [f"rides-{n + 1}" for n in range(COPIES)] if shape == "copies" else ["rides"]
    )

    async def ride(client: httpx.AsyncClient, number: int) -> httpx.Response:
        url = f"http://{names[number % len(names)]}/rides"
        return await client.post(url, timeout=30.0)

    async def rush(world: SimulatedWorld) -> None:
        hop = LogNormal(team.hop / 1000, team.hop_p99 / 1000)
        world.network.between("rides", "pricing", latency=hop)
        if shape == "split":
            await world.serve("pricing", working(team.pricing, COPIES - 1))
            await world.serve("rides", working(team.saving, 1, then="pricing"))
        else:
            for name in names:
                await world.serve(name, working(team.saving + team.pricing, 1))
        await load(world, "riders", ride, count=RIDES, rate=team.rides_per_second)

    return simulate(rush, seed=round(team.rides_per_second * 1000))


def working(ms: float, processors: int, then: str = "") -> Factory:
    """Make a service that keeps a processor for so long, and then calls another."""

    def make(node: Node) -> FastAPI:
        app, free = FastAPI(), asyncio.Semaphore(processors)

        @app.post("/rides")
        async def work() -> dict[str, str]:
            async with free:
                await node.clock.sleep(ms / 1000)
            if then:
                await node.client.post(f"http://{then}/rides", timeout=30.0)
            return {}

        return app

    return make
