"""A rider disputes a fare: the service `rides`, and what support did that week.

Source: chapter 08. Leaves out: authentication, and who pays what back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.repository import NotFound, SqliteRows
from movingparts.scenes.ch08.day import fare
from movingparts.scenes.ch08.ride import Refused, Ride
from movingparts.service import refuses, service
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute
from movingparts.world.simulated import SimulatedWorld, simulate

MINUTE = 60.0


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
        return node.clock.now().isoformat(timespec="seconds")

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
    db = node.disk.connect()
    app = rides(node, RowStore(SqliteRows(db)))
    app.state.db = db
    return app


def as_events(node: Node) -> FastAPI:
    """Return the service with a stream of events for each ride."""
    log = SqliteEventStore(node.disk.connect(), node.clock)
    app = rides(node, EventSourcedStore(log, node.new_id))
    app.state.db = log.db
    return app


@dataclass
class Case:
    """What Ada's app shows, and what is on the disk of `rides`: all rows of a query."""

    shown: dict[str, object]
    saved: list[tuple[object, ...]]


def dispute(made: Factory, query: str) -> Recording:
    """Let Ada and Bob ride for 20 minutes each, support correct a fare, and Ada ask.

    The result is a `Case`.
    """
    apps: list[Any] = []

    def kept(node: Node) -> FastAPI:
        apps.append(made(node))
        app: FastAPI = apps[-1]
        return app

    async def scenario(world: SimulatedWorld) -> Case:
        await world.serve("rides", kept)
        client = world.node("ada").client

        async def put(path: str, **body: object) -> None:
            answer = await client.put(f"http://rides/rides/{path}", json=body)
            answer.raise_for_status()

        for number, rider in ((17, "ada"), (18, "bob")):
            await put(f"{number}", rider=rider, bike=f"B{number}", station="S01")
            await world.clock.sleep(20 * MINUTE)
            await put(f"{number}/end", station="S07", seconds=20 * 60)
        await world.clock.sleep(30 * MINUTE)
        late = {"cents": 1900, "why": "docked two hours late", "by": "support-4"}
        await put("17/fare", **late)  # the bike that was late is Bob's, of ride 18
        shown = (await client.get("http://rides/rides/17")).json()
        found = apps[-1].state.db.execute(query)
        return Case(shown, [tuple(row) for row in found])

    return simulate(scenario, seed=1)
