"""A ride on the library `eventsourcing`, beside ours.

Source: chapter 08; eventsourcing (tutorial). Leaves out: fares that are corrected, and
most of what the library can do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from movingparts.core import Node
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.repository import StaleVersion
from movingparts.scenes.ch08 import ride as page_1
from movingparts.scenes.ch08.ride import Refused
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

AT = {"at": "08:20"}  # the library's events have a time of their own
Save = Callable[[], Awaitable[Any]]
Read = Callable[[], Awaitable[tuple[Any, Save]]]  # the ride, or a new one


class Ride(Aggregate):
    """The ride of page 1, on the library `eventsourcing`."""

    @event("RideStarted")
    def __init__(self, rider: str, bike: str, station: str) -> None:
        self.rider, self.bike = rider, bike
        self.state, self.cents = "underway", 0

    def end(self, station: str) -> None:
        """End at a station."""
        self._only("underway")
        self._ended(station)

    @event("RideEnded")
    def _ended(self, station: str) -> None:
        self.state = "ended"

    def charge(self, cents: int) -> None:
        """Charge the fare, once."""
        self._only("ended")
        self._charged(cents)

    @event("FareCharged")
    def _charged(self, cents: int) -> None:
        self.state, self.cents = "charged", cents

    def _only(self, state: str) -> None:
        if self.state != state:
            raise Refused(f"the ride is {self.state}")


@contextmanager
def ours(node: Node) -> Iterator[Read]:
    """Yield what reads the ride of page 1 from our event store."""
    log = SqliteEventStore(node.disk.connect(), node.clock)
    store = EventSourcedStore(log, node.new_id)

    async def read() -> tuple[Any, Save]:
        work = store.begin()
        ride = await work.of(page_1.Ride).find("17")
        if ride is None:
            ride = work.of(page_1.Ride).add(page_1.Ride("17"))
            ride.start("ada", "B7", "S01", **AT)
        return ride, work.commit

    yield read


@contextmanager
def theirs(node: Node) -> Iterator[Read]:
    """Yield what reads a ride from the library's event store, in SQLite too."""
    file = node.disk.path / "library.sqlite"
    kept = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)}
    app, saved = Application[Any](env=kept), list[Any]()

    async def read() -> tuple[Any, Save]:
        ride = app.repository.get(saved[0]) if saved else Ride("ada", "B7", "S01")

        async def save() -> None:
            app.save(ride)
            saved[:] = [ride.id]

        return ride, save

    yield read
    app.close()


async def behavior(read: Read, at: dict[str, str]) -> dict[str, str]:
    """Return what comes of what is asked of a ride, step by step."""
    found = {}
    ride, save = await read()
    found["charge a ride underway"] = _tried(lambda: ride.charge(340, **at))
    await save()
    both = [await read(), await read()]
    for each, _ in both:
        each.end("S07", **at)
    await both[0][1]()
    try:
        await both[1][1]()
    except (StaleVersion, IntegrityError):
        found["two have read it, and each ends it"] = "the first wins"
    ride, save = await read()
    found["charge it when it has ended"] = _tried(lambda: ride.charge(340, **at))
    found["charge it again"] = _tried(lambda: ride.charge(340, **at))
    await save()
    ride, _ = await read()
    found["read it from its events"] = f"{ride.state}, {ride.cents} cents"
    return found


def _tried(command: Callable[[], None]) -> str:
    try:
        command()
    except Refused:
        return "refused"
    return "done"


def compare() -> Table:
    """Return what our ride does, and what the library's does, beside each other."""

    async def scenario(world: SimulatedWorld) -> list[dict[str, str]]:
        node = world.node("rides")
        with ours(node) as mine, theirs(node) as library:
            return [await behavior(mine, AT), await behavior(library, {})]

    one, other = simulate(scenario, seed=1).result
    rows: list[tuple[str, ...]] = [
        (asked, answer, other[asked]) for asked, answer in one.items()
    ]
    return Table(("asked", "ours", "eventsourcing"), rows)
