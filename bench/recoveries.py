"""From a kill -9 to the first new effect, and how long a stream is without a leader."""

import asyncio
import itertools
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from bench.promises import STEPS, page, write_key
from bench.table import Row
from movingparts.core import Node
from movingparts.outbox import Outbox
from movingparts.participant import Participant
from movingparts.saga import Sagas, Step
from movingparts.scenes.ch05.publisher import STREAM, Publisher
from movingparts.scenes.ch05.real import SUBJECT, billing, charged, ride_ended
from movingparts.world import LocalWorld
from movingparts.world.local.cluster import Cluster

KILLS = 5  # of each process


def starting(node: Node) -> FastAPI:
    """Serve an orchestrator: it goes on with its sagas, and begins one after another.

    Each step is done by `stations`, a service that stays up.
    """
    db = node.disk.connect()

    async def act(key: str, data: dict[str, Any]) -> Any:
        reply = await node.client.put(f"http://stations/steps/{key}")
        return reply.raise_for_status().json()

    running = Sagas(db, node.clock, [Step(name, act, act) for name in STEPS], page)

    async def work() -> None:
        for saga in running.unfinished():
            await running.run(saga)
        (count,) = db.execute("SELECT count(*) FROM sagas").fetchone()
        for number in itertools.count(count):
            running.begin(f"ride-{number}", {"rider": "ada"})
            await running.run(f"ride-{number}")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        node.tasks.create_task(work())
        yield

    return FastAPI(title="rides", lifespan=lifespan)


class Steps:
    """A participant, which counts the steps that it has done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, node: Node) -> FastAPI:
        """Serve it."""
        app, db = FastAPI(title="stations"), node.disk.connect()
        db.execute("CREATE TABLE IF NOT EXISTS held (key TEXT)")
        participant = Participant(db)

        @app.put("/steps/{key:path}")
        async def put(key: str) -> Any:
            return participant.do(key, partial(self._do, key=key))

        return app

    def _do(self, db: sqlite3.Connection, key: str) -> str:
        self.done += 1
        return write_key(db, key)


async def until(world: LocalWorld, more: Callable[[], bool]) -> None:
    """Wait until there is a new effect."""
    async with asyncio.timeout(30):
        while not more():
            await world.clock.sleep(0.002)


async def recovery(
    world: LocalWorld,
    effects: Callable[[], int],
    kill: Callable[[], None],
    start: Callable[[], Awaitable[Any]],
) -> tuple[float, float]:
    """Kill while work is under way; return the seconds to a new effect, and to start.

    What was under way may come to its end without the process that is dead: an effect
    is new that comes after the start.
    """
    before = effects()
    await until(world, lambda: effects() > before + 3)
    begun = time.perf_counter()
    kill()
    await start()
    up, before = time.perf_counter(), effects()
    await until(world, lambda: effects() > before)
    return time.perf_counter() - begun, up - begun


def medians(found: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median of both, and of the ratios of pairs."""
    whole, alone = zip(*found, strict=True)
    ratio = statistics.median(a / b for a, b in found)
    return statistics.median(whole), statistics.median(alone), ratio


async def recoveries() -> dict[str, list[tuple[float, float]]]:
    """Kill billing, the broker and an orchestrator, some times each."""
    found: dict[str, list[tuple[float, float]]] = {}
    async with LocalWorld() as world:
        rides, stations = world.node("rides"), Steps()
        await rides.bus.stream("RIDES", "rides.>")
        db = rides.disk.connect()
        outbox = Outbox(db)

        async def report() -> None:
            for number in itertools.count():
                with db:
                    outbox.add(SUBJECT, ride_ended(number))
                await world.clock.sleep(0.02)

        def charges() -> int:
            return len(charged(world.node("billing")))

        async def again() -> None:
            services["billing"] = await world.spawn("billing", billing)

        services = {"billing": await world.spawn("billing", billing)}
        reporting = rides.tasks.create_task(report())
        rides.tasks.create_task(outbox.run(rides.bus, rides.clock, every=0.02))
        found["a consumer"] = [
            await recovery(world, charges, services["billing"].kill, again)
            for _ in range(KILLS)
        ]
        found["the broker"] = [
            await recovery(world, charges, world.broker.kill, world.restart_broker)
            for _ in range(KILLS)
        ]
        reporting.cancel()

        async def resume() -> None:
            services["starting"] = await world.spawn("starting", starting)

        await world.serve("stations", stations)
        await resume()
        found["an orchestrator"] = [
            await recovery(
                world, lambda: stations.done, services["starting"].kill, resume
            )
            for _ in range(KILLS)
        ]
    return found


async def leaders() -> tuple[float, float]:
    """Return the longest wait for an acknowledgment when a leader is killed.

    And, second, when it steps down; the stream has three copies.
    """
    async with Cluster() as cluster:
        publisher = Publisher(cluster)
        publishing = asyncio.create_task(publisher.publish())
        await publisher.more(50)
        await cluster.step_down(STREAM)
        await publisher.more(50)
        stepped_down = publisher.gap()
        cluster.servers[await cluster.leader(STREAM)].kill()
        await publisher.more(50)
        publishing.cancel()
        return publisher.gap(), stepped_down


def rows() -> list[Row]:
    """Return the times, and what they are compared with."""
    found = []
    for who, times in asyncio.run(recoveries()).items():
        name = f"kill -9 of {who} to a new effect / to its start"
        found.append(Row(name, *medians(times), "", "s"))
    waits = [asyncio.run(leaders()) for _ in range(KILLS)]
    name = "wait for an acknowledgment, leader of three killed / steps down"
    found.append(Row(name, *medians(waits), "", "s"))
    return found
