"""Billing as a service of its own, which charges each ride that the bus reports.

The lab serves it in a simulated world, and spawns it as a process that it kills.

Source: chapter 05. Leaves out: how rides saves and publishes both or neither (chapter
06).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.consumer import once
from movingparts.core import Node
from movingparts.core.asgi import at_start
from movingparts.core.bus import Handler

SUBJECT = "rides.ride-ended"
CHARGES = "CREATE TABLE IF NOT EXISTS charges (ride TEXT, cents INTEGER)"

# What makes billing's handler of its node and its database.
Receiver = Callable[[Node, sqlite3.Connection], Handler]


def ride_ended(number: int) -> Event:
    """Return the event that reports a ride; reporting it again gives the same id."""
    ride = f"ride-{number}"
    data = {"ride": ride, "cents": 100 + 15 * (5 + number % 30)}
    return Event(f"{ride}/ended", "/rides", "RideEnded", data, subject=ride)


def charge(db: sqlite3.Connection, event: Event) -> None:
    """Write the charge of a ride, without committing it."""
    row = (event.data["ride"], event.data["cents"])
    db.execute("INSERT INTO charges VALUES (?, ?)", row)


def charged(node: Node) -> list[str]:
    """Return a ride's id for each charge that is committed at this node."""
    db = node.disk.connect()
    try:
        return [ride for (ride,) in db.execute("SELECT ride FROM charges")]
    finally:
        db.close()


def remembering(node: Node, db: sqlite3.Connection) -> Handler:
    """Charge each ride once, however often its event is delivered."""
    return once(db, "billing", charge)


def billing(node: Node, receiver: Receiver = remembering) -> FastAPI:
    """Serve billing, whose durable subscription calls what `receiver` makes."""
    db = node.disk.connect()
    db.execute(CHARGES)
    how: dict[str, Any] = {"durable": "billing", "ack_wait": 1.0}
    stream = partial(node.bus.stream, "RIDES", "rides.>")
    subscribe = partial(node.bus.subscribe, SUBJECT, receiver(node, db), **how)
    return FastAPI(title="billing", lifespan=at_start(stream, subscribe))


def noted(receiver: Receiver, note: Callable[[str, str], None]) -> Receiver:
    """Return a receiver that also notes each charge, for a figure."""

    def make(node: Node, db: sqlite3.Connection) -> Handler:
        def traced(statement: str) -> None:  # SQLite calls it before each statement
            if statement.startswith("INSERT INTO charges"):
                note(node.name, "charges the ride")

        db.set_trace_callback(traced)
        return receiver(node, db)

    return make


def stops_before_commit(node: Node) -> FastAPI:
    """Serve billing, and stop for good when ride-60 is written but not committed."""

    def receiver(node: Node, db: sqlite3.Connection) -> Handler:
        def charge_and_stop(db: sqlite3.Connection, event: Event) -> None:
            charge(db, event)
            if event.subject == "ride-60":
                stop(node, "before-commit")

        return once(db, "billing", charge_and_stop)

    return billing(node, receiver)


def stops_before_ack(node: Node) -> FastAPI:
    """Serve billing, and stop for good when ride-120 is committed, not acknowledged."""

    def receiver(node: Node, db: sqlite3.Connection) -> Handler:
        receive = remembering(node, db)

        async def receive_and_stop(event: Event) -> None:
            await receive(event)
            if event.subject == "ride-120":
                stop(node, "before-ack")

        return receive_and_stop

    return billing(node, receiver)


def stop(node: Node, where: str) -> None:
    """Leave a file of this name on the disk, and wait until the process is killed."""
    (node.disk.path / where).touch()
    os.read(os.pipe()[0], 1)  # waits: nobody writes into this pipe
