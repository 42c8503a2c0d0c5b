"""Two transactions that overlap, and a view that reads the log by its positions.

How a transaction gets its position is up to the page: `append(db, event, seconds)` on
a `Database`, where `seconds` is how long the transaction takes.

Source: chapter 08; PostgreSQL (sequence manipulation functions). Leaves out: tables,
SQL, and transactions that are rolled back.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from itertools import count

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.eventstore import NewEvent, StoredEvent
from movingparts.projection import Projection, RemoteLog, log_router
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld, simulate

SLOW, FAST, EVERY = 0.3, 0.01, 0.2  # seconds: two transactions, and between polls


class Database:
    """A model of a database in which several transactions can be open at once."""

    def __init__(self, node: Node, note: Callable[[str], None]) -> None:
        self.work = node.clock.sleep
        self.lock = asyncio.Lock()
        self._sequence, self._note = count(1), note
        self._committed: dict[int, StoredEvent] = {}

    def next_number(self) -> int:
        """Take the next number of the sequence, which nobody else will get."""
        number = next(self._sequence)
        self._note(f"takes {number}")
        return number

    def commit(self, number: int, event: NewEvent) -> None:
        """Let all readers see the event at that position."""
        self._committed[number] = StoredEvent(
            number, event.type, 1, event.id, event.type, event.data
        )
        self._note(f"commits {number}")

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return what is committed after that position, in the order of positions."""
        later = (at for at in sorted(self._committed) if at > from_position)
        return [self._committed[at] for at in later][:limit]


Append = Callable[[Database, NewEvent, float], Awaitable[object]]


@dataclass
class Read:
    """What the log holds, what the view has got, and how many ms each writer waited."""

    in_log: list[str]
    in_view: list[str]
    took: dict[str, int]


def two_writers(append: Append) -> Recording:
    """Let a slow transaction begin, then a quick one; the result is a `Read`."""
    databases: list[Database] = []

    async def scenario(world: SimulatedWorld) -> Read:
        world.network.everywhere(latency=0.002)

        def log(node: Node) -> FastAPI:
            databases.append(Database(node, partial(world.note, node.name)))
            app = service(node, title="log")
            app.include_router(log_router(databases[0]))

            @app.post("/{kind}")
            async def run(kind: str, seconds: float) -> None:
                event = NewEvent(node.new_id(), kind, {})
                await append(databases[0], event, seconds)

            return app

        await world.serve("log", log)
        for name in ("trucks", "rides", "map"):
            await world.serve(name, partial(service, title=name))
        reader = world.node("map")
        db = reader.disk.connect()
        view = Projection(db, keep, tables=["CREATE TABLE view (type)"])
        remote = RemoteLog(reader.client, "http://log/log")
        slow = write(world, "trucks", 0.05, "BikesMoved", SLOW)
        fast = write(world, "rides", 0.1, "RideStarted", FAST)
        tasks = world.node("city").tasks
        took = [tasks.create_task(slow), tasks.create_task(fast)]
        for _ in range(2):
            await world.clock.sleep(EVERY)
            await view.catch_up(remote)
            world.note("map", f"at {view.position}")
        in_log = [event.type for event in await databases[0].read_all()]
        in_view = [str(kind) for (kind,) in db.execute("SELECT type FROM view")]
        times = {"trucks": await took[0], "rides": await took[1]}
        return Read(in_log, in_view, times)

    return simulate(scenario, seed=1)


def keep(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Put an event's type into the view."""
    db.execute("INSERT INTO view VALUES (?)", (event.type,))


async def write(
    world: SimulatedWorld, name: str, at: float, kind: str, seconds: float
) -> int:
    """Send a transaction at that time, and return how many milliseconds it took."""
    await world.clock.sleep(at)
    begun = world.clock.monotonic()
    url = f"http://log/{kind}?seconds={seconds}"
    (await world.client(name).post(url)).raise_for_status()
    return round((world.clock.monotonic() - begun) * 1000)
