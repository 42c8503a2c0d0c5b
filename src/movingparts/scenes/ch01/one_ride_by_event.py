"""One ride's end in two services, with a bus between them instead of a call.

Source: chapter 01. Leaves out: how to save and publish both or neither (chapter 06).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.core import Node
from movingparts.scenes.ch01.one_ride import (
    RIDES,
    STANDARD,
    EndedRide,
    Receipt,
    Tariff,
    charge,
    pricing,
    save,
    show_rides,
)


def rides_by_event(node: Node) -> FastAPI:
    """Save rides and publish an event; this service does not know who charges."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await node.bus.stream("RIDES", "ride.*")
        yield

    app = FastAPI(title="rides", lifespan=lifespan)
    db = node.disk.connect()
    db.execute(RIDES)

    @app.post("/rides", status_code=202)
    async def end(ride: EndedRide) -> Receipt:
        with db:
            receipt = save(db, ride, None)
        await node.bus.publish("ride.ended", ride_ended(node, ride))
        return receipt

    show_rides(app, db)
    return app


def ride_ended(node: Node, ride: EndedRide) -> Event:
    """Return the event that reports a ride; publishing it again gives the same id."""
    return Event(
        id=f"{ride.ride_id}/ended",
        source=f"/{node.name}",
        type="city.larkhaven.ride.ended",
        subject=ride.ride_id,
        time=node.clock.now(),
        data=ride.model_dump(),
    )


def pricing_by_event(node: Node, *, tariff: Tariff = STANDARD) -> FastAPI:
    """Charge once for each ride, however often its event is delivered."""
    db = node.disk.connect()

    async def on_ride_ended(event: Event) -> None:
        ride = EndedRide.model_validate(event.data)
        charged = "SELECT 1 FROM charges WHERE ride_id = ?"
        with db:
            if db.execute(charged, [ride.ride_id]).fetchone() is None:
                charge(db, ride, tariff)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await node.bus.stream("RIDES", "ride.*")
        listening = await node.bus.subscribe(
            "ride.ended", on_ride_ended, durable="pricing"
        )
        yield
        await listening.stop()

    return pricing(node, tariff=tariff, lifespan=lifespan)
