"""Billing charges the rides that a bus reports, over a bad network and through crashes.

How billing subscribes is up to the reader: a function `subscribe(bus, db)`.

Source: chapter 05. Leaves out: how rides saves and publishes both or neither (chapter
06), and what money needs beyond one row for each charge.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from fastapi import FastAPI

from movingparts.city.ride import Ride
from movingparts.core import Node, Recording
from movingparts.core.bus import Bus, BusTimeout
from movingparts.core.event import Event
from movingparts.world.simulated import SimulatedWorld, simulate

SUBJECT = "rides.ride-ended"
CHARGES = "CREATE TABLE IF NOT EXISTS charges (ride TEXT, rider TEXT, cents INTEGER)"
NEW = "SELECT rider FROM charges WHERE rowid > ?"
QUIET = 120.0  # seconds after the last ride, in which all is delivered again

Subscribe = Callable[[Bus, Any], Awaitable[Any]]


def ride_ended(ride: str, rider: str, cents: int) -> Event:
    """Return the event that reports a ride; its id is the ride's."""
    data = {"ride": ride, "rider": rider, "cents": cents}
    return Event(id=ride, source="/rides", type="RideEnded", subject=ride, data=data)


@dataclass(slots=True)
class Deaths:
    """After which of its commits billing dies, counted over all its lives."""

    after: Collection[int]
    down: float  # seconds until it starts again
    commits: int = field(default=0, init=False)

    def due(self) -> bool:
        """Count a commit; return whether billing dies right after it."""
        self.commits += 1
        return self.commits in self.after


class MortalConnection:
    """A connection to SQLite whose process may die right after a commit."""

    def __init__(self, db: sqlite3.Connection, committed: Callable[[], None]) -> None:
        self._db, self._committed = db, committed

    def __repr__(self) -> str:
        return f"<MortalConnection to {self._db!r}>"

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement, as the connection would."""
        return self._db.execute(sql, values)

    def __enter__(self) -> Self:
        self._db.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.__exit__(kind, error, trace)
        if kind is None:
            self._committed()


def billing(
    world: SimulatedWorld, subscribe: Subscribe, deaths: Deaths
) -> Callable[[Node], FastAPI]:
    """Return a service that has a table of charges, and subscribes as it is told."""

    def make(node: Node) -> FastAPI:
        real = node.disk.connect()
        real.execute(CHARGES)
        notes = _Notes(world, node.name, real)

        def committed() -> None:
            notes.after_commit()
            if deaths.due():
                world.crash(node.name)
                world.after(deaths.down, _restart, world, node.name)
                raise asyncio.CancelledError("billing has crashed")

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            await subscribe(node.bus, MortalConnection(real, committed))
            yield

        return FastAPI(title="billing", lifespan=lifespan)

    return make


def charges(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Return every charge: ride, rider and cents."""
    return [tuple(row) for row in db.execute("SELECT * FROM charges")]


class _Notes:
    """Writes into the recording what each commit of billing has changed."""

    def __init__(self, world: SimulatedWorld, name: str, db: sqlite3.Connection):
        self._note, self._db = partial(world.note, name), db
        self._row, self._changes = self._last(), db.total_changes

    def after_commit(self) -> None:
        """Look for new charges, and for anything else that is new."""
        before, self._row = self._row, self._last()
        for (rider,) in self._db.execute(NEW, [before]):
            self._note(f"{rider} is charged")
        if self._db.total_changes == self._changes:
            self._note("the event is known")
        elif self._row == before:
            self._note("the id is saved")
        self._changes = self._db.total_changes

    def _last(self) -> int:
        (last,) = self._db.execute("SELECT max(rowid) FROM charges").fetchone()
        return last or 0


def _restart(world: SimulatedWorld, name: str) -> None:
    world.node("operator").tasks.create_task(world.restart(name))


def one_ride(
    subscribe: Subscribe, *, crash: str = "after a commit", seed: int = 1
) -> Recording:
    """Report Ada's ride once; the result has a row for each time she was charged.

    Billing crashes "after a commit", its first, or "before the ride ends"; any other
    text lets it live. It starts again on the same database, two seconds later.
    """

    async def scenario(world: SimulatedWorld) -> list[tuple[str, str, int]]:
        deaths = Deaths({1} if crash == "after a commit" else (), 2.0)
        world.network.everywhere(latency=0.005)
        await _serve(world, subscribe, deaths)
        if crash == "before the ride ends":
            world.crash("billing")
            world.after(deaths.down, _restart, world, "billing")
        await _report(world, ride_ended("ride-17", "Ada", 450))
        await world.clock.sleep(20.0)
        return charges(world.node("billing").disk.connect())

    return simulate(scenario, seed=seed)


@dataclass(frozen=True, slots=True)
class Charged:
    """How often each ride of a morning was charged, in the order of their ends."""

    times: tuple[int, ...]

    @property
    def never(self) -> int:
        """How many rides were not charged."""
        return self.times.count(0)

    @property
    def twice(self) -> int:
        """How many rides were charged more than once."""
        return sum(count > 1 for count in self.times)


def morning(
    subscribe: Subscribe,
    rides: Sequence[Ride],
    *,
    loss: float = 0.0,
    duplicate: float = 0.0,
    dies: Collection[int] = (),
    down: float = 300.0,
    seed: int = 1,
) -> Charged:
    """Report the rides when they end; return how often each was charged.

    `loss` and `duplicate` are chances of each message between a service and the broker.
    After its commits numbered in `dies`, billing is down for so many seconds.
    """
    ends = sorted(rides, key=lambda ride: ride.ended_at)

    async def scenario(world: SimulatedWorld) -> Charged:
        world.network.everywhere(latency=0.005, loss=loss, duplicate=duplicate)
        await _serve(world, subscribe, Deaths(dies, down))
        first = ends[0].ended_at
        for ride in ends:
            wait = (ride.ended_at - first).total_seconds() - world.clock.monotonic()
            await world.clock.sleep(max(wait, 0.0))
            event = ride_ended(ride.ride_id, str(ride.rider_id), cents(ride))
            world.node("rides").tasks.create_task(_report(world, event))
        await world.clock.sleep(down + QUIET)
        rows = charges(world.node("billing").disk.connect())
        counted = Counter(ride for ride, _, _ in rows)
        return Charged(tuple(counted[ride.ride_id] for ride in ends))

    result: Charged = simulate(scenario, seed=seed).result
    return result


def cents(ride: Ride) -> int:
    """Return what a ride costs: 1.00, and 0.15 for each minute that it began."""
    return 100 + 15 * -(-(ride.ended_at - ride.started_at) // timedelta(minutes=1))


async def _serve(world: SimulatedWorld, subscribe: Subscribe, deaths: Deaths) -> None:
    await world.serve("rides", FastAPI(title="rides"))
    await world.node("rides").bus.stream("RIDES", "rides.>")
    await world.serve("billing", billing(world, subscribe, deaths))


async def _report(world: SimulatedWorld, event: Event) -> None:
    """Publish until the broker says that its stream has the event."""
    while True:
        try:
            await world.node("rides").bus.publish(SUBJECT, event)
        except BusTimeout:
            continue
        return
