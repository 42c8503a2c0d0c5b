"""One ride's end, first in one process, then in two services.

`monolith` saves a ride and charges for it in one transaction. `rides` and `pricing` are
the same lines with a network between.

Source: chapter 01. Leaves out: bikes, docks, and payment itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from movingparts.core import Node

ATTEMPTS = 4  # how often `rides` asks pricing before it gives up
TIMEOUT = 1.0  # seconds that it waits for each answer
PAUSE = 0.5  # seconds between two attempts

RIDES = """CREATE TABLE IF NOT EXISTS rides
    (ride_id TEXT PRIMARY KEY, rider TEXT, minutes INTEGER, cents INTEGER)"""
CHARGES = """CREATE TABLE IF NOT EXISTS charges
    (charge_id INTEGER PRIMARY KEY, ride_id TEXT, rider TEXT, cents INTEGER)"""


# --- what both worlds share: a tariff and two tables ------------------------------


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a ride costs: whole cents, and never more than the cap for a day begun.

    >>> Tariff(unlock=100, per_minute=15, day_cap=1_800)
    Tariff(unlock=100, per_minute=15, day_cap=1800)
    """

    unlock: int = 100
    per_minute: int = 15
    day_cap: int = 1_800


STANDARD = Tariff()


def fare(minutes: int, tariff: Tariff = STANDARD) -> int:
    """Return the fare of a ride in cents.

    >>> fare(12), fare(600), fare(25 * 60)
    (280, 1800, 3600)
    """
    days_begun = minutes // (24 * 60) + 1
    by_minute = tariff.unlock + tariff.per_minute * minutes
    return min(by_minute, tariff.day_cap * days_begun)


class EndedRide(BaseModel):
    """What a dock reports when a bike is back.

    >>> EndedRide(ride_id="ride-1", rider="Ada", minutes=12).minutes
    12
    """

    ride_id: str
    rider: str
    minutes: int = Field(ge=0)


class Receipt(BaseModel):
    """The answer to the rider: the fare, or None while the ride has no price.

    >>> Receipt(ride_id="ride-1", cents=280).cents
    280
    """

    ride_id: str
    cents: int | None


def find(db: sqlite3.Connection, ride_id: str) -> Receipt | None:
    """Return the receipt of a ride that was saved before."""
    row = db.execute("SELECT * FROM rides WHERE ride_id = ?", [ride_id]).fetchone()
    return None if row is None else Receipt(ride_id=ride_id, cents=row["cents"])


def save(db: sqlite3.Connection, ride: EndedRide, cents: int | None) -> Receipt:
    """Save that a ride has ended, once."""
    values = [ride.ride_id, ride.rider, ride.minutes, cents]
    db.execute("INSERT INTO rides VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
    return Receipt(ride_id=ride.ride_id, cents=cents)


def charge(db: sqlite3.Connection, ride: EndedRide, tariff: Tariff = STANDARD) -> int:
    """Charge a rider and return the cents."""
    cents = fare(ride.minutes, tariff)
    values = [ride.ride_id, ride.rider, cents]
    db.execute("INSERT INTO charges (ride_id, rider, cents) VALUES (?, ?, ?)", values)
    return cents


def charges(node: Node) -> list[tuple[str, int]]:
    """Return what was charged, by ride, from a node's disk."""
    rows = node.disk.connect().execute("SELECT * FROM charges ORDER BY charge_id")
    return [(row["ride_id"], row["cents"]) for row in rows]


def show_rides(app: FastAPI, db: sqlite3.Connection) -> None:
    """Let a rider look a ride up."""

    @app.get("/rides/{ride_id}")
    async def ride(ride_id: str) -> Receipt:
        receipt = find(db, ride_id)
        if receipt is None:
            raise HTTPException(404, f"no ride {ride_id!r} has ended")
        return receipt


def show_quotes(app: FastAPI, tariff: Tariff) -> None:
    """Return what a ride would cost."""

    @app.get("/quotes")
    async def quote(minutes: int) -> dict[str, int]:
        return {"minutes": minutes, "cents": fare(minutes, tariff)}


# --- one process ------------------------------------------------------------------


def monolith(node: Node, *, tariff: Tariff = STANDARD) -> FastAPI:
    """Save rides and charge for them in one process, with one database."""
    app = FastAPI(title="monolith")
    db = node.disk.connect()
    db.executescript(f"{RIDES}; {CHARGES};")

    @app.post("/rides", status_code=201)
    async def end(ride: EndedRide) -> Receipt:
        receipt = find(db, ride.ride_id)
        if receipt is None:
            with db:
                cents = charge(db, ride, tariff)
                receipt = save(db, ride, cents)
        return receipt

    show_rides(app, db)
    show_quotes(app, tariff)
    return app


# --- two services, and a call between ---------------------------------------------


async def ask_pricing(node: Node, ride: EndedRide) -> int:
    """Have pricing charge for a ride; if no answer comes, ask again."""
    for _ in range(ATTEMPTS):
        try:
            reply = await node.client.post(
                "http://pricing/charges",
                json=ride.model_dump(),
                timeout=TIMEOUT,
            )
        except httpx.TransportError:
            await node.clock.sleep(PAUSE)
            continue
        reply.raise_for_status()
        return int(reply.json()["cents"])
    raise HTTPException(503, "pricing does not answer")


Ask = Callable[[Node, EndedRide], Awaitable[int]]


def rides(node: Node, ask: Ask = ask_pricing) -> FastAPI:
    """Save rides, and have another service charge for them."""
    app = FastAPI(title="rides")
    db = node.disk.connect()
    db.execute(RIDES)

    @app.post("/rides", status_code=201)
    async def end(ride: EndedRide) -> Receipt:
        receipt = find(db, ride.ride_id)
        if receipt is None:
            cents = await ask(node, ride)
            with db:
                receipt = save(db, ride, cents)
        return receipt

    show_rides(app, db)
    return app


def pricing(
    node: Node,
    *,
    tariff: Tariff = STANDARD,
    lifespan: Any = None,
) -> FastAPI:
    """Price rides and charge for them, with its own database."""
    app = FastAPI(title="pricing", lifespan=lifespan)
    db = node.disk.connect()
    db.execute(CHARGES)

    @app.post("/charges", status_code=201)
    async def create(ride: EndedRide) -> Receipt:
        with db:
            cents = charge(db, ride, tariff)
        return Receipt(ride_id=ride.ride_id, cents=cents)

    show_quotes(app, tariff)
    return app
