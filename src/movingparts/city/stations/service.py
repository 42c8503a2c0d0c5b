"""The service of stations: docks report to it, and it has docks let go of bikes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import httpx
from fastapi import FastAPI, Request
from pydantic import BaseModel

from movingparts.city.stations import acl, contract
from movingparts.city.stations.model import (
    STRANGE_STATION,
    Bike,
    BikeId,
    Docked,
    DockId,
    DockState,
    Refused,
    Report,
    RideId,
    Station,
    StationId,
    Taken,
    Unlock,
    bike_docked,
    bike_let_go,
    bike_taken,
)
from movingparts.core import Node
from movingparts.published_language import Instant, Publisher, announcing, on_the_bus
from movingparts.repository import NotFound
from movingparts.service import problem, refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute


class Docks(BaseModel):
    """The docks of a station, by their ids."""

    docks: list[str]


class BikeWanted(BaseModel):
    """Which bike is to be let go, for which ride, and until when that is any use."""

    ride_id: str
    bike_id: str
    until: Instant


class LetGo(BaseModel):
    """Which bike was let go, and when."""

    bike_id: str
    at: Instant


class StationView(BaseModel):
    """A station as it stands."""

    station_id: str
    docks: dict[str, str | None]
    jammed: list[str]
    beside: list[str]
    free_docks: int
    available: int

    @classmethod
    def of(cls, station: Station) -> StationView:
        """Return a station as the API shows it."""
        docked = [bike for bike in station.docks.values() if bike is not None]
        return cls(
            station_id=station.station_id,
            docks={str(dock): bike for dock, bike in station.docks.items()},
            jammed=list(station.jammed),
            beside=list(station.beside),
            free_docks=len(station.free_docks()),
            available=sum(station.is_available(bike) for bike in docked),
        )


class BikeView(BaseModel):
    """Where a bike is, and whether it is locked in a working dock."""

    bike_id: str
    station_id: str | None
    available: bool


class TripReport(BaseModel):
    """A report in our own words, as from a history of trips."""

    what: Literal["docked", "taken"]
    bike_id: str
    station_id: str
    at: Instant


def stations(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the docks of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    bus = on_the_bus(node, publisher)
    app = service(node, title="Stations", lifespan=bus)
    refuses(app, Refused, NotFound)
    handlers = Handlers(node, store, publisher)
    _take_commands(app, handlers)
    _take_reports(app, node, handlers)
    _show(app, store)
    return app


class Handlers:
    """Handles the commands and reports of the service."""

    def __init__(self, node: Node, store: Store, publisher: Publisher) -> None:
        self._node, self._store, self._publisher = node, store, publisher

    async def install(self, station_id: StationId, docks: tuple[DockId, ...]) -> None:
        """Have a station with these docks; raises `Refused`."""
        docks = tuple(dict.fromkeys(docks))  # named twice, it is one dock

        async def act(work: UnitOfWork) -> None:
            station = await work.of(Station).find(station_id)
            if station is None:
                work.of(Station).add(Station.install(station_id, docks))
            else:
                station.refit(docks)

        await execute(self._store, act, publish=self._publisher)

    async def unlock(self, station_id: StationId, wanted: BikeWanted) -> datetime:
        """Have a dock let go of a bike, once for each ride, and note that it did.

        Raises `Refused` and `NotFound`, after which the dock has not let go and will
        not, and `httpx.TransportError`, after which it may have: ask again.
        """
        ride_id, bike_id = RideId(wanted.ride_id), BikeId(wanted.bike_id)

        async def want(work: UnitOfWork) -> Unlock:
            known = await work.of(Unlock).find(ride_id)
            if known is not None:
                return known
            here = await work.of(Station).get(station_id)
            new = Unlock.want(ride_id, here, bike_id, wanted.until)
            return work.of(Unlock).add(new)

        # Saved before the dock is asked, so that a second request is known again.
        unlock = await execute(self._store, want, publish=self._publisher)
        if (at := unlock.answer()) is not None:
            return at
        try:
            at = await acl.open_dock(self._node.client, unlock)
        except Refused as no:
            await self._answered(unlock, str(no))
            raise
        await self._answered(unlock, at)
        return at

    async def _answered(self, unlock: Unlock, answer: datetime | str) -> None:
        async def act(work: UnitOfWork) -> None:
            mine = await work.of(Unlock).get(unlock.key)
            if mine.refusal or mine.at:
                return  # a copy of the request was faster
            if isinstance(answer, str):
                mine.refuse(answer)
                return
            mine.let_go(answer)
            here = await work.of(Station).get(unlock.station_id)
            bike_let_go(await work.of(Bike).get(unlock.bike_id), here, answer)

        await execute(self._store, act, publish=self._publisher)

    async def report(self, reports: Sequence[Report]) -> None:
        """Handle reports of the vendor, or of a trip history, in order.

        Each is one unit of work, so its events are published before the next.
        """
        for report in reports:
            act = partial(_believed, report=report)
            await execute(self._store, act, publish=self._publisher)


async def _believed(work: UnitOfWork, report: Report) -> None:
    if isinstance(report, DockState):
        station = await _station(work, report)
        change = station.jam if report.jammed else station.clear
        change(report.dock_id, report.at)
    else:
        await _moved(work, report)


async def _moved(work: UnitOfWork, report: Docked | Taken) -> None:
    bikes, before = work.of(Bike), None
    bike = await bikes.find(report.bike_id) or bikes.add(Bike(report.bike_id))
    if bike.station_id is not None:  # others must learn first that it has left
        before = await work.of(Station).get(bike.station_id)
    here = await _station(work, report)
    if isinstance(report, Taken):
        bike_taken(report, bike, here, before)
        return
    held = here.docks.get(report.dock_id) if report.dock_id else None
    other = await bikes.get(held) if held not in (None, report.bike_id) else None
    bike_docked(report, bike, here, before, other)


async def _station(work: UnitOfWork, report: Report) -> Station:
    """Return the station that a report speaks of; a strange one has no docks yet."""
    found = await work.of(Station).find(report.station_id)
    if found is None:
        found = work.of(Station).add(Station.install(report.station_id, ()))
        if not isinstance(report, DockState):
            found.note(report.bike_id, report.at, STRANGE_STATION)
    return found


def _take_commands(app: FastAPI, handlers: Handlers) -> None:
    @app.put("/stations/{station_id:path}", status_code=204)
    async def install(station_id: str, body: Docks) -> None:
        await handlers.install(StationId(station_id), tuple(map(DockId, body.docks)))

    @app.post("/stations/{station_id:path}/unlocks")
    async def unlock(station_id: str, body: BikeWanted) -> LetGo:
        at = await handlers.unlock(StationId(station_id), body)
        return LetGo(bike_id=body.bike_id, at=at)

    @app.exception_handler(httpx.TransportError)
    async def silent(request: Request, error: httpx.TransportError) -> Any:
        return problem(504, "the dock did not answer: it may have let go")


def _take_reports(app: FastAPI, node: Node, handlers: Handlers) -> None:
    @app.post("/docklink", status_code=202)
    async def from_the_vendor(message: dict[str, Any]) -> dict[str, int]:
        """Take a message of the vendor; what cannot be read is kept in the log."""
        found = acl.translate(message)
        unread = [each for each in found if isinstance(each, acl.Unreadable)]
        node.logs.extend(f"unreadable: {each.why}: {each.text}" for each in unread)
        reports = [each for each in found if not isinstance(each, acl.Unreadable)]
        await handlers.report(reports)
        return {"read": len(reports), "unread": len(unread)}

    @app.post("/reports", status_code=202)
    async def from_us(report: TripReport) -> None:
        bike, station = BikeId(report.bike_id), StationId(report.station_id)
        if report.what == "docked":
            await handlers.report([Docked(bike, station, None, report.at)])
        else:
            await handlers.report([Taken(bike, station, report.at)])


def _show(app: FastAPI, store: Store) -> None:
    @app.get("/stations/{station_id:path}")
    async def show(station_id: str) -> StationView:
        return StationView.of(await store.begin().of(Station).get(station_id))

    @app.get("/bikes/{bike_id}")
    async def show_bike(bike_id: str) -> BikeView:
        work = store.begin()
        bike = await work.of(Bike).get(bike_id)
        at = bike.station_id
        station = await work.of(Station).get(at) if at else None
        available = station is not None and station.is_available(bike.bike_id)
        return BikeView(bike_id=bike_id, station_id=at, available=available)
