"""A rush hour of rides that billing charges; billing can't read one of them.

Leaves out: what rides saves before it publishes (chapter 06); a database that several
workers of billing share.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from movingparts.consumer import DeadLetters
from movingparts.core import Node, Recording
from movingparts.core.bus import Handler
from movingparts.core.event import Event
from movingparts.core.random import Uniform
from movingparts.draw.chart import percentiles
from movingparts.scenes.crashes import Crashes
from movingparts.world.simulated import SimulatedWorld, simulate

ENDED = "rides.ride-ended"
ACK_WAIT = 1.0  # seconds, and the longest wait before a refused event comes again
BANK = 0.4  # seconds that the bank takes to accept a charge
RIDES = range(1, 121)
BAD = 12  # the number of the ride whose minutes are text
QUIET = 30.0  # seconds of waiting after the rush

Make = Callable[[Node, sqlite3.Connection], Handler]


@dataclass
class Rush:
    """What came of a rush hour; times are virtual seconds.

    `calls` counts billing's handler calls by ride, `late` has for each ride when it
    ended and how much later it was handled, `rows` has what each service has written.
    """

    calls: Counter[str] = field(default_factory=Counter)
    late: dict[str, tuple[float, float]] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=dict)

    def lateness(self, of: float = 100) -> float:
        """Return a percentile of how late the other rides were charged.

        >>> Rush(late={"R001": (0.0, 0.4), "R012": (1.0, 9.0)}).lateness()
        0.4
        """
        others = [late for ride, (_, late) in self.late.items() if ride != name(BAD)]
        return percentiles(others, of)[0]

    def waiting(self, at: float) -> int:
        """Return how many rides had ended by then and were handled later.

        >>> Rush(late={"R001": (0.0, 0.4), "R002": (1.0, 9.0)}).waiting(2.0)
        1
        """
        return sum(end <= at < end + late for end, late in self.late.values())


def name(number: int) -> str:
    """Return a ride's name.

    >>> name(12)
    'R012'
    """
    return f"R{number:03}"


async def ask_bank(node: Node, event: Event) -> None:
    """Have the bank accept the charge for a ride; raise if it doesn't answer."""
    reply = await node.client.put(f"http://bank/charges/{event.subject}")
    reply.raise_for_status()


def bank(node: Node) -> FastAPI:
    """Return a bank that takes its time, and accepts a charge again and again."""
    app = FastAPI()

    @app.put("/charges/{ride}")
    async def accept(ride: str) -> None:
        await node.clock.sleep(BANK)

    return app


async def set_aside(node: Node, event: Event, reason: str) -> None:
    """Publish a dead letter at once, for an event that no later try can handle."""
    about = {"subject": ENDED, "reason": reason, "deliveries": 1}
    letter = about | {"event": event.to_body()}
    number = f"billing:{event.source}:{event.id}"
    await node.bus.publish(
        "dead.billing", Event(number, "/billing", "DeadLetter", letter)
    )


class City:
    """Rides, a bank, billing and fleet, and who keeps billing's dead letters."""

    def __init__(self, world: SimulatedWorld, max_deliver: int) -> None:
        self.world, self.max_deliver, self.seen = world, max_deliver, Rush()
        self._ops = world.node("letters")
        self.letters = DeadLetters(self._ops.disk.connect())

    async def start(self, billing: Make, fleet: Make | None, workers: int) -> None:
        """Start all that there is, and so many workers of billing."""
        self.world.network.everywhere(latency=Uniform(0.002, 0.008))
        await self._ops.bus.stream("RIDES", "rides.*")
        await self.world.serve("bank", bank)
        for worker in range(workers):
            await self.serve(billing, f"billing-{worker + 1}" if worker else "billing")
        await self._ops.bus.subscribe("dead.billing", self._save, durable="letters")
        if fleet is not None:
            await self._serve("fleet", "fleet", fleet)

    async def serve(self, billing: Make, called: str = "billing") -> None:
        """Start billing; one that runs already is stopped and replaced."""

        def make(node: Node, db: sqlite3.Connection) -> Handler:
            return self._counted(billing(node, db))

        await self._serve(called, "billing", make)

    async def redrive(self) -> int:
        """Publish each event again that lies with the dead letters; return how many."""
        return await self.letters.redrive(self._ops.bus)

    async def ride(self, number: int) -> None:
        """Publish that a ride has ended."""
        node = self.world.node("rides")
        minutes = 5 + node.random.randrange(20)
        data: dict[str, Any] = {"bike": f"B{number % 9}", "minutes": minutes}
        if number == BAD:
            data["minutes"] = "18"
        ride, now = name(number), node.clock.now()
        event = Event(f"{ride}/ended", "/rides", "RideEnded", data, ride, now)
        await node.bus.publish(ENDED, event)

    async def _serve(self, called: str, durable: str, make: Make) -> None:
        def factory(node: Node) -> FastAPI:
            db = node.disk.connect()
            db.execute("CREATE TABLE IF NOT EXISTS done (ride TEXT, amount INTEGER)")

            @asynccontextmanager
            async def lifespan(_: FastAPI) -> AsyncIterator[None]:
                mine = await node.bus.subscribe(
                    ENDED,
                    make(node, db),
                    durable=durable,
                    ack_wait=ACK_WAIT,
                    max_deliver=self.max_deliver,
                )
                yield
                await mine.stop()

            return FastAPI(lifespan=lifespan)

        await self.world.serve(called, factory)

    def _counted(self, handler: Handler) -> Handler:
        async def counted(event: Event) -> None:
            ride, clock = str(event.subject), self.world.clock
            self.seen.calls[ride] += 1
            try:
                await handler(event)
            except Exception:
                self.world.note("billing", f"{ride} fails")
                raise
            self.world.note("billing", f"{ride} is charged")
            late = (clock.now() - (event.time or clock.now())).total_seconds()
            self.seen.late.setdefault(ride, (clock.monotonic() - late, late))

        return counted

    async def _save(self, letter: Event) -> None:
        self.seen.letters.append(letter.data)
        await self.letters.save(letter)

    def close(self) -> Rush:
        """Return what was seen, with the rows that each service has written."""
        for service in ("billing", "fleet"):
            db = self.world.node(service).disk.connect()
            found = db.execute("SELECT * FROM sqlite_master WHERE name = 'done'")
            if found.fetchone():
                rides = db.execute("SELECT ride FROM done ORDER BY ride")
                self.seen.rows[service] = [row[0] for row in rides]
        return self.seen


def rush(
    billing: Make,
    *,
    seed: int,
    max_deliver: int = 5,
    fleet: Make | None = None,
    rides: Iterable[int] = RIDES,
    every: float = 0.5,
    workers: int = 1,
    outage: tuple[float, float] | None = None,
    afterward: Callable[[City], Awaitable[object]] | None = None,
) -> Recording:
    """Let rides end, on average `every` so many seconds, and record what happens.

    The bank is down during the `outage`, from one second to another. `afterward` is
    what somebody does when the rush is over. The result is a `Rush`.
    """

    async def scenario(world: SimulatedWorld) -> Rush:
        city = City(world, max_deliver)
        await city.start(billing, fleet, workers)
        if outage is not None:
            begin, end = outage
            world.after(begin, Crashes(world, down=end - begin).kill, "bank")
        for number in rides:
            await world.clock.sleep(2 * every * world.random.random())
            await city.ride(number)
        await world.clock.sleep(QUIET)
        if afterward is not None:
            await afterward(city)
            await world.clock.sleep(QUIET)
        return city.close()

    return simulate(scenario, seed=seed)
