"""Two stands, a truck that moves a bike, and a rider who reserves one meanwhile.

B7 is free at S01 and the truck moves it to S02, where B2 is free. `BY_HAND` are
handlers that check versions themselves, `IN_WORKS` those around a unit of work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fastapi import FastAPI

from movingparts.city.availability import model
from movingparts.core import Node
from movingparts.scenes.ch03 import last_bike
from movingparts.scenes.ch03.last_bike import Command, Guarded, Scattered, Stand
from movingparts.scenes.ch03.versions import read, versioned, write
from movingparts.unit_of_work import Store, UnitOfWork

STANDS = ("S01", "S02")
RACE = {"truck": "moves", "ada": "reservations"}
AUDIT = {"audit": "audits"}
"""Says where B7 is, or "nowhere"."""


async def _reserve_by_hand(node: Node, db: sqlite3.Connection, command: Command) -> str:
    there, version = read(db, "S02")
    free = [bike for bike in there.bikes if bike not in there.promised]
    there.promised[free[0]] = command.rider_id
    write(db, there, version)
    return free[0]


async def _audit_by_hand(node: Node, db: sqlite3.Connection, command: Command) -> str:
    stands = [read(db, stand_id)[0] for stand_id in STANDS]
    found = (stand.stand_id for stand in stands if "B7" in stand.bikes)
    return next(found, "nowhere")


BY_HAND: Mapping[str, Scattered] = {
    "reservations": _reserve_by_hand,
    "audits": _audit_by_hand,
}


def by_hand(
    node: Node,
    *,
    handlers: Mapping[str, Scattered],
    db: sqlite3.Connection | None = None,
) -> FastAPI:
    """Serve both stands with these handlers beside `BY_HAND`."""
    db = db or node.disk.connect()
    db.execute(last_bike.TABLE)
    last_bike.save(db, Stand("S01", ["B7"]))
    last_bike.save(db, Stand("S02", ["B2"]))
    return versioned(node, handlers={**BY_HAND, **handlers}, db=db)


async def _reserve(node: Node, work: UnitOfWork, command: Command) -> str:
    there, now = await work.of(model.Stand).get("S02"), node.clock.now()
    reservation_id = model.ReservationId(f"{command.rider_id}-1")
    rider = model.RiderId(command.rider_id)
    return there.reserve(reservation_id, rider, now).bike_id


async def _audit(node: Node, work: UnitOfWork, command: Command) -> str:
    stands = [await work.of(model.Stand).get(stand_id) for stand_id in STANDS]
    found = (stand.stand_id for stand in stands if "B7" in stand.bikes)
    return next(found, "nowhere")


async def reserve_slowly(node: Node, work: UnitOfWork, command: Command) -> str:
    """Promise a bike of S01 200 ms after it was read."""
    here, rider = await work.of(model.Stand).get("S01"), command.rider_id
    reservation_id = model.ReservationId(f"{rider}-1")
    promised = here.reserve(reservation_id, model.RiderId(rider), node.clock.now())
    await node.clock.sleep(0.2)
    return promised.bike_id


IN_WORKS: Mapping[str, Guarded] = {"reservations": _reserve, "audits": _audit}


def in_works(
    node: Node,
    *,
    handlers: Mapping[str, Guarded],
    db: sqlite3.Connection | None = None,
    new_store: Callable[[sqlite3.Connection], Store] = last_bike.in_rows,
    bikes: Sequence[str] = ("B7",),
) -> FastAPI:
    """Serve both stands with these handlers beside `IN_WORKS`; `bikes` are at S01."""

    async def set_up(work: UnitOfWork, now: datetime) -> None:
        for stand_id, offered in (("S01", bikes), ("S02", ("B2",))):
            stand = work.of(model.Stand).add(model.Stand(model.StandId(stand_id)))
            for bike_id in offered:
                stand.offer(model.BikeId(bike_id), now)

    served = {**IN_WORKS, **handlers}
    return last_bike.guarded(
        node, handlers=served, db=db, new_store=new_store, set_up=set_up
    )
