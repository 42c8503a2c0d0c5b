"""The service of rides: it lets riders go, and ends a ride when its bike is docked."""

from __future__ import annotations

from asyncio import Lock
from weakref import WeakValueDictionary

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from movingparts.city.rides import acl, contract, partners
from movingparts.city.rides.model import (
    AuthorizationId,
    Bike,
    BikeBrought,
    BikeId,
    Refused,
    Ride,
    RideId,
    RiderId,
    StationId,
    begin,
    begin_as_reported,
    bike_brought,
)
from movingparts.core import Node
from movingparts.published_language import Instant, Publisher, announcing, on_the_bus
from movingparts.repository import NotFound
from movingparts.service import Limits, problem, refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute

HISTORY = AuthorizationId("history")
"""The authorization id of a ride from a trip history."""


class Wanted(BaseModel):
    """Who wants to ride which bike, and the reservation that promised it."""

    rider_id: str
    bike_id: str
    station_id: str
    reservation_id: str


class RideReport(BaseModel):
    """A ride that began, as a trip history reports it."""

    bike_id: str
    station_id: str
    rider_id: str = ""
    at: Instant


class RideView(BaseModel):
    """A ride as it stands."""

    ride_id: str
    rider_id: str
    bike_id: str
    from_station: str
    state: str
    started_at: Instant | None
    ended_at: Instant | None
    anomalies: list[str]

    @classmethod
    def of(cls, ride: Ride) -> RideView:
        """Return a ride as the API shows it."""
        return cls(
            ride_id=ride.ride_id,
            rider_id=ride.rider_id,
            bike_id=ride.bike_id,
            from_station=ride.from_station,
            state=ride.state,
            started_at=ride.started_at,
            ended_at=ride.ended_at,
            anomalies=list(ride.anomalies),
        )


class BikeView(BaseModel):
    """Which ride a bike is on, and so whether it is free to be ridden."""

    bike_id: str
    ride_id: str | None
    available: bool


def rides(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the rides of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher)
    bus = on_the_bus(node, publisher, acl.READS, handlers.handle)
    limits = Limits(request=40.0)  # three others are called, and the event is published
    app = service(node, title="Rides", lifespan=bus, limits=limits)
    refuses(app, Refused, NotFound)

    @app.exception_handler(partners.Unpaid)
    async def unpaid(request: Request, error: partners.Unpaid) -> JSONResponse:
        return problem(402, str(error))

    @app.exception_handler(httpx.TransportError)
    async def silent(request: Request, error: httpx.TransportError) -> JSONResponse:
        return problem(503, f"the ride is cancelled: {error}")

    _ride(app, handlers)
    _show(app, store)
    return app


class Handlers:
    """Handles the commands and messages of the service."""

    def __init__(self, node: Node, store: Store, publisher: Publisher) -> None:
        self._node, self._store, self.publisher = node, store, publisher
        self._begun: WeakValueDictionary[RideId, Lock] = WeakValueDictionary()

    async def start(self, ride_id: RideId, wanted: Wanted) -> Ride:
        """Let a rider go: the payment first, then the promise, then the bike.

        Raises `Refused` and `httpx.TransportError`, after which the ride is cancelled.
        After the latter, a bike may be out of its dock all the same (chapter 06).
        """
        begun = self._begun.setdefault(ride_id, Lock())
        async with begun:  # a request that comes twice waits for what the first brings
            return await self._start(ride_id, wanted)

    async def _start(self, ride_id: RideId, wanted: Wanted) -> Ride:
        ride = await self._request(ride_id, wanted)
        if ride.state == "underway":
            return ride  # asked again
        try:
            client = self._node.client
            authorization_id = await partners.authorize(client, ride)
            await partners.collect(client, ride, wanted.reservation_id)
            at = await partners.unlock(client, ride)
        except (Refused, httpx.TransportError) as error:
            await self._cancel(ride_id, str(error))
            raise

        async def act(work: UnitOfWork) -> Ride:
            ride = await work.of(Ride).get(ride_id)
            if ride.state != "underway":  # nor begun by another copy of this service
                ride.authorize(authorization_id)
                begin(ride, await _bike(work, ride), at)
            return ride

        return await execute(self._store, act, publish=self.publisher)

    async def handle(self, report: BikeBrought) -> None:
        """End the ride of a bike that stands somewhere, if it was on one."""

        async def act(work: UnitOfWork) -> None:
            bike = await work.of(Bike).find(report.bike_id)
            if bike is not None and bike.ride_id is not None:
                ride = await work.of(Ride).get(bike.ride_id)
                bike_brought(report, bike, ride)

        await execute(self._store, act, publish=self.publisher)

    async def believe(self, ride_id: RideId, report: RideReport) -> None:
        """Accept a ride that began, from a trip history; a repeat changes nothing."""

        async def act(work: UnitOfWork) -> None:
            known = await work.of(Ride).find(ride_id)
            if known is not None:
                known.was_reported_again(report.at)
                return
            who, what = RiderId(report.rider_id), BikeId(report.bike_id)
            ride = Ride.request(ride_id, who, what, StationId(report.station_id))
            ride.authorize(HISTORY)
            bike = await _bike(work, ride)
            other = await work.of(Ride).get(bike.ride_id) if bike.ride_id else None
            begin_as_reported(work.of(Ride).add(ride), bike, other, report.at)

        await execute(self._store, act, publish=self.publisher)

    async def _request(self, ride_id: RideId, wanted: Wanted) -> Ride:
        async def act(work: UnitOfWork) -> Ride:
            found = await work.of(Ride).find(ride_id)
            who, what = RiderId(wanted.rider_id), BikeId(wanted.bike_id)
            start = StationId(wanted.station_id)
            if found is not None:
                found.check_wanted(who, what, start)
                return found
            ride = Ride.request(ride_id, who, what, start)
            (await _bike(work, ride)).check_free(ride_id)
            return work.of(Ride).add(ride)

        return await execute(self._store, act, publish=self.publisher)

    async def _cancel(self, ride_id: RideId, reason: str) -> None:
        async def act(work: UnitOfWork) -> None:
            (await work.of(Ride).get(ride_id)).cancel(reason)

        await execute(self._store, act, publish=self.publisher)


async def _bike(work: UnitOfWork, ride: Ride) -> Bike:
    bikes = work.of(Bike)
    return await bikes.find(ride.bike_id) or bikes.add(Bike(ride.bike_id))


def _ride(app: FastAPI, handlers: Handlers) -> None:
    @app.put("/rides/{ride_id}")
    async def start(ride_id: str, wanted: Wanted) -> RideView:
        return RideView.of(await handlers.start(RideId(ride_id), wanted))

    @app.post("/rides/{ride_id:path}/report", status_code=202)
    async def report(ride_id: str, report: RideReport) -> None:
        await handlers.believe(RideId(ride_id), report)


def _show(app: FastAPI, store: Store) -> None:
    @app.get("/rides/{ride_id:path}")
    async def show(ride_id: str) -> RideView:
        return RideView.of(await store.begin().of(Ride).get(ride_id))

    @app.get("/bikes/{bike_id}")
    async def show_bike(bike_id: str) -> BikeView:
        bike = await store.begin().of(Bike).find(bike_id)
        ride_id = bike.ride_id if bike is not None else None
        return BikeView(bike_id=bike_id, ride_id=ride_id, available=ride_id is None)
