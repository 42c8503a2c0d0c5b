"""A rider disputes a fare: the service `rides`, and what support did that week.

Source: chapter 08. Leaves out: authentication, and who pays what back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.repository import NotFound, RecordedEvent, SqliteRows
from movingparts.scenes.ch08.day import fare
from movingparts.scenes.ch08.ride import Refused, Ride
from movingparts.service import refuses, service
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute
from movingparts.world.simulated import SimulatedWorld, simulate

MINUTE = 60.0
RIDE = "http://rides/rides/17"


class Start(BaseModel):
    """Who takes which bike where."""

    rider: str
    bike: str
    station: str


class End(BaseModel):
    """Where the bike is docked, and after how many seconds."""

    station: str
    seconds: int


class Correction(BaseModel):
    """What the ride costs now, why, and who says so."""

    cents: int
    why: str
    by: str


def rides(node: Node, store: Store) -> FastAPI:
    """Return the service that has the rides and their fares, kept in a store."""
    app = service(node, title="rides")
    refuses(app, Refused, NotFound)

    def now() -> str:
        return node.clock.now().isoformat(timespec="minutes")

    @app.put("/rides/{ride_id}")
    async def start(ride_id: str, by: Start) -> None:
        async def act(work: UnitOfWork) -> None:
            ride = work.of(Ride).add(Ride(ride_id))
            ride.start(by.rider, by.bike, by.station, at=now())

        await execute(store, act)

    @app.put("/rides/{ride_id}/end")
    async def end(ride_id: str, where: End) -> None:
        async def act(work: UnitOfWork) -> None:
            ride = await work.of(Ride).get(ride_id)
            ride.end(where.station, at=now())
            ride.charge(fare(where.seconds), at=now())

        await execute(store, act)

    @app.put("/rides/{ride_id}/fare")
    async def correct(ride_id: str, to: Correction) -> None:
        async def act(work: UnitOfWork) -> None:
            ride = await work.of(Ride).get(ride_id)
            ride.correct(to.cents, to.why, to.by, at=now())

        await execute(store, act)

    @app.get("/rides/{ride_id}")
    async def show(ride_id: str) -> dict[str, object]:
        ride = await store.begin().of(Ride).get(ride_id)
        return {"rider": ride.rider, "state": ride.state, "cents": ride.cents}

    return app


def in_rows(node: Node) -> FastAPI:
    """Return the service with a row for each ride, as in chapter 03."""
    rows = SqliteRows(node.disk.connect())
    app = rides(node, RowStore(rows))
    app.state.kept = rows
    return app


def as_events(node: Node) -> FastAPI:
    """Return the service with a stream of events for each ride."""
    log = SqliteEventStore(node.disk.connect(), node.clock)
    store = EventSourcedStore(log, node.new_id)
    app = rides(node, store)
    app.state.kept = store
    return app


@dataclass
class Case:
    """What Ada's app shows, and what is on the disk of `rides`: all rows of a query."""

    shown: dict[str, object]
    saved: list[tuple[Any, ...]]


# The damaged bike was another one, B18.
WRONG = {"cents": 1900, "why": "bike damaged", "by": "support-4"}


def dispute(
    made: Factory, query: str, *, undo: dict[str, object] | None = None
) -> Recording:
    """Let Ada ride for 20 minutes, support correct her fare, and Ada look at it.

    `undo` is another correction, before she looks. The result is a `Case`.
    """
    kept: list[Any] = []

    async def scenario(world: SimulatedWorld) -> Case:
        def begin(node: Node) -> FastAPI:
            app: FastAPI = made(node)
            kept.append(app.state.kept)
            kept[0].save = lambda new: world.note("rides", said(kept[0].db, new))
            return app

        async def put(who: str, path: str, **body: object) -> None:
            answer = await world.node(who).client.put(f"{RIDE}{path}", json=body)
            answer.raise_for_status()

        await world.serve("rides", begin)
        await put("ada", "", rider="ada", bike="B17", station="S01")
        await world.clock.sleep(20 * MINUTE)
        await put("ada", "/end", station="S07", seconds=20 * 60)
        for correction in (WRONG, *([undo] if undo else [])):
            await world.clock.sleep(30 * MINUTE)
            await put("support", "/fare", **correction)
        shown = (await world.node("ada").client.get(RIDE)).json()
        world.note("ada", f"sees {shown['cents']} cents")
        return Case(shown, [tuple(row) for row in kept[0].db.execute(query)])

    return simulate(scenario, seed=1)


def said(db: Connection, new: Sequence[RecordedEvent]) -> str:
    """Return what has become of the disk: the row's fare, or the events' types."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'events'").fetchone():
        return ", ".join(type(each.event).__name__ for each in new)
    (cents,) = db.execute("SELECT state ->> 'cents' FROM aggregates").fetchone()
    return f"row: {cents} cents"
