"""Outbox to inbox against bare nats-py, and sagas against bare SQLite."""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import nats
from nats.aio.msg import Msg

from bench.bus import TOKEN, Counter, server
from bench.table import Row, interleaved
from movingparts.bus import Event
from movingparts.bus.nats import NatsBus, connect
from movingparts.consumer import once
from movingparts.core.node import Tasks
from movingparts.outbox import Outbox
from movingparts.participant import Participant
from movingparts.saga import Progress, Sagas, Step
from movingparts.scenes.ch05.real import SUBJECT, charge, ride_ended
from movingparts.world.local.clock import RealClock

EVENTS, SAGAS = {"NORMAL": 1_000, "FULL": 300}, {"NORMAL": 500, "FULL": 100}
WARM = 1_000  # commits until the WAL is overwritten in place, which is quicker
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
    return found


SAGA = (
    "Runs on a busy machine gave 0.48 to 0.67: where no commit waits for the disk, a"
    " transaction takes some 80 us, and to read a saga's progress back, to make the new"
    " one and to know a key takes as long again."
)
