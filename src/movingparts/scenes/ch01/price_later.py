"""A `rides` that saves each ride at once, and has it priced as soon as it can.

Source: chapter 01. Leaves out: telling the rider the price, and giving up on a ride
that pricing refuses again and again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from sqlite3 import Connection

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.scenes.ch01.one_ride import (
    PAUSE,
    RIDES,
    TIMEOUT,
    EndedRide,
    Receipt,
    save,
    show_rides,
)

UNPRICED = "SELECT ride_id, rider, minutes FROM rides WHERE cents IS NULL"
PRICED = "UPDATE rides SET cents = ? WHERE ride_id = ?"


def rides(node: Node) -> FastAPI:
    """Save rides, whether or not `pricing` answers."""
    db = node.disk.connect()
    db.execute(RIDES)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        node.tasks.create_task(price_the_rest(node, db))
        yield

    app = FastAPI(title="rides", lifespan=lifespan)

    @app.post("/rides", status_code=201)
    async def end(ride: EndedRide) -> Receipt:
        with db:
            save(db, ride, cents=None)
        cents = await price(node, db, ride)
        return Receipt(ride_id=ride.ride_id, cents=cents)

    show_rides(app, db)
    return app


async def price(node: Node, db: Connection, ride: EndedRide) -> int | None:
    """Have pricing charge for a ride; without an answer, leave it for later."""
    url = f"http://pricing/charges/{ride.ride_id}"
    try:
        body = ride.model_dump()
        reply = await node.client.put(url, json=body, timeout=TIMEOUT)
        reply.raise_for_status()
    except httpx.HTTPError:
        return None
    cents = int(reply.json()["cents"])
    with db:
        db.execute(PRICED, [cents, ride.ride_id])
    return cents


async def price_the_rest(node: Node, db: Connection) -> None:
    """Ask again and again for the price of each ride that has none."""
    while True:
        await node.clock.sleep(PAUSE)
        for row in db.execute(UNPRICED).fetchall():
            await price(node, db, EndedRide(**row))
