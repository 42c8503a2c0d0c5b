"""A day in Larkhaven: the view of where its bikes stand, for others than its own apps.

Source: chapter 07. Leaves out: vans, and rides of bikes that a van had to bring first.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from movingparts.city.gbfs import StationStatus, Stop, System, VehicleStatus
from movingparts.city.ride import Ride
from movingparts.city.synthetic import larkhaven
from movingparts.eventstore import StoredEvent
from movingparts.projection import Projection

CITY = larkhaven(seed=1, bikes=120, rides=400)
MIDNIGHT = datetime(2026, 5, 31, 23, tzinfo=UTC)  # on the clocks of Larkhaven
EVERY = timedelta(minutes=2)
STOPS = tuple(
    Stop(each.station_id, each.name, each.lat, each.lon, each.capacity)
    for each in CITY.stations
)
SYSTEM = System(
    "larkhaven",
    "Larkhaven",
    CITY.timezone,
    "http://map",
    "map@larkhaven.example",
    STOPS,
    secret=b"known to the map service only",
)
DOCKS = {each.station_id: each.capacity for each in CITY.stations}
TABLES = (
    """CREATE TABLE bikes
       (bike TEXT PRIMARY KEY, station TEXT, trips INTEGER NOT NULL)""",
    "CREATE TABLE newest (station TEXT PRIMARY KEY, at TEXT NOT NULL)",
)
DOCK = """INSERT INTO bikes VALUES (?1, ?2, 0)
    ON CONFLICT DO UPDATE SET station = ?2, trips = trips + 1"""
LEAVE = "UPDATE bikes SET station = NULL WHERE bike = ?1"
NEWEST = "INSERT OR REPLACE INTO newest VALUES (?, ?)"
PARKED = "SELECT bike, trips, station FROM bikes WHERE station IS NOT NULL"
COUNTED = """SELECT newest.station, count(bike), at
    FROM newest LEFT JOIN bikes USING (station) GROUP BY newest.station"""


def place_bikes(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change the view for one event: where the bike stands, and its trips so far."""
    bike, station = event.data["bike"], event.data["station"]
    if event.type == "BikeDocked":
        db.execute(DOCK, (bike, station))
    else:
        db.execute(LEAVE, (bike,))
    db.execute(NEWEST, (station, event.data["at"]))


class Bikes:
    """The view of where all bikes stand, for Larkhaven's apps and for a public feed.

    `as_of` is when it last had everything, as on page 4 of chapter 07.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._projection = Projection(db, place_bikes, tables=TABLES)
        self.as_of: datetime | None = None

    def save(self, events: list[StoredEvent], as_of: datetime) -> None:
        """Apply all events up to that time."""
        self._projection.save(events)
        self.as_of = as_of

    def vehicles(self) -> Iterator[VehicleStatus]:
        """Yield the bikes that nobody rides."""
        for bike, trips, station in self._db.execute(PARKED):
            yield VehicleStatus(bike, trips, station_id=station)

    def stations(self) -> Iterator[StationStatus]:
        """Yield what stands at each station."""
        for station, bikes, at in self._db.execute(COUNTED):
            free = max(0, DOCKS[station] - bikes)
            yield StationStatus(station, bikes, free, datetime.fromisoformat(at))


def rides() -> Iterator[Ride]:
    """Yield the day's rides, but none of a bike that a van had to bring first."""
    places = {bike.bike_id: bike.station_id for bike in CITY.bikes}
    for ride in CITY.rides():
        bike = str(ride.bike_id)
        if places[bike] == ride.start_station_id:
            places[bike] = ride.end_station_id
            yield ride


def log_of_a_day() -> list[StoredEvent]:
    """Return what the docks report on a Monday, in order."""
    found = [(MIDNIGHT, "BikeDocked", b.bike_id, b.station_id) for b in CITY.bikes]
    for ride in rides():
        bike = str(ride.bike_id)
        found.append((ride.started_at, "BikeLeft", bike, ride.start_station_id))
        found.append((ride.ended_at, "BikeDocked", bike, ride.end_station_id))
    return [
        StoredEvent(n, station, n, f"E{n}", kind, _data(at, bike, station))
        for n, (at, kind, bike, station) in enumerate(sorted(found), start=1)
    ]


def _data(at: datetime, bike: str, station: str) -> dict[str, str]:
    return {"bike": bike, "station": station, "at": at.isoformat()}


def two_minutes() -> Iterator[Bikes]:
    """Yield the view as it is every two minutes of the day, from midnight on."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        view, log = Bikes(db), deque(log_of_a_day())
        for number in range(24 * 60 // 2):
            at, now = MIDNIGHT + number * EVERY, []
            while log and log[0].data["at"] <= at.isoformat():
                now.append(log.popleft())
            view.save(now, at)
            yield view
