"""The event stores against bare sqlite3, the library `eventsourcing`, and bare nats-py.

All SQLite files are in WAL at `synchronous=FULL`. What waits for the disk is compared
with bare sqlite3 in wall time, and with the library in processor time. Appends are
measured once the WAL has its full size: until then each one makes the file longer.
"""

import asyncio
import json
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import nats
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.sqlite import SQLiteDatastore, SQLiteTrackingRecorder

from bench.bus import TOKEN, server
from bench.table import Row, interleaved
from movingparts.eventstore import NewEvent, SqliteEventStore, StoredEvent
from movingparts.eventstore.direct import DirectClient
from movingparts.eventstore.group import GroupCommit
from movingparts.eventstore.jetstream import JetStreamEventStore
from movingparts.eventstore.queue import WriterQueue
from movingparts.eventstore.snapshot import Snapshots, load
from movingparts.projection import BATCH, Projection
from movingparts.world.local.clock import RealClock

APPENDS, TOGETHER, REBUILDS = 1_000, 64, 20_000  # REBUILDS: events read in each round
CHUNK, WARM = 200, 5  # appends in a row, and the chunks before those that count
VIEWED = 2_000
SMALL, LARGE = 10_000, 1_000_000
DATA = {"rider": "R00017", "bike": "B0042", "station": "S07", "at": "08:00:17"}
Clock = Callable[[], float]
TABLE = """CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL,
    version INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
    UNIQUE (stream, version)) STRICT"""
INSERT = "INSERT INTO events (stream, version, id, type, data) VALUES (?, ?, ?, ?, ?)"
SELECT = "SELECT type, data FROM events WHERE stream = ? ORDER BY version"


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """Open a new file as a node's disk does."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(connect(Path(folder, "log.sqlite"))) as db,
    ):
        yield db


def connect(path: Path) -> sqlite3.Connection:
    """Open a file; a statement is a transaction unless BEGIN says otherwise."""
    db = sqlite3.connect(path, isolation_level=None, timeout=60)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def new(number: int) -> NewEvent:
    """Return an event that no other has the id of."""
    return NewEvent(f"{number:032x}", "BikeDocked", DATA)


def batches(count: int, size: int) -> list[list[NewEvent]]:
    """Return so many batches of so many events."""
    return [[new(n * size + i) for i in range(size)] for n in range(count)]


# --- append -----------------------------------------------------------------------


Chunks = Callable[[], float]
"""Does another chunk of appends; returns how many a second."""


@contextmanager
def ours(size: int, clock: Clock) -> Iterator[Chunks]:
    """Appends, each a transaction, to one stream."""
    with opened() as db, asyncio.Runner() as runner:
        store, versions = SqliteEventStore(db, RealClock()), count(0, size)

        async def chunk() -> float:
            made, begun = batches(CHUNK, size), clock()
            for each in made:
                await store.append("S07", each, expected_version=next(versions))
            return CHUNK / (clock() - begun)

        yield lambda: runner.run(chunk())


@contextmanager
def bare(size: int, clock: Clock) -> Iterator[Chunks]:
    """The same rows with sqlite3 and json by hand; the primary key is all it checks."""
    with opened() as db:
        db.execute(TABLE)
        versions = count(0, size)

        def chunk() -> float:
            made, begun = batches(CHUNK, size), clock()
            for each in made:
                rows = [
                    ("S07", version, e.id, e.type, json.dumps(e.data))
                    for version, e in enumerate(each, start=next(versions) + 1)
                ]
                db.execute("BEGIN IMMEDIATE")
                db.executemany(INSERT, rows)
                db.execute("COMMIT")
            return CHUNK / (clock() - begun)

        yield chunk


def in_turn(
    mine: AbstractContextManager[Chunks], peer: AbstractContextManager[Chunks]
) -> tuple[float, float, float]:
    """Measure chunks of both in turn, once the WAL of both has its full size."""
    with mine as one, peer as other:
        for _ in range(WARM):
            one(), other()
        return interleaved(one, other, rounds=25)


class Dock(Aggregate):
    """A station as the library has it."""

    def __init__(self) -> None:
        self.bikes = 0

    @event("BikeDocked")
    def docked(self, rider: str, bike: str, station: str, at: str) -> None:
        """Count."""
        self.bikes += 1


@contextmanager
def library() -> Iterator[tuple[Application[UUID], Path]]:
    """The library's application on a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.sqlite")
        app = Application[UUID](sqlite(path))
        try:
            yield app, path
        finally:
            app.close()


def sqlite(path: Path) -> dict[str, str]:
    """Return the settings that put the library's tables into a file."""
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}


@contextmanager
def theirs(size: int, clock: Clock) -> Iterator[Chunks]:
    """The same with the library: its event store, whose events are made before."""
    with library() as (app, _):
        dock = Dock()
        app.save(dock)

        def made() -> Sequence[Any]:
            for _ in range(size):
                dock.docked(**DATA)
            return dock.collect_events()

        def chunk() -> float:
            batches, begun = [made() for _ in range(CHUNK)], clock()
            for each in batches:
                app.events.put(each)
            return CHUNK / (clock() - begun)

        yield chunk


def grouped(*, group: bool) -> float:
    """Appends a second of many appenders at once, each to a stream of its own."""

    async def main(db: sqlite3.Connection) -> float:
        store = SqliteEventStore(db, RealClock())
        log = GroupCommit(store) if group else store

        async def appender(name: str) -> None:
            for number in range(10):
                one = NewEvent(f"{name}/{number}", "BikeDocked", DATA)
                await log.append(name, [one], expected_version=number)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(TOGETHER):
                tasks.create_task(appender(f"S{number:02}"))
        return 10 * TOGETHER / (time.perf_counter() - begun)

    with opened() as db:
        return asyncio.run(main(db))


def grown() -> tuple[float, float, float]:
    """The median append in ms of processor time at a large and a small log."""

    async def main(db: sqlite3.Connection) -> tuple[float, float]:
        store = SqliteEventStore(db, RealClock())

        async def fill(begin: int, end: int) -> None:
            for start in range(begin, end, 1_000):
                each = [new(number) for number in range(start, start + 1_000)]
                await store.append(f"S{start}", each, expected_version=0)

        async def median(mark: str) -> float:
            took = []
            for number in range(400):
                begun = time.process_time()
                one = NewEvent(f"{mark}/{number}", "BikeDocked", DATA)
                await store.append(mark, [one], expected_version=number)
                took.append(time.process_time() - begun)
            return statistics.median(took) * 1000

        await fill(0, SMALL)
        small = await median("small")
        await fill(SMALL, LARGE)
        return await median("large"), small

    with opened() as db:
        large, small = asyncio.run(main(db))
    return large, small, large / small


def fair() -> tuple[float, float, float]:
    """Appends a second of the busier and of the slower one of two processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.sqlite")
        with closing(connect(path)) as db:
            SqliteEventStore(db, RealClock())
        context = multiprocessing.get_context("spawn")
        with context.Pool(2) as pool:
            done = pool.map(writer, [(str(path), name) for name in ("a", "b")])
    return max(done), min(done), max(done) / min(done)


def writer(job: tuple[str, str]) -> float:
    """Append for three seconds; return how often a second."""
    path, name = job

    async def main(store: SqliteEventStore) -> int:
        await asyncio.sleep(1)  # until both run
        count, ends = 0, time.perf_counter() + 3
        while time.perf_counter() < ends:
            one = NewEvent(f"{name}/{count}", "BikeDocked", DATA)
            await store.append(name, [one], expected_version=count)
            count += 1
        return count

    with closing(connect(Path(path))) as db:
        queue = WriterQueue(path + ".queue")
        store = SqliteEventStore(db, RealClock(), queue=queue)
        return asyncio.run(main(store)) / 3


# --- rebuild and project ----------------------------------------------------------


def rebuilt(length: int) -> float:
    """Rebuilds a second of a stream of so many events: read, and count the bikes."""

    async def main(db: sqlite3.Connection) -> float:
        store = SqliteEventStore(db, RealClock())
        await store.append("S07", batches(1, length)[0], expected_version=0)
        begun, times = time.process_time(), REBUILDS // length
        for _ in range(times):
            bikes = 0
            for each in await store.read("S07"):
                bikes += each.data["bike"] == "B0042"
        return times / (time.process_time() - begun)

    with opened() as db:
        return asyncio.run(main(db))


def rebuilt_by_hand(length: int) -> float:
    """The same with sqlite3 and json alone."""
    with opened() as db:
        db.execute(TABLE)
        made = batches(1, length)[0]
        text = json.dumps(DATA)
        rows = [("S07", i, e.id, e.type, text) for i, e in enumerate(made, start=1)]
        db.executemany(INSERT, rows)
        begun, times = time.process_time(), REBUILDS // length
        for _ in range(times):
            bikes = 0
            for _kind, data in db.execute(SELECT, ("S07",)):
                bikes += json.loads(data)["bike"] == "B0042"
        return times / (time.process_time() - begun)


def by_library(length: int) -> float:
    """The same with the library: its repository, which folds as well."""
    with library() as (app, _):
        dock = Dock()
        for _ in range(length - 1):
            dock.docked(**DATA)
        app.save(dock)
        begun, times = time.process_time(), max(2, REBUILDS // length // 4)
        for _ in range(times):
            app.repository.get(dock.id)
        return times / (time.process_time() - begun)


VIEW = "CREATE TABLE bikes (station TEXT PRIMARY KEY, bikes INTEGER NOT NULL)"
CHANGE = """INSERT INTO bikes VALUES (?, 1)
    ON CONFLICT DO UPDATE SET bikes = bikes + 1"""


def projected() -> float:
    """Events a second into a view, with its checkpoint, from the log to the file."""

    def count(db: sqlite3.Connection, each: StoredEvent) -> None:
        db.execute(CHANGE, (each.data["station"],))

    async def main(log: sqlite3.Connection, db: sqlite3.Connection) -> float:
        store = SqliteEventStore(log, RealClock())
        await store.append("S07", batches(1, VIEWED)[0], expected_version=0)
        view = Projection(db, count, tables=[VIEW])
        begun = time.process_time()
        await view.catch_up(store)
        return VIEWED / (time.process_time() - begun)

    with opened() as log, opened() as db:
        return asyncio.run(main(log, db))


class Bikes(SQLiteTrackingRecorder):
    """The same view as the library has it: row and tracking in one transaction."""

    def construct_create_table_statements(self) -> list[str]:
        """Add the view's table."""
        made = super().construct_create_table_statements()
        return [*made, VIEW.replace("TABLE", "TABLE IF NOT EXISTS")]

    def count(self, station: str, tracking: Tracking) -> None:
        """Count a bike."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(CHANGE, (station,))


def projected_by_library() -> float:
    """The same with the library, which on SQLite reads its log in sections."""
    with library() as (app, path):
        dock = Dock()
        for _ in range(VIEWED):
            dock.docked(**DATA)
        app.save(dock)
        view = Bikes(SQLiteDatastore(str(path.with_name("view.sqlite"))))
        view.create_table()
        done, begun = 0, time.process_time()
        while found := app.recorder.select_notifications(done + 1, BATCH):
            for each in found:
                tracking = Tracking(app.name, done := int(each.id))
                docked = app.mapper.to_domain_event(each)
                if hasattr(docked, "bike"):
                    view.count(docked.station, tracking)
                else:
                    view.insert_tracking(tracking)
        took = time.process_time() - begun
        view.datastore.close()
        return VIEWED / took


def with_snapshots(length: int) -> float:
    """Loads a second of a stream, with a snapshot every 100 events."""

    async def main(db: sqlite3.Connection) -> float:
        store = SqliteEventStore(db, RealClock())
        snapshots = Snapshots(db, int, schema=1)
        get = partial(load, store, "S07", snapshots, int, lambda bikes, _: bikes + 1)
        for start in range(0, length, 50):  # so each ends 50 events after a snapshot
            each = [new(number) for number in range(start, start + 50)]
            await store.append("S07", each, expected_version=start)
            await get()
        begun = time.process_time()
        for _ in range(500):
            await get()
        return 500 / (time.process_time() - begun)

    with opened() as db:
        return asyncio.run(main(db))


def caught_up(length: int) -> float:
    """Events a second of a view that starts again, 1,000 events behind a long log."""

    def count(db: sqlite3.Connection, each: StoredEvent) -> None:
        db.execute(CHANGE, (each.data["station"],))

    async def main(log: sqlite3.Connection, db: sqlite3.Connection) -> float:
        store = SqliteEventStore(log, RealClock())
        made = [new(number) for number in range(length + 1_000)]
        await store.append("S07", made[:length], expected_version=0)
        await Projection(db, count, tables=[VIEW]).catch_up(store)
        await store.append("S07", made[length:], expected_version=length)
        begun = time.process_time()
        await Projection(db, count, tables=[VIEW]).catch_up(store)
        return 1_000 / (time.process_time() - begun)

    with opened() as log, opened() as db:
        return asyncio.run(main(log, db))


# --- JetStream --------------------------------------------------------------------


def on_jetstream(url: str, clock: Clock) -> float:
    """Appends a second, one after the other."""

    async def main() -> float:
        client = DirectClient()
        await client.connect(url, token=TOKEN)
        store = JetStreamEventStore(client, RealClock(), "ours")
        await store.declare()
        made, begun = batches(APPENDS, 1), clock()
        for number, each in enumerate(made):
            await store.append("S07", each, expected_version=number)
        took = clock() - begun
        await client.close()
        return APPENDS / took

    return asyncio.run(main())


def published(url: str, clock: Clock) -> float:
    """Awaited publishes a second, of as many bytes."""

    async def main() -> float:
        client = await nats.connect(url, token=TOKEN)
        stream = client.jetstream()
        await stream.add_stream(name="bare", subjects=["bare.*"])
        payload = json.dumps([[1, "0" * 32, "BikeDocked", DATA]]).encode()
        begun = clock()
        for _ in range(APPENDS):
            await stream.publish("bare.S07", payload)
        took = clock() - begun
        await client.close()
        return APPENDS / took

    return asyncio.run(main())


def read_back(url: str, clock: Clock) -> float:
    """Rebuilds a second of a stream of 1,000 events, each appended alone."""

    async def main() -> float:
        client = DirectClient()
        await client.connect(url, token=TOKEN)
        store = JetStreamEventStore(client, RealClock(), "long")
        await store.declare()
        if not await store.streams():
            for number in range(1_000):
                await store.append("S07", [new(number)], expected_version=number)
        begun = clock()
        for _ in range(10):
            await store.read("S07")
        took = clock() - begun
        await client.close()
        return 10 / took

    return asyncio.run(main())


def consumed(url: str, clock: Clock) -> float:
    """The same with nats-py's ordered consumer and json."""

    async def main() -> float:
        client = await nats.connect(url, token=TOKEN)
        stream = client.jetstream()
        begun = clock()
        for _ in range(3):
            found = await stream.subscribe("long.S07", ordered_consumer=True)
            for _ in range(1_000):
                json.loads((await found.next_msg()).data)
            await found.unsubscribe()
        took = clock() - begun
        await client.close()
        return 3 / took

    return asyncio.run(main())


def chapter_08() -> list[dict[str, Any]]:
    """Return what the page shows: how much of each in a second of processor time."""
    cpu = time.process_time
    found = {
        "appends of 1 event": in_turn(ours(1, cpu), theirs(1, cpu)),
        "appends of 10 events": in_turn(ours(10, cpu), theirs(10, cpu)),
    }
    for length in (10, 100):
        mine, peer = partial(rebuilt, length), partial(by_library, length)
        found[f"rebuilds from {length} events"] = interleaved(mine, peer)
    return [
        {
            "what": what,
            "ours": float(f"{own:.3g}"),
            "eventsourcing": float(f"{lib:.3g}"),
        }
        for what, (own, lib, _) in found.items()
    ]


def rows() -> list[Row]:
    """Return the comparisons."""
    wall, cpu = time.perf_counter, time.process_time
    found = []
    for size, of_library in ((1, ">= 1.5"), (10, ">= 1.8")):
        what = f"append {size} an append"
        figures = in_turn(ours(size, wall), bare(size, wall))
        aim = ">= 0.85" if size == 1 else ""
        found.append(Row(f"{what} / sqlite3, FULL", *figures, aim, "/s"))
        figures = in_turn(ours(size, cpu), theirs(size, cpu))
        name = f"{what} / eventsourcing"
        found.append(Row(name, *figures, of_library, "/s of processor", LIBRARY))
    figures = interleaved(partial(grouped, group=True), partial(grouped, group=False))
    name = f"{TOGETHER} appenders: a group a commit / a commit each"
    found.append(Row(name, *figures, ">= 6", "appends/s"))
    name = f"append: log of {LARGE:,} events / of {SMALL:,}"
    found.append(Row(name, *grown(), "<= 1.2", "ms of processor"))
    name = "two processes append: the busier / the other"
    found.append(Row(name, *fair(), "<= 2", "appends/s"))
    for length in (10, 100, 1_000):
        mine = partial(rebuilt, length)
        name = f"rebuild {length:,} events"
        figures = interleaved(mine, partial(rebuilt_by_hand, length))
        found.append(Row(f"{name} / sqlite3 and json", *figures, ">= 0.8", "/s"))
        figures = interleaved(mine, partial(by_library, length))
        found.append(Row(f"{name} / eventsourcing", *figures, ">= 8", "/s"))
    figures = interleaved(projected, projected_by_library, rounds=3)
    found.append(Row("projection / eventsourcing", *figures, ">= 4", "events/s"))
    long, short = partial(with_snapshots, 10_050), partial(with_snapshots, 1_050)
    name = "snapshots: load of 10,050 events / of 1,050"
    found.append(Row(name, *interleaved(long, short, rounds=3), ">= 0.8", "/s"))
    late, soon = partial(caught_up, 100_000), partial(caught_up, 1_000)
    name = "view starts 1,000 events behind: log of 100,000 / of 1,000"
    figures = interleaved(late, soon, rounds=3)
    found.append(Row(name, *figures, ">= 0.8", "events/s"))
    mine, peer = partial(fresh, on_jetstream, wall), partial(fresh, published, wall)
    figures = interleaved(mine, peer, rounds=7)
    name = "JetStream: append / awaited publish"
    found.append(Row(name, *figures, ">= 0.85", "/s", APPEND))
    for clock, unit in ((wall, "/s"), (cpu, "/s of the client's processor")):
        mine, peer = partial(fresh, read_back, clock), partial(fresh, consumed, clock)
        name = "JetStream: rebuild 1,000 / ordered consumer"
        found.append(Row(name, *interleaved(mine, peer), ">= 4", unit, REBUILD))
    return found


LIBRARY = "Bare sqlite3 is only 1.6 to 1.8 times the library: the rest is one commit."
APPEND = "The broker checks the subject's last message, and the store makes the JSON."
REBUILD = "Most of the store's time is the broker's: 6 to 7 us for each message."


def fresh(measure: Callable[[str, Clock], float], clock: Clock) -> float:
    """Measure on a broker of its own."""
    with server() as url:
        if measure is consumed:
            read_back(url, clock)  # which fills the stream
        return measure(url, clock)
