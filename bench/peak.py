"""Chapter 07's peak on real processes: one model for both jobs, and one for each.

Each service is a process of its own and works for as long as its work takes: no cost is
simulated. Maps are asked for so often that they keep the one process busy for a fixed
share of its time. So a fast machine and a slow one have the same queue.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from bench.table import Row
from movingparts.core import Exponential, Node
from movingparts.core.random import stream
from movingparts.measure.latency import percentile
from movingparts.scenes.ch07 import stations
from movingparts.world import LocalWorld

BUSY = 0.5  # of its time, the one process makes maps
WRITES = 10.0  # a second
SECONDS, ROUNDS = 20.0, 5
BIKES = 10  # at each station, from the start
MAPS = 50  # asked for one after the other, to learn how long one takes
Ask = Callable[[], Awaitable[Any]]


def one_model(node: Node) -> FastAPI:
    """Serve both jobs."""
    return stations.one_model(node, costs=False)


def commands(node: Node) -> FastAPI:
    """Serve the docks."""
    return stations.commands(node, costs=False)


def queries(node: Node) -> FastAPI:
    """Serve the apps."""
    return stations.queries(node, costs=False)


async def request(url: str, what: str) -> Any:
    """Return what a service answers; a bare socket takes little of this process."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{what} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode())
    answer, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if answer.split()[1] != b"200":
        raise RuntimeError(f"{what}: {answer.decode()}")
    return json.loads(body)


async def timed(ask: Ask) -> float:
    """Return the milliseconds until the answer is here."""
    begun = time.perf_counter()
    await ask()
    return (time.perf_counter() - begun) * 1000


async def arriving(rate: float, ask: Ask, name: str) -> list[float]:
    """Ask at random, so many times a second, and return how long each answer took."""
    gap, rng, waits = Exponential(1 / rate), stream(0, name), []
    async with asyncio.TaskGroup() as group:
        ends = time.perf_counter() + SECONDS
        while time.perf_counter() < ends:
            await asyncio.sleep(gap.draw(rng) / 1_000_000)
            waits.append(group.create_task(timed(ask)))
    return [wait.result() for wait in waits]


@asynccontextmanager
async def city(*, split: bool) -> AsyncIterator[tuple[Ask, Ask]]:
    """Start the services with bikes; give what reports one and what asks for a map."""
    async with LocalWorld() as world:
        write = await world.spawn("stations", commands if split else one_model)
        read = await world.spawn("map", queries) if split else write
        bikes = iter(range(1_000_000))

        async def report() -> None:
            bike = next(bikes)
            station = stations.STATIONS[bike % len(stations.STATIONS)]
            await request(write.url, f"PUT /stations/{station}/bikes/B{bike}")

        ask = partial(request, read.url, "GET /map")
        for _ in range(len(stations.STATIONS) * BIKES):
            await report()
        while sum((await ask()).values()) < len(stations.STATIONS) * BIKES:
            await asyncio.sleep(0.1)
        yield report, ask


async def peak(*, split: bool, reads: float = 0) -> dict[str, list[float]]:
    """Return the waits; without a rate of reads, it is what makes the service busy."""
    async with city(split=split) as (report, ask):
        alone = percentile([await timed(ask) for _ in range(MAPS)], 50)
        rate = reads or BUSY * 1000 / alone
        writes, maps = await asyncio.gather(
            arriving(WRITES, report, "docks"), arriving(rate, ask, "apps")
        )
        return {"alone": [alone], "report": writes, "map": maps}


Waits = dict[str, list[float]]


def rounds() -> tuple[Waits, Waits]:
    """Return the waits with one model and with two, of all rounds in turn."""
    both: tuple[Waits, Waits] = ({}, {})
    for _ in range(ROUNDS):
        one = asyncio.run(peak(split=False))
        two = asyncio.run(peak(split=True, reads=BUSY * 1000 / one["alone"][0]))
        for waits, more in zip(both, (one, two), strict=True):
            for what, found in more.items():
                waits.setdefault(what, []).extend(found)
    return both


NAMES = {"report": "docks report", "map": "apps ask for the map"}


def chapter_07() -> list[dict[str, Any]]:
    """Return what the page shows: how long docks and apps waited, in milliseconds."""
    both = rounds()
    return [
        {
            "who": who,
            "percent": percent,
            **{
                name: round(percentile(waits[what], percent), 1)
                for name, waits in zip(("one", "two"), both, strict=True)
            },
        }
        for what, who in NAMES.items()
        for percent in (50, 99)
    ]


def rows() -> list[Row]:
    """Return how many times as long docks and apps wait with one model."""
    found = []
    for row in chapter_07():
        one, two = row["one"], row["two"]
        name = f"{row['who']}, p{row['percent']}, one model / two"
        aim = ">= 2" if (row["who"], row["percent"]) == (NAMES["report"], 99) else ""
        found.append(Row(name, one, two, one / two, aim, "ms"))
    return found
