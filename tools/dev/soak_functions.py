"""Kill function instances again and again, and count which events were not run.

`make soak` kills 1,000 processes, `make soak SOAK=20` 20. Events are sent all the time,
by a bus subject and by hand; a handler notes each in a file. `python -m
tools.dev.soak_functions 20 --break forgets` shows what is found if failures are not
run again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from movingparts.core.event import Event
from movingparts.function import Platform, Retry, Subject
from movingparts.function.local import LocalBackend
from movingparts.function.process import Process
from movingparts.world import LocalWorld
from tools.dev.bar import Bar

WAITING = 12  # events at most, so that the queue stays short
INSTANCES = 4
LATEST = 0.02  # seconds from one kill to the next, at most
PATIENCE = 60.0  # seconds after which something hangs
AGAIN = Retry(retries=1_000_000, first=0.01, longest=0.05)
NEVER = Retry(retries=0, first=0.01, longest=0.05)
NOTES = """
import os, time

notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def handler(event, context):
    time.sleep(0.003)
    os.write(notes, b"%d\\n" % event["data"]["number"])
    time.sleep(0.002)
"""


class KilledFunctions:
    """A platform whose instances and fork server are killed while events come in."""

    def __init__(self, world: LocalWorld, notes: Path, seed: int) -> None:
        self.node, self.notes = world.node("functions"), notes
        self.backend = LocalBackend(preload=())
        self.platform = Platform(self.node, self.backend, limit=INSTANCES)
        self.random = random.Random(seed)
        self.kills, self.sent, self.sending = 0, 0, True
        self.pids: set[int] = set()

    async def open(self, retry: Retry) -> None:
        """Deploy the function that notes its events."""
        await self.node.bus.stream("rides", "rides.>")
        await self.platform.deploy(
            "receipts",
            NOTES,
            triggers=(Subject("rides.ended"),),
            environment={"NOTES": str(self.notes)},
            retry=retry,
        )

    async def send(self) -> None:
        """Send events as long as few wait, each second one by the bus."""
        while self.sending:  # a cancelled publish could get lost in the client
            if len(self.platform.queue) < WAITING:
                number, self.sent = self.sent, self.sent + 1
                data = {"number": number}
                event = Event(str(number), "/rides", "RideEnded", data)
                if number % 2:
                    await self.node.bus.publish("rides.ended", event)
                else:
                    self.platform.send("receipts", event.to_body())
            await asyncio.sleep(0.001)

    async def kill(self, kills: int) -> None:
        """Kill one process at a time; one time in twenty it is the fork server."""
        bar, since = Bar(kills), time.monotonic()
        while self.kills < kills:
            await asyncio.sleep(self.random.uniform(0, LATEST))
            pids = self.backend.pids
            self.pids.update(pids)
            if self.random.random() < 0.05:
                pids = self.backend.server_pids
            if pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.random.choice(pids), signal.SIGKILL)
                    self.kills, since = self.kills + 1, time.monotonic()
                    bar.show(Counter(processes=self.kills))
            if time.monotonic() - since > PATIENCE:
                raise SystemExit(f"no instance in {PATIENCE:g} s")

    async def rest(self) -> None:
        """Wait until every event that was sent has ended."""
        ends = time.monotonic() + PATIENCE
        await asyncio.sleep(0.2)  # for what is still on the bus
        while len(self.platform.queue) and time.monotonic() < ends:
            await asyncio.sleep(0.01)

    def found(self) -> list[str]:
        """Return what is wrong."""
        done = Counter(map(int, self.notes.read_text().split()))
        lost = self.sent - len(done)
        statuses = Counter(each.status for each in self.platform.invocations)
        again = done.total() - len(done)
        print(f"{self.sent:,} events, {again:,} run again; invocations: {statuses}")
        wrong = [f"{lost:,} events were not run"] if lost else []
        if not statuses["killed"]:
            wrong.append("no invocation was killed: this has shown nothing")
        left = [pid for pid in self.pids if Process(pid).up]
        return wrong + [f"left behind: process {pid}" for pid in left]


async def soak(kills: int, seed: int, broken: str = "") -> list[str]:
    """Run, and return what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        async with LocalWorld(seed=seed) as world:
            running = KilledFunctions(world, Path(folder, "notes"), seed)
            try:
                await running.open(NEVER if broken == "forgets" else AGAIN)
                sending = asyncio.create_task(running.send())
                await running.kill(kills)
                running.sending = False
                await sending
                await running.rest()
                await running.platform.close()
            finally:
                await running.backend.close()
            return running.found()


def main() -> int:
    """Run; 0 when no event was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("kills", type=int, nargs="?", default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="broken", choices=("", "forgets"), default="")
    given = parser.parse_args()
    wrong = asyncio.run(soak(given.kills, given.seed, given.broken))
    for what in wrong:
        print(f"broken: {what}")  # the verdict
    if not wrong:
        print(f"{given.kills:,} kills: no asynchronous event lost, nothing left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
