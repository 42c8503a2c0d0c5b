"""Two contexts done with less thought: billing bought, availability without promises.

Each answers rides as the context does that it takes the place of, so that a day of the
city can find out whether riders miss it.

Source: chapter 02. Leaves out: what riders do not ask of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.core import Node
from movingparts.published_language import Reader, listen
from movingparts.service import service
from movingparts.unit_of_work import Store

SHOWN_FOR = timedelta(minutes=10)


def bought_billing(node: Node, *, store: Store | None = None) -> FastAPI:
    """Answer as a provider of payments would to somebody with credit.

    Leaves out: declining, charging, and publishing events.
    """
    app = service(node, title="Payments")

    @app.put("/authorizations/{ride_id}")
    async def authorize(ride_id: str) -> dict[str, Any]:
        amount = {"amount": "20.00", "currency": "EUR"}
        return {"authorization_id": f"bought/{ride_id}", "amount": amount}

    @app.put("/accounts/{rider_id}/limit", status_code=204)
    async def limit(rider_id: str) -> None:
        """Leave limits to the provider, who has its own."""

    return app


def renamed_billing(node: Node) -> FastAPI:
    """Serve payments with one field of the answer renamed, as looked harmless."""
    app = service(node, title="Payments, tidied")

    @app.put("/authorizations/{ride_id}")
    async def authorize(ride_id: str) -> dict[str, Any]:
        return {"id": f"authorization/{ride_id}"}

    return app


class BikeRequest(BaseModel):
    """Who wants a bike, and where."""

    rider_id: str
    station_id: str


class Docks:
    """Which bikes are in the docks of which station, as stations reports.

    >>> docks = Docks()
    >>> docks.handle(("S01", "B7", True))
    >>> docks.at("S01")
    ['B7']
    """

    def __init__(self) -> None:
        self._bikes: dict[str, list[str]] = {}

    def at(self, station_id: str) -> list[str]:
        """Return the bikes of a station, longest there first."""
        return self._bikes.setdefault(station_id, [])

    def handle(self, message: tuple[str, str, bool]) -> None:
        """Note that a bike came to a station, or left it."""
        station_id, bike_id, came = message
        bikes = self.at(station_id)
        if bike_id in bikes:
            bikes.remove(bike_id)
        if came:
            bikes.append(bike_id)


READS: Mapping[str, Reader] = {
    "stations.bike-docked": lambda message: (
        message["station_id"],
        message["bike_id"],
        True,
    ),
    "stations.bike-left": lambda message: (
        message["station_id"],
        message["bike_id"],
        False,
    ),
}


def first_come(node: Node, *, store: Store | None = None) -> FastAPI:
    """Show each rider one of the bikes that are in a dock, and promise nothing."""
    docks = Docks()

    async def handle(message: Any) -> None:
        docks.handle(message)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        subscriptions = await listen(node, READS, handle)
        yield
        for subscription in subscriptions:
            await subscription.stop()

    app = service(node, title="First come, first served", lifespan=lifespan)

    @app.put("/reservations/{reservation_id}")
    async def show(reservation_id: str, request: BikeRequest) -> dict[str, Any]:
        bikes = docks.at(request.station_id)
        if not bikes:
            raise HTTPException(409, f"no bike is left at {request.station_id}")
        bike, until = node.random.choice(bikes), node.clock.now() + SHOWN_FOR
        shown = {"reservation_id": reservation_id, "bike_id": bike, "until": until}
        return {**request.model_dump(), **shown}

    @app.post("/reservations/{reservation_id}/collection")
    async def collect(reservation_id: str, request: BikeRequest) -> dict[str, Any]:
        return {"bike_id": ""}  # the first rider at the dock gets it

    @app.get("/stations/{station_id}")
    async def stand(station_id: str) -> dict[str, Any]:
        bikes = docks.at(station_id)
        return {"station_id": station_id, "available": len(bikes), "bikes": bikes}

    return app
