"""A rush of quotes and look-ups, on one process, on copies of it, and on two services.

Every process has one core. A quote keeps it for 40 ms, a look-up for 2 ms, so that a
look-up waits behind the quotes of its own process and behind no others.

Source: chapter 01. Leaves out: the network, and a load balancer of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.measure.latency import latencies, load, percentile
from movingparts.world.simulated import SimulatedWorld, simulate

SECONDS = {"quotes": 0.040, "rides": 0.002}  # that each keeps the core
PER_SECOND = {"quotes": 20.0, "rides": 8.0}
CALLERS = {"quotes": "riders", "rides": "viewers"}
COUNT = {"quotes": 200, "rides": 80}


def process(node: Node) -> FastAPI:
    """Make a process with one core; it answers whoever comes first."""
    app, core = FastAPI(), asyncio.Semaphore(1)

    @app.get("/{what}")
    async def answer(what: str) -> str:
        async with core:
            await node.clock.sleep(SECONDS[what])
        return what

    return app


async def ask(world: SimulatedWorld, what: str, names: Sequence[str]) -> None:
    """Send all requests of one kind, to each process in turn."""

    async def send(client: httpx.AsyncClient, n: int) -> httpx.Response:
        return await client.get(f"http://{names[n % len(names)]}/{what}")

    caller, rate = CALLERS[what], PER_SECOND[what]
    await load(world, caller, send, count=COUNT[what], rate=rate)


def rush(quotes: Sequence[str], rides: Sequence[str], seed: int) -> dict[str, float]:
    """Return the p99 of quotes and of look-ups of rides, in milliseconds.

    Each kind goes to the processes that are named for it, in turn.

    >>> p99 = rush(["pricing"], ["rides"], seed=7)
    >>> p99["quotes"] > p99["rides"]
    True
    """

    async def both(world: SimulatedWorld) -> None:
        for name in dict.fromkeys([*quotes, *rides]):
            await world.serve(name, process)
        looking = world.node("viewers").tasks.create_task(ask(world, "rides", rides))
        await ask(world, "quotes", quotes)
        await looking

    recording = simulate(both, seed=seed)
    return {
        what: percentile(latencies(recording, caller), 99)
        for what, caller in CALLERS.items()
    }
