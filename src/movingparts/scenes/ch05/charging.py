"""Billing charges the rides that a bus reports, over a bad network and through crashes.

How billing subscribes is up to the reader: a function `subscribe(bus, db)`.

Source: chapter 05. Leaves out: how rides saves and publishes both or neither (chapter
06), and what money needs beyond one row for each charge.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI

from movingparts.city.ride import Ride
from movingparts.core import Node, Recording
from movingparts.core.asgi import at_start
from movingparts.core.bus import Bus, BusTimeout
from movingparts.core.event import Event
from movingparts.scenes.crashes import Crash, Crashes, MortalConnection
from movingparts.world.simulated import SimulatedWorld, simulate

SUBJECT = "rides.ride-ended"
CHARGES = "CREATE TABLE IF NOT EXISTS charges (ride TEXT, rider TEXT, cents INTEGER)"
QUIET = 120.0  # seconds after the last ride, in which all is delivered again

Subscribe = Callable[[Bus, Any], Awaitable[Any]]


def ride_ended(ride: str, rider: str, cents: int) -> Event:
    """Return the event that reports a ride; its id is the ride's."""
    data = {"ride": ride, "rider": rider, "cents": cents}
    return Event(id=ride, source="/rides", type="RideEnded", subject=ride, data=data)


class Noted(MortalConnection):
    """A connection that notes in the recording whom its commits have charged."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement, as the connection would."""
        found = super().execute(sql, values)
        if sql.startswith("INSERT"):
            if not found.rowcount:
                self.note("the event is known")
            elif "INTO charges" in sql:
                self.note(f"{values[1]} is charged")
        return found


def billing(subscribe: Subscribe, crashes: Crashes) -> Callable[[Node], FastAPI]:
    """Return a service that has a table of charges, and calls `subscribe`."""

    def make(node: Node) -> FastAPI:
        real = node.disk.connect()
        real.execute(CHARGES)
        db = Noted(real, crashes, node.name)
        return FastAPI(lifespan=at_start(partial(subscribe, node.bus, db)))

    return make


def charges(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Return every charge: ride, rider and cents."""
    return [tuple(row) for row in db.execute("SELECT * FROM charges")]


def one_ride(
    subscribe: Subscribe, *, crash: str = "after a commit", seed: int = 1
) -> Recording:
    """Report Ada's ride once; the result has a row for each time she was charged.

    Billing crashes "after a commit", its first, or "before the ride ends"; any other
    text lets it live. It starts again on the same database, two seconds later.
    """

    async def scenario(world: SimulatedWorld) -> list[tuple[str, str, int]]:
        crashes = Crashes(world, deaths([1] if crash == "after a commit" else ()))
        world.network.everywhere(latency=0.005)
        await _serve(world, subscribe, crashes)
        if crash == "before the ride ends":
            crashes.kill("billing")
        await _report(world, ride_ended("ride-17", "Ada", 450))
        await world.clock.sleep(20.0)
        return charges(world.node("billing").disk.connect())

    return simulate(scenario, seed=seed)


def deaths(commits: Iterable[int]) -> list[Crash]:
    """Let billing die right after these of its commits, counted over all its lives."""
    return [Crash("billing", commit, "after") for commit in commits]


@dataclass(frozen=True, slots=True)
class Charged:
    """How often each ride of a morning was charged, in the order of their ends.

    `overtaken` says of each whether one that ended later was charged before it.
    """

    times: tuple[int, ...]
    overtaken: tuple[bool, ...]

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
    reorder: float = 0.0,
    dies: Iterable[int] = (),
    down: float = 300.0,
    every: float | None = None,
    seed: int = 1,
) -> Charged:
    """Report the rides when they end, or `every` so many seconds; count the charges.

    `loss` and `duplicate` are chances of each message between a service and the broker,
    `reorder` that of an event on its way to the broker, which takes a second, to be
    held back for one to three more. After its commits numbered in `dies`, billing is
    down for so many seconds.
    """
    ends = sorted(rides, key=lambda ride: ride.ended_at)

    async def scenario(world: SimulatedWorld) -> Charged:
        world.network.everywhere(latency=0.005, loss=loss, duplicate=duplicate)
        if reorder:
            world.network.link("rides", "bus", latency=1.0, reorder=reorder)
        await _serve(world, subscribe, Crashes(world, deaths(dies), down))
        first = ends[0].ended_at
        for number, ride in enumerate(ends):
            at = number * every if every else (ride.ended_at - first).total_seconds()
            await world.clock.sleep(max(at - world.clock.monotonic(), 0.0))
            event = ride_ended(ride.ride_id, str(ride.rider_id), cents(ride))
            world.node("rides").tasks.create_task(_report(world, event))
        await world.clock.sleep(down + QUIET)
        rows = charges(world.node("billing").disk.connect())
        return _counted([ride.ride_id for ride in ends], [ride for ride, *_ in rows])

    result: Charged = simulate(scenario, seed=seed).result
    return result


def _counted(ended: Sequence[str], charged: Sequence[str]) -> Charged:
    times, place = Counter(charged), {ride: n for n, ride in enumerate(ended)}
    latest, overtaken = -1, set[str]()
    for ride in dict.fromkeys(charged):
        if place[ride] < latest:
            overtaken.add(ride)
        latest = max(latest, place[ride])
    return Charged(
        tuple(times[ride] for ride in ended),
        tuple(ride in overtaken for ride in ended),
    )


def cents(ride: Ride) -> int:
    """Return what a ride costs: 1.00, and 0.15 for each minute that it began."""
    return 100 + 15 * -(-(ride.ended_at - ride.started_at) // timedelta(minutes=1))


async def _serve(world: SimulatedWorld, subscribe: Subscribe, crashes: Crashes) -> None:
    await world.serve("rides", FastAPI(title="rides"))
    await world.node("rides").bus.stream("RIDES", "rides.>")
    await world.serve("billing", billing(subscribe, crashes))


async def _report(world: SimulatedWorld, event: Event) -> None:
    """Publish until the broker says that its stream has the event."""
    while True:
        try:
            await world.node("rides").bus.publish(SUBJECT, event)
        except BusTimeout:
            continue
        return
