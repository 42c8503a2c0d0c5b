"""The service of rides: it lets riders go, and ends a ride when its bike is docked.

To start a ride is a saga (chapter 06); it ends by events (chapter 05).
"""

from __future__ import annotations

import sqlite3
from asyncio import Lock
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
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
from movingparts.saga import Act, Progress, Sagas, Step
from movingparts.service import Limits, problem, refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute

Ask = Callable[[httpx.AsyncClient, dict[str, Any]], Awaitable[Any]]
HISTORY = AuthorizationId("history")
"""The authorization id of a ride from a trip history."""
TRIES = 5.0  # seconds for which new tries of a step begin
WAITS = timedelta(seconds=30)  # how long a rider waits at the dock; then it stays shut


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


class StuckView(BaseModel):
    """A ride of which nobody knows whether it can start, and why not."""

    ride_id: str
    reason: str


class Stuck(Exception):
    """Indefinite: a bike may be out of its dock. Somebody has to look."""


def rides(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the rides of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher, publisher.db)
    bus = on_the_bus(node, publisher, acl.READS, handlers.handle)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with bus(app):
            handlers.resume()
            yield

    limits = Limits(request=40.0)  # a saga takes less: each step has TRIES and a bit
    app = service(node, title="Rides", lifespan=lifespan, limits=limits)
    refuses(app, Refused, NotFound)

    @app.exception_handler(partners.Unpaid)
    async def unpaid(request: Request, error: partners.Unpaid) -> JSONResponse:
        return problem(402, str(error))

    @app.exception_handler(httpx.TransportError)
    async def silent(request: Request, error: httpx.TransportError) -> JSONResponse:
        return problem(503, f"the ride is cancelled: {error}")

    @app.exception_handler(Stuck)
    async def stuck(request: Request, error: Stuck) -> JSONResponse:
        return problem(503, str(error))

    _ride(app, handlers)
    _repair(app, handlers)
    _show(app, store)
    return app


class Handlers:
    """Handles the commands and messages of the service."""

    def __init__(
        self, node: Node, store: Store, publisher: Publisher, db: sqlite3.Connection
    ) -> None:
        self._node, self._store, self.publisher = node, store, publisher
        self._sagas = Sagas(db, node.clock, self._steps(), self._page)
        self._locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._errors: dict[str, Exception] = {}  # of the last step that failed, by ride
        self._starting: dict[str, str] = {}  # bike: the ride whose saga has not ended
        for ride_id in self._sagas.unfinished() + self._sagas.unfinished("stuck"):
            self._starting[self._sagas.load(ride_id).data["bike_id"]] = ride_id

    def _steps(self) -> Sequence[Step]:
        """Return what it takes to start a ride; unlock can't be taken back.

        A cancelled ride is published, and billing voids what it holds for it.
        """
        return (
            Step("request", self._request, self._cancel, TRIES),
            Step("authorize", self._ask(partners.authorize), self._cancel, TRIES),
            Step("collect", self._ask(partners.collect), self._put_back, TRIES),
            Step("unlock", self._ask(partners.unlock), limit=TRIES),
            Step("start", self._start, limit=TRIES),
        )

    # --- a ride starts ----------------------------------------------------------------

    async def start(self, ride_id: RideId, wanted: Wanted) -> Ride:
        """Let a rider go: the payment first, then the promise, then the bike.

        Raises `Refused` and `httpx.TransportError`, after which the ride is cancelled,
        and `Stuck`.
        """
        data = {"ride_id": ride_id, **wanted.model_dump()}
        async with self._lock(ride_id):  # one that comes twice waits for the first
            ride = await _requested(self._store.begin(), data)
            if ride.state == "underway":
                return ride  # asked again
            other = self._starting.setdefault(wanted.bike_id, ride_id)
            if other != ride_id:
                raise Refused(f"bike {wanted.bike_id} is on ride {other}")
            until = self._node.clock.now() + WAITS
            self._sagas.begin(ride_id, {**data, "until": until.isoformat()})
            return await self._run(ride_id)

    def resume(self) -> None:
        """Go on with the sagas that a crash has left."""
        for ride_id in self._sagas.unfinished():
            self._node.tasks.create_task(self._resume(ride_id), name=f"saga {ride_id}")

    async def _resume(self, ride_id: str) -> None:
        async with self._lock(ride_id):
            with suppress(Refused, httpx.TransportError, Stuck):  # nobody waits
                await self._run(ride_id)

    def stuck(self) -> list[StuckView]:
        """Return the rides that somebody has to look at."""
        stuck = map(self._sagas.load, self._sagas.unfinished("stuck"))
        return [StuckView(ride_id=each.saga, reason=each.reason) for each in stuck]

    async def retry(self, ride_id: RideId) -> Ride:
        """Let a stuck saga go on: somebody has removed the cause. Raises as `start`."""
        async with self._lock(ride_id):
            if ride_id not in self._sagas.unfinished("stuck"):
                raise NotFound(f"no ride {ride_id!r} is stuck")
            self._sagas.retry(ride_id)
            return await self._run(ride_id)

    def _lock(self, ride_id: str) -> Lock:
        return self._locks.setdefault(ride_id, Lock())

    async def _run(self, ride_id: str) -> Ride:
        """Take a saga to its end, and return the ride or raise why there is none."""
        progress = await self._sagas.run(ride_id)
        error = self._errors.pop(ride_id, None)
        if progress.state == "stuck":
            raise Stuck(
                f"ride {ride_id} is stuck, until somebody looks: {progress.reason}"
            )
        self._starting.pop(progress.data["bike_id"], None)
        if progress.state == "undone":
            raise error or Refused(f"ride {ride_id} is cancelled: {progress.reason}")
        return await self._store.begin().of(Ride).get(ride_id)

    def _page(self, progress: Progress) -> None:
        self._node.logs.append(f"ride {progress.saga} is stuck: {progress.reason}")

    # --- its steps --------------------------------------------------------------------

    async def _request(self, key: str, data: dict[str, Any]) -> None:
        await self._execute(partial(_requested, data=data))

    def _ask(self, ask: Ask) -> Act:
        async def act(key: str, data: dict[str, Any]) -> Any:
            try:
                return await ask(self._node.client, data)
            except (Refused, httpx.TransportError) as error:
                self._errors[data["ride_id"]] = error
                raise

        return act

    async def _start(self, key: str, data: dict[str, Any]) -> None:
        async def act(work: UnitOfWork) -> None:
            ride = await work.of(Ride).get(data["ride_id"])
            if ride.state == "requested":  # else it was started before
                ride.authorize(AuthorizationId(data["authorize"]))
                at = datetime.fromisoformat(data["unlock"])
                begin(ride, await _bike(work, ride), at)

        await self._execute(act)

    async def _put_back(self, key: str, data: dict[str, Any]) -> None:
        await partners.put_back(self._node.client, data)

    async def _cancel(self, key: str, data: dict[str, Any]) -> None:
        reason = self._sagas.load(data["ride_id"]).reason

        async def act(work: UnitOfWork) -> None:
            ride = await work.of(Ride).find(data["ride_id"])
            if ride is not None:
                ride.cancel(reason)

        await self._execute(act)

    # --- what else happens ------------------------------------------------------------

    async def handle(self, report: BikeBrought) -> None:
        """End the ride of a bike that stands somewhere, if it was on one.

        If its ride has not started yet, as far as this service knows, keep the report.
        """

        async def act(work: UnitOfWork) -> None:
            bike = await work.of(Bike).find(report.bike_id)
            if bike is not None and bike.ride_id is not None:
                ride = await work.of(Ride).get(bike.ride_id)
                bike_brought(report, bike, ride)
            starting = self._starting.get(report.bike_id)
            early = await work.of(Ride).find(RideId(starting)) if starting else None
            if early is not None:  # its saga has got as far as the request
                early.note_early(report)

        await self._execute(act)

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

        await self._execute(act)

    async def _execute(self, act: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        await execute(self._store, act, publish=self.publisher)


async def _requested(work: UnitOfWork, data: dict[str, Any]) -> Ride:
    """Return the ride as it was requested, now or before; raise `Refused`."""
    ride_id, start = RideId(data["ride_id"]), StationId(data["station_id"])
    who, what = RiderId(data["rider_id"]), BikeId(data["bike_id"])
    found = await work.of(Ride).find(ride_id)
    if found is not None:
        found.check_wanted(who, what, start)
        return found
    ride = Ride.request(ride_id, who, what, start)
    (await _bike(work, ride)).check_free(ride_id)
    return work.of(Ride).add(ride)


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


def _repair(app: FastAPI, handlers: Handlers) -> None:
    @app.get("/stuck-rides")
    async def stuck() -> list[StuckView]:
        return handlers.stuck()

    @app.post("/stuck-rides/{ride_id}/retry")
    async def retry(ride_id: str) -> RideView:
        return RideView.of(await handlers.retry(RideId(ride_id)))


def _show(app: FastAPI, store: Store) -> None:
    @app.get("/rides/{ride_id:path}")
    async def show(ride_id: str) -> RideView:
        return RideView.of(await store.begin().of(Ride).get(ride_id))

    @app.get("/bikes/{bike_id}")
    async def show_bike(bike_id: str) -> BikeView:
        bike = await store.begin().of(Bike).find(bike_id)
        ride_id = bike.ride_id if bike is not None else None
        return BikeView(bike_id=bike_id, ride_id=ride_id, available=ride_id is None)
