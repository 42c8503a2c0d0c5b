"""Outbox to inbox against bare nats-py, sagas against bare SQLite, and recoveries."""

import asyncio
import itertools
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import nats
from fastapi import FastAPI
from nats.aio.msg import Msg

from bench.bus import TOKEN, Counter, server
from bench.table import Row, interleaved
from movingparts.bus import Event
from movingparts.bus.nats import NatsBus, connect
from movingparts.consumer import once
from movingparts.core import Node
from movingparts.core.node import Tasks
from movingparts.outbox import Outbox
from movingparts.participant import Participant
from movingparts.saga import Progress, Sagas, Step
from movingparts.scenes.ch05.publisher import STREAM, Publisher
from movingparts.scenes.ch05.real import SUBJECT, billing, charge, charged, ride_ended
from movingparts.world import LocalWorld
from movingparts.world.local.clock import RealClock
from movingparts.world.local.cluster import Cluster

EVENTS, SAGAS = {"NORMAL": 1_000, "FULL": 300}, {"NORMAL": 500, "FULL": 100}
WARM = 1_000  # commits until the WAL is overwritten in place, which is quicker
KILLS = 5  # of each process
STEPS = ("reserve", "authorize", "unlock", "start")
RIDES = "CREATE TABLE rides (ride TEXT, cents INTEGER)"
CHARGES = "CREATE TABLE charges (ride TEXT, cents INTEGER)"
SAGA_TABLE = "CREATE TABLE sagas (saga TEXT PRIMARY KEY, step INTEGER, data TEXT)"
Work = Callable[[sqlite3.Connection, sqlite3.Connection], Awaitable[float]]
RIDE = "INSERT INTO rides VALUES (?, ?)"


@contextmanager
def database(level: str, *tables: str) -> Iterator[sqlite3.Connection]:
    """Open a file as a node's disk opens it, at a level; it has seen some commits."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder, "data.sqlite"))) as db,
    ):
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        for table in (*tables, "CREATE TABLE warm (text TEXT)"):
            db.execute(table)
        for _ in range(WARM):
            with db:
                db.execute("INSERT INTO warm VALUES (?)", ("." * 200,))
        db.execute(f"PRAGMA synchronous={level}")
        yield db


# --- events, from a commit to a commit --------------------------------------------


def promised(url: str, level: str) -> float:
    """Events a second: a ride and its event committed, relayed, and charged once."""

    async def main(rides: sqlite3.Connection, charges: sqlite3.Connection) -> float:
        here, there = [
            NatsBus(await connect(url, token=TOKEN), name, Tasks(print))
            for name in ("rides", "billing")
        ]
        await here.stream("RIDES", "rides.>")
        counter, receive = Counter(EVENTS[level]), once(charges, "billing", charge)
        outbox = Outbox(rides)

        async def handle(event: Event) -> None:
            await receive(event)
            await counter(event)

        await there.subscribe(SUBJECT, handle, durable="billing")
        begun = time.perf_counter()
        for number in range(EVENTS[level]):
            event = ride_ended(number)
            with rides:
                rides.execute(RIDE, (event.data["ride"], event.data["cents"]))
                outbox.add(SUBJECT, event)
        await outbox.relay(here)
        await counter.done.wait()
        seconds = time.perf_counter() - begun
        for bus in (here, there):
            await bus.close()
        await forget(url)
        return EVENTS[level] / seconds

    return on_files(level, main)


def by_hand(url: str, level: str, *, pushed: bool = False) -> float:
    """The same with nats-py and sqlite3 alone: as many rows, published and charged.

    A crash between commit and publish loses an event here, and one between commit and
    acknowledgment charges twice.
    """

    async def main(rides: sqlite3.Connection, charges: sqlite3.Connection) -> float:
        here = await nats.connect(url, token=TOKEN)
        there = await nats.connect(url, token=TOKEN)
        publish, consume = here.jetstream(), there.jetstream()
        await publish.add_stream(name="RIDES", subjects=["rides.>"])
        counter = Counter(EVENTS[level])

        async def handle(message: Msg) -> None:
            data = json.loads(message.data)
            with charges:
                charges.execute(
                    "INSERT INTO charges VALUES (?, ?)", (data["ride"], data["cents"])
                )
            await message.ack()
            await counter(message)

        async def pull() -> None:
            source = await consume.pull_subscribe(SUBJECT, durable="billing")
            while counter.left:
                with suppress(TimeoutError):
                    for message in await source.fetch(1, 1.0):
                        await handle(message)

        if pushed:
            await consume.subscribe(
                SUBJECT, durable="billing", cb=handle, manual_ack=True
            )
        task = asyncio.create_task(asyncio.sleep(0) if pushed else pull())
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        for number in range(EVENTS[level]):
            data = ride_ended(number).data
            with rides:
                rides.execute(RIDE, (data["ride"], data["cents"]))
            await publish.publish(SUBJECT, json.dumps(data).encode())
        await counter.done.wait()
        seconds = time.perf_counter() - begun
        await task
        for connection in (here, there):
            await connection.close()
        await forget(url)
        return EVENTS[level] / seconds

    return on_files(level, main)


def on_files(level: str, main: Work, theirs: str = CHARGES) -> float:
    """Run with a database of rides and one of the other service."""

    async def run() -> float:
        with database(level, RIDES) as rides, database(level, theirs) as there:
            async with asyncio.timeout(60):
                return await main(rides, there)

    return asyncio.run(run())


async def forget(url: str) -> None:
    """Delete all streams, for the next measurement."""
    connection = await nats.connect(url, token=TOKEN)
    js = connection.jetstream()
    for info in await js.streams_info():
        await js.delete_stream(str(info.config.name))
    await connection.close()


# --- sagas, from a commit to a commit ----------------------------------------------


def page(stuck: Progress) -> None:
    """Nobody is paged in these sagas."""
    raise AssertionError(stuck)


def write_key(db: sqlite3.Connection, key: str) -> str:
    """Do a participant's step: one row."""
    db.execute("INSERT INTO held VALUES (?)", (key,))
    return "B7"


def sagas(level: str) -> float:
    """Steps a second of a saga of four, whose participants do each of them once."""

    async def main(db: sqlite3.Connection, others: sqlite3.Connection) -> float:
        participant = Participant(others)

        async def act(key: str, data: dict[str, Any]) -> Any:
            return participant.do(key, partial(write_key, key=key))

        steps = [Step(name, act, act) for name in STEPS]
        running = Sagas(db, RealClock(), steps, page)
        begun = time.perf_counter()
        for number in range(SAGAS[level]):
            running.begin(f"ride-{number}", {"rider": "ada"})
            await running.run(f"ride-{number}")
        return SAGAS[level] * len(STEPS) / (time.perf_counter() - begun)

    return on_files(level, main, "CREATE TABLE held (key TEXT)")


def bare_sagas(level: str) -> float:
    """The transactions that these sagas need, with as many bytes and nothing else."""

    async def main(db: sqlite3.Connection, others: sqlite3.Connection) -> float:
        db.execute(SAGA_TABLE)
        others.execute("CREATE TABLE keys (key TEXT PRIMARY KEY, answer TEXT)")
        data = json.dumps({"rider": "ada"} | dict.fromkeys(STEPS, "B7"))
        begun = time.perf_counter()
        for number in range(SAGAS[level]):
            saga = f"ride-{number}"
            with db:
                db.execute("INSERT INTO sagas VALUES (?, 0, ?)", (saga, data))
            for step, name in enumerate(STEPS):
                key = f"{saga}/{name}"
                with others:
                    others.execute("INSERT INTO held VALUES (?)", (key,))
                    others.execute("INSERT INTO keys VALUES (?, 'B7')", (key,))
                with db:
                    db.execute(
                        "UPDATE sagas SET step = ?, data = ? WHERE saga = ?",
                        (step + 1, data, saga),
                    )
        return SAGAS[level] * len(STEPS) / (time.perf_counter() - begun)

    return on_files(level, main, "CREATE TABLE held (key TEXT)")


# --- from a kill to the first new effect ------------------------------------------


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
    """Return the comparisons."""
    found = []
    with server() as url:
        for level in SAGAS:
            events, how = partial(promised, url, level), f"synchronous={level}"
            for pushed, peer in ((False, "fetched one by one"), (True, "pushed")):
                name = f"outbox, NATS, inbox / nats-py and sqlite3, {peer}, {how}"
                alone = partial(by_hand, url, level, pushed=pushed)
                figures = interleaved(events, alone)
                found.append(Row(name, *figures, ">= 0.4", "events/s"))
    for level in SAGAS:
        name = f"saga with participants / its bare transactions, synchronous={level}"
        orchestrated, bare = partial(sagas, level), partial(bare_sagas, level)
        figures = interleaved(orchestrated, bare, rounds=9)
        found.append(Row(name, *figures, ">= 0.5", "steps/s", SAGA))
    for who, times in asyncio.run(recoveries()).items():
        name = f"kill -9 of {who} to a new effect / to its start"
        found.append(Row(name, *medians(times), "", "s"))
    waits = [asyncio.run(leaders()) for _ in range(KILLS)]
    name = "wait for an acknowledgment, leader of three killed / steps down"
    found.append(Row(name, *medians(waits), "", "s"))
    return found


SAGA = (
    "Runs on a busy machine gave 0.48 to 0.67: where no commit waits for the disk, a"
    " transaction takes some 80 us, and to read a saga's progress back, to make the new"
    " one and to know a key takes as long again."
)
