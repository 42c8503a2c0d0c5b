"""Event stores whose writers and broker are killed, and what becomes of each append.

Two processes append to one log in a loop, and note each append once it is acknowledged;
a reader follows the log. In a round one writer, or on JetStream the broker, is killed
with signal 9 and started again.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from multiprocessing.process import BaseProcess
from pathlib import Path

from movingparts.bus import BusError
from movingparts.bus.jetstream import connect
from movingparts.core.node import Disk
from movingparts.eventstore import EventStore, NewEvent, SqliteEventStore, StoredEvent
from movingparts.eventstore.direct import DirectClient
from movingparts.eventstore.jetstream import JetStreamEventStore
from movingparts.eventstore.queue import WriterQueue
from movingparts.world.local.broker import Broker, write_private
from movingparts.world.local.clock import RealClock
from movingparts.world.local.watchdog import PREFIX, Watchdog, started

WRITERS = ("a", "b")
VICTIMS = {"sqlite": WRITERS, "jetstream": (*WRITERS, "broker")}
SIZES = (1, 2, 3, 4, 5)  # events of a writer's appends, in turn
WHOLE = {0, 1, 3, 6, 10}  # a stream's length after a whole append, modulo 15
TIMEOUT = 0.3  # seconds that a writer waits for the broker
LOOK_EVERY = 0.002  # seconds between two looks of the reader
PATIENCE = 30.0  # seconds without a new append after which something hangs
PAGE = 10_000  # events that are read at once in the end
BREAKS = ("early", "torn")  # notes before it appends; appends event by event


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[EventStore]:
    """Open the log that all share, as any process would."""
    if kind == "sqlite":
        with closing(Disk(lambda: folder)) as disk:
            queue = WriterQueue(folder / "log.queue")
            db = disk.connect("log.sqlite")
            yield SqliteEventStore(db, RealClock(), queue=queue)
        return
    client = DirectClient()
    await connect(**json.loads((folder / "broker.json").read_text()), client=client)
    try:
        store = JetStreamEventStore(client, RealClock(), "log", timeout=TIMEOUT)
        await store.declare()
        yield store
    finally:
        await client.close()


# --- the processes that are killed ------------------------------------------------


def writer(kind: str, folder: Path, stream: str, broken: str) -> None:
    """Be a writer, until the end."""
    asyncio.run(write(kind, folder, stream, broken))


async def write(kind: str, folder: Path, stream: str, broken: str) -> None:
    """Append to a stream of its own; note how long it is after each append."""
    version, file = 0, noted(folder, stream)
    async with opened(kind, folder) as store:
        with file.open("ab", buffering=0) as notes:
            for size in itertools.cycle(SIZES):
                after = version + size
                if broken == "early":
                    notes.write(b"%d\n" % after)
                for part in [1] * size if broken == "torn" else [size]:
                    await append(store, stream, version, part)
                    version += part
                notes.write(b"%d\n" % after)


async def append(store: EventStore, stream: str, version: int, size: int) -> None:
    """Append so many events, which know their place; try again without the broker."""
    numbers = range(version + 1, version + size + 1)
    events = [NewEvent(f"{stream}/{number}", "Appended", {}) for number in numbers]
    while True:
        try:
            await store.append(stream, events, expected_version=version)
        except BusError:
            await asyncio.sleep(LOOK_EVERY)
        else:
            return


def noted(folder: Path, stream: str) -> Path:
    """Return the file in which a writer notes what was acknowledged."""
    return folder / f"{stream}.noted"


# --- who follows, and who kills ---------------------------------------------------


class Followed:
    """How far a log is read, and what is wrong with it."""

    def __init__(self) -> None:
        self.position, self.events = 0, 0
        self.lengths: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()

    def take(self, events: Iterable[StoredEvent]) -> None:
        """Read on."""
        for each in events:
            self.events += 1
            self.lengths[each.stream] += 1
            if each.position <= self.position:
                self.wrong["positions that do not grow"] += 1
            self.position = each.position
            name = f"{each.stream}/{self.lengths[each.stream]}"
            if (name, name) != (each.id, f"{each.stream}/{each.version}"):
                self.wrong["events that are not the next of their stream"] += 1

    def whole(self, streams: Iterable[str]) -> None:
        """Check that these streams end with a whole append."""
        cut = sum(self.lengths[each] % sum(SIZES) not in WHOLE for each in streams)
        if cut:
            self.wrong["half appends seen"] += cut

    def holds(self, acknowledged: dict[str, int]) -> None:
        """Check that each stream is at least as long as its writer was told."""
        pairs = acknowledged.items()
        lost = sum(max(0, length - self.lengths[each]) for each, length in pairs)
        if lost:
            self.wrong["acknowledged events lost"] += lost


class KilledStore:
    """A log, its writers, and a reader, in a folder that goes with this process."""

    def __init__(self, kind: str, broken: str = "") -> None:
        self._kind, self._broken, self._watchdog = kind, broken, Watchdog()
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._watchdog.own_folder(self._folder)
        self._broker = Broker(self._folder, self._watchdog)
        self._starts = multiprocessing.get_context("forkserver")  # quick, imports once
        self._starts.set_forkserver_preload([__name__])
        self._writers: dict[str, BaseProcess] = {}
        self._streams: dict[str, str] = {}
        self._open = AsyncExitStack()
        self._reader: EventStore | None = None
        self.kills: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.followed = Followed()
        self.pids: list[int] = []

    async def open(self) -> None:
        """Start everything."""
        await self._start_broker()
        log = opened(self._kind, self._folder)
        self._reader = await self._open.enter_async_context(log)
        for name in WRITERS:
            self._start(name)
        await self._flows()

    async def round(self, victim: str, after: float) -> None:
        """Kill one after so many seconds, start it again, wait for new appends."""
        kill_at = time.monotonic() + after
        while time.monotonic() < kill_at:
            await self._look()
        self.kills[victim] += 1
        if victim == "broker":
            self._broker.kill()
            await self._start_broker()
        else:
            self._end(victim)
            self._start(victim)
        await self._flows()

    async def found(self) -> list[str]:
        """End all writers, read the log once more, and return what is wrong."""
        for name in WRITERS:
            self._end(name)
        again = Followed()
        async with opened(self._kind, self._folder) as log:
            while page := await log.read_all(from_position=again.position, limit=PAGE):
                again.take(page)
        again.whole(again.lengths)
        again.holds(self.acknowledged)
        again.holds(dict(self.followed.lengths))  # what one reader saw, all see
        self.followed.events = again.events
        wrong = self.followed.wrong + again.wrong
        return [f"{count:,} {what}" for what, count in wrong.items()]

    async def close(self) -> None:
        """End all, and remove the folder."""
        await self._open.aclose()
        for name in [*self._writers]:
            self._end(name)
        self._broker.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._watchdog.release_folder(self._folder)

    def left(self) -> list[str]:
        """Return what is left behind."""
        folder = [f"folder {self._folder}"] if self._folder.exists() else []
        return [f"process {pid}" for pid in self.pids if started(pid)] + folder

    async def _start_broker(self) -> None:
        if self._kind == "jetstream":
            await self._broker.start()
            self.pids.append(self._broker.pid or 0)
            address = {"url": self._broker.url, "token": self._broker.token}
            write_private(self._folder / "broker.json", json.dumps(address))

    def _start(self, name: str) -> None:
        stream = self._streams[name] = f"{name}-{self.kills[name]}"
        args = (self._kind, self._folder, stream, self._broken)
        process = self._starts.Process(target=writer, args=args, daemon=True)
        process.start()
        self._writers[name] = process
        self.pids.append(process.pid or 0)
        self._watchdog.own_process(process.pid or 0)

    def _end(self, name: str) -> None:
        process = self._writers.pop(name)
        process.kill()
        process.join()
        self._watchdog.release_process(process.pid or 0)
        stream = self._streams[name]
        lines = noted(self._folder, stream).read_text().split("\n")
        self.acknowledged[stream] = int(lines[-2]) if lines[1:] else 0

    async def _flows(self) -> None:
        """Wait until each writer has appended something new."""
        before = {name: self._noted(name) for name in WRITERS}
        since = time.monotonic()
        while any(self._noted(name) == size for name, size in before.items()):
            await self._look()
            for name, process in self._writers.items():
                if process.exitcode is not None:
                    raise SystemExit(f"writer {name} ended on its own")
            if time.monotonic() - since > PATIENCE:
                raise SystemExit(f"no new append in {PATIENCE:g} s")

    def _noted(self, name: str) -> int:
        """Return how much a writer has noted, in bytes."""
        file = noted(self._folder, self._streams[name])
        return file.stat().st_size if file.exists() else 0

    async def _look(self) -> None:
        """Read what is new."""
        assert self._reader is not None  # `open` comes first
        followed = self.followed
        try:
            new = await self._reader.read_all(from_position=followed.position)
        except BusError:
            return  # the broker was killed
        followed.take(new)
        followed.whole({each.stream for each in new})
        await asyncio.sleep(LOOK_EVERY)
