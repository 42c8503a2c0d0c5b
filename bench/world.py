"""The simulated world against bare httpx, and virtual time against wall time."""

import asyncio
import importlib
import time
from typing import Any

import httpx
from fastapi import FastAPI

from bench.table import Row, interleaved, per_second
from movingparts.world import LogNormal, Node, SimulatedWorld, simulate

REQUESTS = 2_000


def quotes(node: Node | None) -> FastAPI:
    """Return the smallest service that answers with JSON from a query."""
    app = FastAPI()

    @app.get("/quote")
    async def quote(minutes: int) -> dict[str, int]:
        return {"cents": 100 + 15 * minutes}

    return app


def simulated() -> float:
    """Requests a second in a simulated world, with a full recording."""

    async def scenario(world: SimulatedWorld) -> float:
        await world.serve("pricing", quotes)
        client = world.client("rider")
        url = "http://pricing/quote?minutes=12"
        return await per_second(lambda: client.get(url), REQUESTS)

    return float(simulate(scenario, seed=1).result)


def bare() -> float:
    """Requests a second through httpx.ASGITransport, which records nothing."""

    async def run() -> float:
        transport = httpx.ASGITransport(app=quotes(None))
        async with httpx.AsyncClient(transport=transport) as client:
            url = "http://pricing/quote?minutes=12"
            return await per_second(lambda: client.get(url), REQUESTS)

    return asyncio.run(run())


async def riders(world: SimulatedWorld) -> None:
    """Run 300 rides through chapter 01's services, a ride every two seconds."""
    one_ride: Any = importlib.import_module("movingparts.scenes.ch01.one_ride")
    await world.serve("pricing", one_ride.pricing)
    await world.serve("rides", one_ride.rides)
    world.network.everywhere(latency=LogNormal(median=0.005, p99=0.050), loss=0.01)
    client = world.client("rider", timeout=10.0)
    for number in range(300):
        ride = {"ride_id": f"r{number}", "rider": "ada", "minutes": 12}
        try:
            await client.post("http://rides/rides", json=ride)
        except httpx.HTTPError:
            continue
        await world.clock.sleep(2)


def speed_of_time() -> tuple[float, float]:
    """Return the virtual and the wall seconds of that scenario."""
    begun = time.perf_counter()
    recording = simulate(riders, seed=1)
    return recording.duration_us / 1e6, time.perf_counter() - begun


def rows() -> list[Row]:
    """Measure; requests are one at a time on both sides."""
    ours, peer, ratio = interleaved(simulated, bare)
    virtual, wall = speed_of_time()
    name = "simulated HTTP, full recording / httpx.ASGITransport"
    clock = "300 rides of chapter 01, virtual / wall time"
    return [
        Row(name, ours, peer, ratio, ">= 1", "requests/s"),
        Row(clock, virtual, wall, virtual / wall, ">= 500", "s"),
    ]
