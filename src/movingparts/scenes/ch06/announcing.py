"""A ride ends: rides saves that and publishes it, and may crash around each commit.

How rides does both is up to the page: a function `end(db, bus, ride)`. Billing
subscribes as chapter 05 left it: durable, and each event applied once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.consumer import once
from movingparts.core import Node, Recording
from movingparts.core.asgi import at_start
from movingparts.core.bus import Bus
from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.outbox import Outbox
from movingparts.scenes.crashes import Crash, Crashes, MortalConnection
from movingparts.world.simulated import SimulatedWorld, simulate

RIDES = "CREATE TABLE IF NOT EXISTS rides (ride TEXT PRIMARY KEY, state TEXT)"
UNDERWAY = "INSERT OR IGNORE INTO rides VALUES ('ride-17', 'underway')"
CHARGES = "CREATE TABLE IF NOT EXISTS charges (ride TEXT, rider TEXT)"
NOTES = {
    "UPDATE rides": "Ada's ride is over",
    "INSERT INTO outbox": "its event is saved",
    "DELETE FROM outbox": "the event is deleted",
    "INSERT INTO charges": "Ada is charged",
}
QUIET = 10.0  # seconds in which all is published and delivered again

End = Callable[[Any, Bus, str], Awaitable[None]]
Relay = Callable[[Any, Bus, Clock], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Ended:
    """What rides has saved, how many events billing got, how often Ada was charged.

    >>> Ended("ended", events=0, charges=0).right
    False
    """

    ride: str
    events: int
    charges: int
    points: Sequence[Crash] = field(default=(), repr=False)

    @property
    def right(self) -> bool:
        """Whether Ada pays once if her ride is over, and else nothing."""
        return self.charges == (self.ride == "ended")

    @property
    def finding(self) -> str:
        """What came of it, in a sentence."""
        over = "is over" if self.ride == "ended" else "is still underway"
        times = {0: "is not charged", 1: "is charged once"}.get(self.charges, "pays")
        twice = f", though its event comes {self.events} times" * (self.events > 1)
        return f"Ada's ride {over}, and she {times}{twice}"


def ride_ended(ride: str) -> Event:
    """Return the event that reports a ride; its id is the ride's."""
    data = {"ride": ride, "rider": "Ada"}
    return Event(id=ride, source="/rides", type="RideEnded", subject=ride, data=data)


class Noted(MortalConnection):
    """A connection that notes in the recording what its commits have changed."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement, as the connection would."""
        found = super().execute(sql, values)
        for start, text in NOTES.items():
            if sql.startswith(start):
                self.note(text)
        return found


def one_ride(
    end: End,
    *,
    crash: Crash | None = None,
    relay: Relay | None = None,
    repeats: bool = False,
) -> Recording:
    """Report the end of Ada's ride; `relay` runs whenever rides does.

    The dock reports once, or `repeats` its report until it is answered. The result is
    an `Ended`; its `points` are the crashes that this run could have had.
    """

    async def scenario(world: SimulatedWorld) -> Ended:
        world.network.everywhere(latency=0.005)
        crashes = Crashes(world, [crash] if crash else [])
        await world.node("operator").bus.stream("RIDES", "rides.*")
        received: list[Event] = []
        await world.serve("billing", lambda node: _billing(node, crashes, received))
        await world.serve("rides", lambda node: _rides(node, crashes, end, relay))
        for _ in range(10 if repeats else 1):
            with suppress(httpx.TransportError):
                await world.client("dock").put("http://rides/rides/ride-17/end")
                break
            await world.clock.sleep(1.0)
        await world.clock.sleep(QUIET)
        db = world.node("rides").disk.connect()
        (state,) = db.execute("SELECT state FROM rides").fetchone()
        db = world.node("billing").disk.connect()
        (charges,) = db.execute("SELECT count(*) FROM charges").fetchone()
        points = [point for point in crashes.points() if point.process == "rides"]
        return Ended(state, len(received), charges, points)

    return simulate(scenario, seed=1)


def _rides(node: Node, crashes: Crashes, end: End, relay: Relay | None) -> FastAPI:
    plain = node.disk.connect()
    plain.execute(RIDES)
    with plain:
        plain.execute(UNDERWAY)
    db = Noted(plain, crashes, node.name)
    Outbox(db)  # type: ignore[arg-type]  # it stands for a connection

    async def begin() -> None:
        if relay:
            node.tasks.create_task(relay(db, node.bus, node.clock))

    app = FastAPI(lifespan=at_start(begin))

    @app.put("/rides/{ride}/end")
    async def ended(ride: str) -> None:
        await end(db, node.bus, ride)

    return app


def _billing(node: Node, crashes: Crashes, received: list[Event]) -> FastAPI:
    db = Noted(node.disk.connect(), crashes, node.name)
    db.execute(CHARGES)

    def charge(db: Any, event: Event) -> None:
        row = (event.data["ride"], event.data["rider"])
        db.execute("INSERT INTO charges VALUES (?, ?)", row)

    handle = once(db, "billing", charge)  # type: ignore[arg-type]  # as above

    async def receive(event: Event) -> None:
        received.append(event)
        await handle(event)

    follow = partial(node.bus.subscribe, "rides.ride-ended", receive)
    return FastAPI(lifespan=at_start(partial(follow, durable="billing")))
