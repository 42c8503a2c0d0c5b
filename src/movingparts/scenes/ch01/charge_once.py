"""One ride's end in two services, where the caller names the charge.

`rides` sends the ride's own id with each attempt, so that `pricing` recognizes an
attempt that it has seen before.

Source: chapter 01; RFC 9110, section 9.2.2 (idempotent methods). Leaves out: refusing
an id that comes back with another ride, as the billing of exercise 1.2 does.
"""

from __future__ import annotations

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.scenes.ch01 import one_ride
from movingparts.scenes.ch01.one_ride import (
    ATTEMPTS,
    PAUSE,
    STANDARD,
    TIMEOUT,
    EndedRide,
    Receipt,
    Tariff,
    fare,
    show_quotes,
)

CHARGES = """CREATE TABLE IF NOT EXISTS charges
    (charge_id TEXT PRIMARY KEY, ride_id TEXT, rider TEXT, cents INTEGER)"""
ADD = """INSERT INTO charges (charge_id, ride_id, rider, cents)
    VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"""
FIND = "SELECT cents FROM charges WHERE charge_id = ?"


async def ask_pricing(node: Node, ride: EndedRide) -> int:
    """Have pricing charge for a ride, under the ride's id."""
    for _ in range(ATTEMPTS):
        try:
            reply = await node.client.put(
                f"http://pricing/charges/{ride.ride_id}",
                json=ride.model_dump(),
                timeout=TIMEOUT,
            )
        except httpx.TransportError:
            await node.clock.sleep(PAUSE)
            continue
        reply.raise_for_status()
        return int(reply.json()["cents"])
    raise HTTPException(503, "pricing does not answer")


def rides(node: Node) -> FastAPI:
    """Save rides, and have `pricing` charge for each of them once."""
    return one_ride.rides(node, ask=ask_pricing)


def pricing(node: Node, *, tariff: Tariff = STANDARD) -> FastAPI:
    """Price rides and charge for them, once for each id."""
    app = FastAPI(title="pricing")
    db = node.disk.connect()
    db.execute(CHARGES)

    @app.put("/charges/{charge_id}", status_code=201)
    async def put(charge_id: str, ride: EndedRide) -> Receipt:
        cents = fare(ride.minutes, tariff)
        with db:
            db.execute(ADD, [charge_id, ride.ride_id, ride.rider, cents])
        charged = db.execute(FIND, [charge_id]).fetchone()
        return Receipt(ride_id=ride.ride_id, cents=charged["cents"])

    show_quotes(app, tariff)
    return app
