"""A public feed in GBFS 3.0: which stations there are, and what stands there now.

A trip planner reads these five files. They are made from rows that a view gives; how
the view got its rows, nothing here knows.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, HTTPException

VERSION = "3.0"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """A public station, and where it is; `lat` and `lon` in degrees (WGS 84).

    `capacity` is its number of docks, or None where nobody knows.

    >>> Stop("S01", "Town Hall", 49.6, -6.95, capacity=28).name
    'Town Hall'
    """

    station_id: str
    name: str
    lat: float
    lon: float
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class StationStatus:
    """What stands at a station: bikes to rent, and free docks (None: nobody knows).

    `at` is the time of the newest event that counts in it.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> StationStatus("S01", 3, 25, at).bikes
    3
    """

    station_id: str
    bikes: int
    docks_free: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class VehicleStatus:
    """A bike that nobody rides now: at a station, or else at a position in degrees.

    `trips` is how many it has ended.

    >>> VehicleStatus("B0001", trips=7, station_id="S01").reserved
    False
    """

    vehicle_id: str
    trips: int
    station_id: str | None = None
    lat: float | None = None
    lon: float | None = None
    reserved: bool = False
    disabled: bool = False

    def __post_init__(self) -> None:
        if self.station_id is None and None in (self.lat, self.lon):
            raise ValueError(f"{self.vehicle_id} needs a station_id, or lat and lon")


class View(Protocol):
    """What a feed is made from: one row for each station, one for each parked bike."""

    @property
    def as_of(self) -> datetime | None:
        """The time up to which the view has all events; None before the first."""

    def stations(self) -> Iterable[StationStatus]:
        """Return what stands at each station."""

    def vehicles(self) -> Iterable[VehicleStatus]:
        """Return the bikes that nobody rides."""


@dataclass(frozen=True, slots=True)
class System:
    """Who publishes the feed, and what does not change with every ride.

    Only the `stops` are published: a station that is none of them is private, and so
    is what stands there. `url` is the feed's public address, without a slash at its
    end; `timezone` is an IANA name; `ttl` says in how many seconds to ask again.
    `secret` hides which bike is which, and must stay the same.
    """

    system_id: str
    name: str
    timezone: str
    url: str
    email: str
    stops: tuple[Stop, ...]
    secret: bytes = field(repr=False)
    language: str = "en"
    opening_hours: str = "24/7"
    ttl: int = 60


Row = TypeVar("Row", StationStatus, VehicleStatus)


class NothingKnown(LookupError):
    """A view that no event has reached: there is no state yet, and so no feed."""


def gbfs(view: View, system: System) -> Document:
    """Return the file that lists the others by name and address."""
    feeds = [{"name": n, "url": f"{system.url}/{n}.json"} for n in FILES if n != "gbfs"]
    return _document(view, system, {"feeds": feeds})


def system_information(view: View, system: System) -> Document:
    """Return who runs the system, and when it is open."""
    data = {
        "system_id": system.system_id,
        "languages": [system.language],
        "name": _text(system, system.name),
        "opening_hours": system.opening_hours,
        "feed_contact_email": system.email,
        "timezone": system.timezone,
    }
    return _document(view, system, data)


def station_information(view: View, system: System) -> Document:
    """Return where the public stations are."""
    stations = [
        _known(
            station_id=_id(stop.station_id),
            name=_text(system, stop.name),
            lat=round(stop.lat, 6),
            lon=round(stop.lon, 6),
            capacity=stop.capacity,
        )
        for stop in system.stops
    ]
    return _document(view, system, {"stations": stations})


def station_status(view: View, system: System) -> Document:
    """Return how many bikes and free docks the public stations have."""
    stations = [
        _known(
            station_id=_id(row.station_id),
            num_vehicles_available=row.bikes,
            num_docks_available=row.docks_free,
            is_installed=True,
            is_renting=True,
            is_returning=True,
            last_reported=_time(row.at),
        )
        for row in _public(view.stations(), system)
    ]
    return _document(view, system, {"stations": stations})


def vehicle_status(view: View, system: System) -> Document:
    """Return the bikes in public, under ids that change with each trip."""
    vehicles = [
        _known(
            vehicle_id=public_id(row, system.secret),
            station_id=row.station_id and _id(row.station_id),
            lat=row.lat and round(row.lat, 6),
            lon=row.lon and round(row.lon, 6),
            is_reserved=row.reserved,
            is_disabled=row.disabled,
        )
        for row in _public(view.vehicles(), system)
    ]
    # In the view's order, a bike could be followed by its place in the list.
    vehicles.sort(key=lambda each: str(each["vehicle_id"]))
    return _document(view, system, {"vehicles": vehicles})


def public_id(vehicle: VehicleStatus, secret: bytes) -> str:
    """Return the id that a bike has in public until its next trip ends.

    With a lasting id, anybody could follow a bike from one rider's home to
    work. This one looks random to all who lack the secret. It needs no table,
    and is the same when the view is built again.
    """
    bike_and_trip = f"{vehicle.trips}/{vehicle.vehicle_id}".encode()
    return hmac.digest(secret, bike_and_trip, "sha256").hex()[:32]


FILES: Mapping[str, Callable[[View, System], Document]] = {
    "gbfs": gbfs,
    "system_information": system_information,
    "station_information": station_information,
    "station_status": station_status,
    "vehicle_status": vehicle_status,
}


def feed(view: View, system: System) -> APIRouter:
    """Return the routes of the feed, to include in a service that only answers queries.

    `GET /gbfs.json` names the other files. Before the first event, all answer 503.

    Source: GBFS 3.0, github.com/MobilityData/gbfs/blob/v3.0/gbfs.md. Leaves out:
    vehicle types, so that readers take every bike for one without a motor; closed and
    dismantled stations; counts of faulty bikes and docks; a second language; links into
    an app; when a bike last reported. A rotating id does not hide who left one quiet
    station for another.
    """
    router = APIRouter()

    @router.get("/{name}.json")
    async def file(name: str) -> Document:
        if name not in FILES:
            raise HTTPException(404, f"this feed has no {name}.json; see gbfs.json")
        try:
            return FILES[name](view, system)
        except NothingKnown as error:
            raise HTTPException(503, str(error)) from error

    return router


def _document(view: View, system: System, data: Document) -> Document:
    """Return a file with its header, which says how old the view is, not the answer."""
    if view.as_of is None:
        raise NothingKnown("no event has reached the view yet")
    return {
        "last_updated": _time(view.as_of),
        "ttl": system.ttl,
        "version": VERSION,
        "data": data,
    }


def _time(at: datetime) -> str:
    """Return a time as RFC 3339 wants it, in UTC."""
    if at.utcoffset() is None:
        raise ValueError(f"{at} must be aware; give it tzinfo=datetime.UTC")
    return at.astimezone(UTC).isoformat()


def _id(name: str) -> str:
    """Return an id without spaces, which GBFS forbids and trip histories contain."""
    return quote(name, safe=":@/")


def _public(rows: Iterable[Row], system: System) -> list[Row]:
    """Return the rows that concern no private station."""
    public = {None, *(stop.station_id for stop in system.stops)}
    return [row for row in rows if row.station_id in public]


def _text(system: System, text: str) -> list[dict[str, str]]:
    return [{"text": text, "language": system.language}]


def _known(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
