"""Kill real processes again and again, and count what became of each event.

`make soak` runs 200 rounds, `make soak SOAK=20` fewer. `rides` commits rides with their
events and relays them over a real NATS server; `billing` charges each once, and writes
a journal of each bike in order. In a round one of the three is killed with signal 9 at
a random moment and started again. `python -m tools.dev.soak 10 --break lost` shows what
is found when a mechanism is taken out; so do `twice` and `never-committed`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movingparts.bus import BusError, Event
from movingparts.bus.nats import NatsBus, connect
from movingparts.consumer import in_order, once
from movingparts.core.node import Disk, Tasks
from movingparts.outbox import Outbox
from movingparts.world.local.broker import Broker, tail, write_private
from movingparts.world.local.clock import RealClock
from movingparts.world.local.watchdog import PREFIX, Watchdog
from tools.dev.progress import EVERY, clock

ROOT = Path(__file__).resolve().parents[2]
BIKES = ("B1", "B2", "B3", "B4")
SUBJECT = "rides.ride-ended"
PAUSE = 0.005  # seconds between two rides
LATEST = 0.5  # seconds from a round's begin to its kill, at most
PATIENCE = 30.0  # seconds without anything new after which something hangs
KEPT = "none lost, none twice, none uncommitted, all in order, nothing left behind"
BREAKS = ("lost", "twice", "never-committed")
RIDES = "CREATE TABLE IF NOT EXISTS rides (id TEXT, bike TEXT, number INTEGER)"
RIDE = "INSERT INTO rides VALUES (?, ?, ?)"
MADE = "SELECT bike, max(number) FROM rides GROUP BY bike"


# --- the processes that are killed ------------------------------------------------


async def rides(disk: Disk, bus: NatsBus, broken: str) -> None:
    """Commit one ride after another; say so on standard output; relay the events."""
    db = disk.connect("rides.sqlite")
    db.execute(RIDES)
    outbox, numbers = Outbox(db), Counter(dict(db.execute(MADE)))
    bus.tasks.create_task(outbox.run(bus, RealClock(), every=PAUSE))
    while True:
        bike, key = random.choice(BIKES), uuid.uuid4().hex  # no secret
        row = (key, bike, numbers[bike] + 1)
        data = {"bike": bike, "number": row[2]}
        event = Event(key, "/rides", "RideEnded", data, subject=bike)
        if broken == "never-committed":
            await by_hand(bus, event)
        with db:
            db.execute(RIDE, row)
            if not broken or broken == "twice":
                outbox.add(SUBJECT, event)
        print(key, flush=True)  # acknowledged: the one who asked reads it
        if broken == "lost":
            await by_hand(bus, event)
        numbers[bike] += 1
        await asyncio.sleep(PAUSE)


async def by_hand(bus: NatsBus, event: Event) -> None:
    """Publish without an outbox; what goes wrong is a line in the log."""
    try:
        await bus.publish(SUBJECT, event)
    except BusError as error:
        print(error, file=sys.stderr)


def write(table: str) -> Callable[[sqlite3.Connection, Event], None]:
    """Return what writes an event into a table, without committing it."""

    def apply(db: sqlite3.Connection, event: Event) -> None:
        row = (event.id, event.data["bike"], event.data["number"])
        db.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", row)  # noqa: S608  # ours

    return apply


async def billing(disk: Disk, bus: NatsBus, broken: str) -> None:
    """Charge each ride once, and write each bike's rides down in their order."""
    db = disk.connect("billing.sqlite")
    for table in ("charges", "journal"):
        db.execute(RIDES.replace("rides", table))
    charge = write("charges")

    async def forgetful(event: Event) -> None:
        with db:
            charge(db, event)

    handler = forgetful if broken == "twice" else once(db, "billing", charge)

    async def delivered(event: Event) -> None:
        print(event.id, flush=True)
        await handler(event)

    limits: dict[str, Any] = {"ack_wait": 1.0, "max_deliver": 1_000}
    await bus.subscribe(SUBJECT, delivered, durable="billing", **limits)
    journal = in_order(db, "journal", write("journal"))
    await bus.subscribe(SUBJECT, journal, durable="journal", **limits)
    await asyncio.Event().wait()


async def child(name: str, folder: Path, broken: str) -> None:
    """Be one of them, until the end."""
    broker = json.loads((folder / "broker.json").read_text())
    tasks = Tasks(lambda what, error: print(what, repr(error), file=sys.stderr))
    bus = NatsBus(await connect(**broker), name, tasks)
    await {"rides": rides, "billing": billing}[name](Disk(lambda: folder), bus, broken)


# --- who kills them ---------------------------------------------------------------


@dataclass
class Found:
    """The ids of the rides, by what became of them, and the journal of each bike."""

    acknowledged: list[str] = field(default_factory=list)
    committed: list[str] = field(default_factory=list)
    charged: list[str] = field(default_factory=list)
    journal: dict[str, list[int]] = field(default_factory=dict)

    def broken(self) -> list[str]:
        """Return which promises are broken, in a sentence each."""
        counts = Counter(self.charged)
        wrong = {
            "acknowledged and not committed": {*self.acknowledged} - {*self.committed},
            "committed and never charged": {*self.committed} - {*counts},
            "charged more than once": {key for key, n in counts.items() if n > 1},
            "charged and never committed": {*counts} - {*self.committed},
        }
        sentences = [f"{len(ids)} {what}" for what, ids in wrong.items() if ids]
        for bike, numbers in self.journal.items():
            if numbers != [*range(1, len(numbers) + 1)]:
                sentences.append(f"{bike}: applied out of order")
        written = sum(map(len, self.journal.values()))
        if written != len({*self.committed}):
            sentences.append(f"{written} of {len(self.committed)} in the journal")
        return sentences


class Soak:
    """A broker and two processes in a folder of their own, and what is in their files.

    Whatever becomes of this process, the watchdog ends them and removes the folder.
    """

    def __init__(self, broken: str = "") -> None:
        self._broken, self._watchdog = broken, Watchdog()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._watchdog.own_folder(self.folder)
        self.broker = Broker(self.folder, self._watchdog)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: Counter[str] = Counter()
        self.pids: list[int] = []
        self.again = (0, 0)  # published, delivered more often than once

    async def open(self) -> None:
        """Start all three."""
        await self._start_broker()
        bus = await self._bus()
        await bus.stream("RIDES", "rides.>")
        await bus.close()
        for name in ("rides", "billing"):
            self._spawn(name)
        await self.flows()

    async def round(self, victim: str, after: float) -> None:
        """Kill one after so many seconds, start it again, wait for a new charge."""
        await asyncio.sleep(after)
        if victim == "broker":
            self.broker.kill()
            await self._start_broker()
        else:
            self._end(victim)
            self._spawn(victim)
        self.kills[victim] += 1
        await self.flows()

    async def flows(self) -> None:
        """Wait until rides are committed and charged again."""
        for table in ("rides", "charges"):
            before = self._count(table)
            if await self._grows(table, before + 1) == before:
                raise SystemExit(f"no new {table} in {PATIENCE:g} s")

    async def found(self) -> Found:
        """End rides, let the others finish, and return what is in all files."""
        self._end("rides")
        committed, bus = self._rows("rides"), await self._bus()
        with closing(sqlite3.connect(self.folder / "rides.sqlite")) as db:
            await Outbox(db).relay(bus)
        info = await bus.connection.jetstream().stream_info("RIDES")
        await bus.close()
        for table in ("charges", "journal"):
            await self._grows(table, len(committed))
        deliveries = self._lines("billing")
        self.again = (
            max(0, info.state.messages - len(committed)),
            len(deliveries) - len({*deliveries}),
        )
        journal: dict[str, list[int]] = {}
        for _, bike, number in self._rows("journal"):
            journal.setdefault(bike, []).append(number)
        charged = [row[0] for row in self._rows("charges")]
        made = [row[0] for row in committed]
        return Found(self._lines("rides"), made, charged, journal)

    def close(self) -> None:
        """End all, and remove the folder."""
        for name in [*self._children]:
            self._end(name)
        self.broker.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._watchdog.release_folder(self.folder)

    def left(self) -> list[str]:
        """Return what is left behind."""
        with socket.socket() as caller:
            answers = caller.connect_ex(("127.0.0.1", self.broker.port)) == 0
        return [
            *(f"process {pid}" for pid in self.pids if _runs(pid)),
            *([f"port {self.broker.port}"] if answers else []),
            *([f"folder {self.folder}"] if self.folder.exists() else []),
        ]

    async def _start_broker(self) -> None:
        await self.broker.start()
        self.pids.append(self.broker.pid or 0)
        address = {"url": self.broker.url, "token": self.broker.token}
        write_private(self.folder / "broker.json", json.dumps(address))

    async def _bus(self) -> NatsBus:
        return NatsBus(
            await connect(self.broker.url, token=self.broker.token),
            "soak",
            Tasks(print),
        )

    def _spawn(self, name: str) -> None:
        command = [sys.executable, "-m", "tools.dev.soak", "--child", name]
        options = ["--folder", str(self.folder), "--break", self._broken]
        said, log = (self.folder / f"{name}.{kind}" for kind in ("out", "log"))
        with said.open("ab") as out, log.open("ab") as errors:
            process = subprocess.Popen(
                command + options,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                cwd=ROOT,
                start_new_session=True,
            )
        self._watchdog.own_process(process.pid)
        self._children[name] = process
        self.pids.append(process.pid)

    def _end(self, name: str) -> None:
        process = self._children.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()
            self._watchdog.release_process(process.pid)

    async def _grows(self, table: str, enough: int) -> int:
        """Wait until there are enough rows, or no more come; return how many."""
        last, since = self._count(table), time.monotonic()
        while last < enough and time.monotonic() - since < PATIENCE:
            for name, process in self._children.items():
                if process.poll() is not None:
                    log = tail(self.folder / f"{name}.log", 8)
                    raise SystemExit(f"{name} ended by itself:\n{log}")
            await asyncio.sleep(0.02)
            now = self._count(table)
            if now > last:
                last, since = now, time.monotonic()
        return last

    def _lines(self, name: str) -> list[str]:
        return (self.folder / f"{name}.out").read_text().split("\n")[:-1]

    def _rows(self, table: str) -> list[tuple[str, str, int]]:
        return self._select(f"SELECT * FROM {table} ORDER BY rowid", table)  # noqa: S608  # a table of ours

    def _count(self, table: str) -> int:
        [(last,)] = self._select(f"SELECT max(rowid) FROM {table}", table) or [(0,)]  # noqa: S608  # as above
        return last or 0

    def _select(self, query: str, table: str) -> list[Any]:
        file = "rides.sqlite" if table == "rides" else "billing.sqlite"
        with closing(sqlite3.connect(self.folder / file)) as db:
            there = "SELECT 1 FROM sqlite_master WHERE name = ?"
            return (
                list(db.execute(query))
                if db.execute(there, (table,)).fetchone()
                else []
            )


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- what is printed --------------------------------------------------------------


class Bar:
    """One line: rewritten on a terminal, elsewhere a new one now and then."""

    def __init__(self, rounds: int, unit: str = "kills") -> None:
        self._rounds, self._unit = rounds, unit
        self._began, self._last = time.monotonic(), -EVERY

    def show(self, kills: Counter[str]) -> None:
        """Print how far it is, and who was killed."""
        tally = ", ".join(f"{name} {n}" for name, n in sorted(kills.items()))
        self.draw(kills.total(), f"; {tally}")

    def draw(self, done: int, tally: str = "") -> None:
        """Print how far it is."""
        now, here = time.monotonic() - self._began, sys.stdout.isatty()
        if not here and now - self._last < EVERY and done < self._rounds:
            return
        self._last = now
        full = round(30 * done / self._rounds)
        left = now / done * (self._rounds - done) if done else 0.0
        text = (
            f"[{'#' * full}{'.' * (30 - full)}] {done:,} of {self._rounds:,}"
            f" {self._unit}, {clock(now)}, about {clock(left)} left{tally}"
        )
        end = "" if here and done < self._rounds else "\n"
        print(f"\r{text}\x1b[K" if here else text, end=end, flush=True)  # the bar


def victims(
    names: Sequence[str], rounds: int, seed: int, latest: float
) -> Iterable[tuple[str, float]]:
    """Return whom to kill in each round, and after how many seconds."""
    chance = random.Random(seed)  # the same seed, the same kills
    for number in range(rounds):
        if number % len(names) == 0:
            order = chance.sample(names, len(names))
        yield order[number % len(names)], chance.uniform(0.0, latest)


async def soak(rounds: int, seed: int, broken: str = "") -> list[str]:
    """Run all rounds, print a tally, and return what is wrong."""
    running, bar = Soak(broken), Bar(rounds)
    try:
        await running.open()
        names = ("rides", "billing", "broker")
        for victim, after in victims(names, rounds, seed, LATEST):
            await running.round(victim, after)
            bar.show(running.kills)
        found = await running.found()
    finally:
        running.close()
    wrong = found.broken() + [f"left behind: {what}" for what in running.left()]
    published, delivered = running.again
    tally = {
        "acknowledged": len(found.acknowledged),
        "committed": len(found.committed),
        "published again": published,
        "delivered again": delivered,
        "charged": len(found.charged),
        "in order": sum(map(len, found.journal.values())),
    }
    print(", ".join(f"{n:,} {what}" for what, n in tally.items()))  # the tally
    return wrong


def main() -> int:
    """Run; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("rounds", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="broken", choices=("", *BREAKS), default="")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(child(given.child, given.folder, given.broken))
        return 0
    wrong = asyncio.run(soak(given.rounds, given.seed, given.broken))
    for what in wrong:
        print(f"broken: {what}")  # the verdict
    if not wrong:
        print(
            "no event lost, none twice, none uncommitted, all in order, nothing left"
        )  # the verdict
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
