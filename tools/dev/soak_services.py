"""The processes that `tools.dev.soak` kills: `rides` publishes, `billing` charges."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from movingparts.bus import BusError, Event
from movingparts.bus.nats import NatsBus, connect
from movingparts.consumer import in_order, once
from movingparts.core.node import Disk, Tasks
from movingparts.outbox import Outbox
from movingparts.world.local.clock import RealClock

BIKES = ("B1", "B2", "B3", "B4")
SUBJECT = "rides.ride-ended"
PAUSE = 0.005  # seconds between two rides
RIDES = "CREATE TABLE IF NOT EXISTS rides (id TEXT, bike TEXT, number INTEGER)"
RIDE = "INSERT INTO rides VALUES (?, ?, ?)"
MADE = "SELECT bike, max(number) FROM rides GROUP BY bike"


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


async def be(name: str, folder: Path, broken: str) -> None:
    """Be one of them, until the end."""
    broker = json.loads((folder / "broker.json").read_text())
    tasks = Tasks(lambda what, error: print(what, repr(error), file=sys.stderr))
    bus = NatsBus(await connect(**broker), name, tasks)
    await {"rides": rides, "billing": billing}[name](Disk(lambda: folder), bus, broken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=("rides", "billing"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("broken", nargs="?", default="")
    given = parser.parse_args()
    asyncio.run(be(given.name, given.folder, given.broken))
