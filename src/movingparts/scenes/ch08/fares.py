"""The service that has the rides and their fares, on two stores: rows, and events.

Source: chapter 08. Leaves out: authentication, and who pays what back.
"""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.core import Node
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.repository import NotFound, SqliteRows
from movingparts.scenes.ch08.day import fare
from movingparts.scenes.ch08.ride import Refused, Ride
from movingparts.service import refuses, service
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute


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
