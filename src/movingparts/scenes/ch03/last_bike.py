"""The last bike of a stand, given out by three handlers: rules beside data, or inside.

`SCATTERED` are handlers around a stand that is only data: each checks whether a bike is
left, asks another service, and takes one. `GUARDED` are the same three around the stand
of `availability`, which keeps its rule itself.

Source: chapter 03; Fowler 2003 (anemic domain model). Leaves out: that a promise lapses
(in `SCATTERED`), and the events' way to others.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.city.availability import model
from movingparts.city.availability.model import Refused
from movingparts.core import Node
from movingparts.core.node import Factory, current_span
from movingparts.repository import SqliteRows
from movingparts.service import Lifespan, refuses
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute

if TYPE_CHECKING:
    from movingparts.world.simulated import SimulatedWorld

# --- what both have in common -----------------------------------------------------


class Command(BaseModel):
    """Who wants a bike, and of which stand.

    >>> Command(rider_id="ada").stand_id
    'S01'
    """

    rider_id: str
    stand_id: str = "S01"


def agrees(node: Node) -> FastAPI:
    """A stub for every partner: a service that says yes to everything."""
    app = FastAPI(title="agrees")

    @app.post("/{what:path}")
    async def agree(what: str) -> bool:
        return True

    return app


async def ask(node: Node, service: str, what: str) -> None:
    """Ask another service; raises `Refused` where it does not say yes."""
    reply = await node.client.post(f"http://{service}/{what}")
    if reply.status_code != 200:
        raise Refused(f"{service} did not agree")


Answer = Callable[[Command], Awaitable[str]]


def _counter(
    answers: Mapping[str, Answer], lifespan: Lifespan | None = None
) -> FastAPI:
    """Return an app that answers each request with a bike, or 409."""
    app = FastAPI(title="availability", lifespan=lifespan)
    refuses(app, Refused)
    for name, answer in answers.items():
        app.add_api_route(f"/{name}", answer, methods=["POST"])
    return app


# --- rules beside the data --------------------------------------------------------


@dataclass
class Stand:
    """The bikes at a station, and which of them is promised to whom; only data.

    >>> Stand("S01", bikes=["B7"])
    Stand(stand_id='S01', bikes=['B7'], promised={})
    """

    stand_id: str
    bikes: list[str]
    promised: dict[str, str] = field(default_factory=dict)  # bike: rider


def find(db: sqlite3.Connection, stand_id: str) -> Stand:
    """Return a stand as it was saved last."""
    query = "SELECT state FROM stands WHERE stand_id = ?"
    return Stand(**json.loads(db.execute(query, [stand_id]).fetchone()[0]))


def save(db: sqlite3.Connection, stand: Stand) -> None:
    """Save a stand."""
    row = [stand.stand_id, json.dumps(asdict(stand))]
    with db:
        db.execute("INSERT OR REPLACE INTO stands VALUES (?, ?)", row)


async def reserve(node: Node, db: sqlite3.Connection, command: Command) -> str:
    """Promise a rider a bike, as her app asks."""
    stand = find(db, command.stand_id)
    free = [bike for bike in stand.bikes if bike not in stand.promised]
    if not free:
        raise Refused("no bike is left")
    await ask(node, "riders", f"riders/{command.rider_id}/checks")
    stand.promised[free[0]] = command.rider_id
    save(db, stand)
    return free[0]


async def walk_up(node: Node, db: sqlite3.Connection, command: Command) -> str:
    """Let a bike go to a rider who holds a card to the dock."""
    stand = find(db, command.stand_id)
    if len(stand.promised) >= len(stand.bikes):
        raise Refused("all bikes are promised")
    await ask(node, "billing", f"cards/{command.rider_id}/holds")
    bike = next(bike for bike in stand.bikes if bike not in stand.promised)
    stand.bikes.remove(bike)
    save(db, stand)
    return bike


async def swap(node: Node, db: sqlite3.Connection, command: Command) -> str:
    """Promise another bike to a rider whose bike is broken, as support does."""
    stand = find(db, command.stand_id)
    hers = [b for b, rider in stand.promised.items() if rider == command.rider_id]
    others = sorted(set(stand.bikes) - set(stand.promised))
    if not hers or not others:
        raise Refused("there is no other bike")
    await ask(node, "fleet", f"bikes/{hers[0]}/faults")
    stand.bikes.remove(hers[0])
    del stand.promised[hers[0]]
    stand.promised[others[0]] = command.rider_id
    save(db, stand)
    return others[0]


Scattered = Callable[[Node, sqlite3.Connection, Command], Awaitable[str]]
SCATTERED: Mapping[str, Scattered] = {
    "reservations": reserve,
    "walk-ups": walk_up,
    "swaps": swap,
}


TABLE = """CREATE TABLE IF NOT EXISTS stands
    (stand_id TEXT PRIMARY KEY, state TEXT NOT NULL)"""


def anemic(
    node: Node,
    *,
    handlers: Mapping[str, Scattered] = SCATTERED,
    db: sqlite3.Connection | None = None,
) -> FastAPI:
    """Serve a stand of two bikes, of which B1 is promised to Cleo and has a flat."""
    db = db or node.disk.connect()
    db.execute(TABLE)
    if db.execute("SELECT * FROM stands").fetchone() is None:
        save(db, Stand("S01", ["B1", "B7"], {"B1": "cleo"}))

    def around(handler: Scattered) -> Answer:
        async def answer(command: Command) -> str:
            return await handler(node, db, command)

        return answer

    return _counter({name: around(handler) for name, handler in handlers.items()})


# --- rules inside -----------------------------------------------------------------


async def reserve_guarded(node: Node, work: UnitOfWork, command: Command) -> str:
    """Promise a rider a bike, as her app asks."""
    stand, now = await work.of(model.Stand).get(command.stand_id), node.clock.now()
    promised = stand.reserve(_first(command), model.RiderId(command.rider_id), now)
    await ask(node, "riders", f"riders/{command.rider_id}/checks")
    return promised.bike_id


async def walk_up_guarded(node: Node, work: UnitOfWork, command: Command) -> str:
    """Let a bike go to a rider who holds a card to the dock."""
    stand, now = await work.of(model.Stand).get(command.stand_id), node.clock.now()
    rider = model.RiderId(command.rider_id)
    stand.reserve(_first(command), rider, now)
    taken = stand.collect(_first(command), rider, now)
    await ask(node, "billing", f"cards/{rider}/holds")
    return taken.bike_id


async def swap_guarded(node: Node, work: UnitOfWork, command: Command) -> str:
    """Promise another bike to a rider whose bike is broken, as support does."""
    stand, now = await work.of(model.Stand).get(command.stand_id), node.clock.now()
    rider = model.RiderId(command.rider_id)
    broken = stand.held_for(rider, now).bike_id
    stand.withdraw(broken, now)
    other = stand.reserve(model.ReservationId(f"{rider}-2"), rider, now)
    await ask(node, "fleet", f"bikes/{broken}/faults")
    return other.bike_id


def _first(command: Command) -> model.ReservationId:
    return model.ReservationId(f"{command.rider_id}-1")


Guarded = Callable[[Node, UnitOfWork, Command], Awaitable[str]]
GUARDED: Mapping[str, Guarded] = {
    "reservations": reserve_guarded,
    "walk-ups": walk_up_guarded,
    "swaps": swap_guarded,
}


async def two_bikes(work: UnitOfWork, now: datetime) -> None:
    """Open a stand of two bikes, of which B1 is promised to Cleo."""
    stands = work.of(model.Stand)
    if await stands.find("S01") is None:
        stand = stands.add(model.Stand(model.StandId("S01")))
        stand.offer(model.BikeId("B1"), now)
        stand.reserve(model.ReservationId("cleo-1"), model.RiderId("cleo"), now)
        stand.offer(model.BikeId("B7"), now)


def in_rows(db: sqlite3.Connection) -> Store:
    """Keep each stand as a row."""
    return RowStore(SqliteRows(db))


def guarded(
    node: Node,
    *,
    handlers: Mapping[str, Guarded] = GUARDED,
    db: sqlite3.Connection | None = None,
    new_store: Callable[[sqlite3.Connection], Store] = in_rows,
    set_up: Callable[[UnitOfWork, datetime], Awaitable[None]] = two_bikes,
) -> FastAPI:
    """Serve stands that keep their rule themselves; at first the same two bikes."""
    store = new_store(db or node.disk.connect())

    def around(handler: Guarded) -> Answer:
        async def answer(command: Command) -> str:
            return await execute(store, lambda work: handler(node, work, command))

        return answer

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await execute(store, lambda work: set_up(work, node.clock.now()))
        yield

    answers = {name: around(handler) for name, handler in handlers.items()}
    return _counter(answers, lifespan)


# --- what is seen of it -----------------------------------------------------------

STEPS = {"SELECT": "looks", "COMMIT": "saves", "ROLLBACK": "is too late"}


def watched(service: Callable[..., FastAPI], world: SimulatedWorld) -> Factory:
    """Return a service that has each look and each save noted in the recording."""

    def make(node: Node) -> FastAPI:
        def traced(statement: str) -> None:
            step, work = STEPS.get(statement.partition(" ")[0]), current_span.get()
            if step is not None and work is not None:
                world.note(node.name, f"{step}, for {work.peer}")

        db = node.disk.connect()
        app: FastAPI = service(node, db=db)
        db.set_trace_callback(traced)
        return app

    return make
