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
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movingparts.bus.nats import NatsBus, connect
from movingparts.core.node import Tasks
from movingparts.outbox import Outbox
from movingparts.world.local.broker import Broker, tail, write_private
from movingparts.world.local.watchdog import PREFIX, Watchdog
from tools.dev.bar import Bar

ROOT = Path(__file__).resolve().parents[2]
LATEST = 0.5  # seconds from a round's begin to its kill, at most
PATIENCE = 30.0  # seconds without anything new after which something hangs
KEPT = "none lost, none twice, none uncommitted, all in order, nothing left behind"
BREAKS = ("lost", "twice", "never-committed")


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
        command = [sys.executable, "-m", "tools.dev.soak_services", name]
        options = [str(self.folder), self._broken]
        output, log = (self.folder / f"{name}.{kind}" for kind in ("out", "log"))
        with output.open("ab") as out, log.open("ab") as errors:
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
    given = parser.parse_args()
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
