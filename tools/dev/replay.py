"""Replay a city's trips into an event store on disk, and bring views up from it.

`make replay TRIPS=202406-tripdata.csv.zip ZONE=America/New_York`; without a file, five
days of Larkhaven. The views are the map of chapter 07, the places of bikes that a GBFS
feed needs, and the fares of each day. In the end, bikes are counted, and the feed is
validated. All files are in .movingparts/replay.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

import httpx
from fastapi import FastAPI

from movingparts.city.gbfs import StationStatus, Stop, System, VehicleStatus, feed
from movingparts.city.gbfs_validation import feed_errors
from movingparts.city.ride import Ride
from movingparts.city.synthetic import FIRST_DAY, TIMEZONE, larkhaven, write_trips
from movingparts.city.trips import TripsError, read_trips
from movingparts.eventstore import SqliteEventStore, StoredEvent
from movingparts.eventstore.protocol import stored
from movingparts.projection import BATCH, Projection
from movingparts.scenes.ch08.day import appends
from movingparts.scenes.ch08.own import happenings, odd
from movingparts.world.local.clock import RealClock
from tools.dev.bar import Bar

FOLDER = Path(".movingparts/replay")
DAYS = 5  # of Larkhaven
TOGETHER = 1000  # appends in one transaction
URL = "http://feed.example"

STATIONS = """CREATE TABLE stations (
    station TEXT PRIMARY KEY, bikes INTEGER NOT NULL, at TEXT NOT NULL)"""
CHANGE = """INSERT INTO stations VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET bikes = bikes + ?2, at = ?3"""
BIKES = """CREATE TABLE bikes (
    bike TEXT PRIMARY KEY, station TEXT, trips INTEGER NOT NULL)"""
LEAVES = "UPDATE bikes SET station = NULL WHERE bike = ?"
STANDS = """INSERT INTO bikes VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET station = ?2, trips = trips + ?3"""
FARES = "CREATE TABLE fares (day TEXT PRIMARY KEY, rides INTEGER, cents INTEGER)"
CHARGE = """INSERT INTO fares VALUES (?1, 1, ?2)
    ON CONFLICT DO UPDATE SET rides = rides + 1, cents = cents + ?2"""


def count(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change how many bikes are at a station."""
    data = event.data
    if event.type in ("RideStarted", "BikeMoved"):
        left = data.get("from", data["station"])
        db.execute(CHANGE, (left, -1, data["at"]))
    if event.type in ("BikePlaced", "RideEnded", "BikeMoved"):
        db.execute(CHANGE, (data["station"], 1, data["at"]))


def stand(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change where a bike is, and how many trips it has ended."""
    if event.type == "RideStarted":
        db.execute(LEAVES, (event.data["bike"],))
    elif event.type != "FareCharged":
        ended = event.type == "RideEnded"
        db.execute(STANDS, (event.data["bike"], event.data["station"], ended))


def charge(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Add a fare to those of its day."""
    if event.type == "FareCharged":
        db.execute(CHARGE, (event.data["at"][:10], event.data["cents"]))


VIEWS = {"map": (count, STATIONS), "bikes": (stand, BIKES), "fares": (charge, FARES)}


class Places:
    """What the feed asks for, from the views `map` and `bikes`."""

    def __init__(self, city: sqlite3.Connection, bikes: sqlite3.Connection) -> None:
        self._map, self._bikes = city, bikes

    @property
    def as_of(self) -> datetime | None:
        """The time of the newest event of a station."""
        (at,) = self._map.execute("SELECT max(at) FROM stations").fetchone()
        return datetime.fromisoformat(at) if at else None

    def stations(self) -> Iterator[StationStatus]:
        """Yield what stands at each station; nobody knows how many docks it has."""
        for station, bikes, at in self._map.execute("SELECT * FROM stations"):
            yield StationStatus(station, bikes, None, datetime.fromisoformat(at))

    def vehicles(self) -> Iterator[VehicleStatus]:
        """Yield the bikes that nobody rides."""
        there = "SELECT bike, trips, station FROM bikes WHERE station IS NOT NULL"
        for row in self._bikes.execute(there):
            yield VehicleStatus(*row)


def rides_of(path: Path | None, zone: str | None) -> tuple[Iterator[Ride], int, str]:
    """Return the rides in the order of their start, how many, and the time zone.

    Raises `TripsError`.
    """
    if path is None:
        path, zone, city = FOLDER / "larkhaven.csv", TIMEZONE, larkhaven(seed=7)
        days = [FIRST_DAY + timedelta(days=n) for n in range(DAYS)]
        rides = chain.from_iterable(map(city.rides, days))
        write_trips(rides, path, layout="urban-sharing")
    trips = read_trips(path, timezone=zone)
    found = trips.by_time()
    first = next(found, None)  # all are read and sorted before it comes
    print(trips.report)
    if first is None:
        raise TripsError(f"{path} has no ride that can be used")
    return chain([first], found), trips.report.usable, zone or "UTC"


def noted(rides: Iterable[Ride], stops: dict[str, Stop], bar: Bar) -> Iterator[Ride]:
    """Yield the rides, note where stations are, and show how far it is."""

    def note(at: str, name: str | None, lat: float | None, lon: float | None) -> None:
        if at not in stops and lat is not None and lon is not None:
            stops[at] = Stop(at, name or at, lat, lon)

    for number, ride in enumerate(rides, start=1):
        start, end = ride.start_station_id, ride.end_station_id
        note(start, ride.start_station_name, ride.start_lat, ride.start_lon)
        note(end, ride.end_station_name, ride.end_lat, ride.end_lon)
        yield ride
        bar.draw(number)


def append(store: SqliteEventStore, rides: Iterable[Ride]) -> None:
    """Append all events, many appends in each transaction."""
    todo = appends(happenings(rides))
    while some := list(islice(todo, TOGETHER)):
        with store.transaction():
            for stream, events, version in some:
                store.add(stream, events, expected_version=version)


async def project(log: SqliteEventStore, views: Iterable[Projection]) -> None:
    """Bring each view up to the end of the log."""
    todo, done = [*views], 0
    bar = Bar(len(todo) * log.position, "events in views")
    for view in todo:
        while events := await log.read_all(from_position=view.position, limit=BATCH):
            view.save(events)
            done += len(events)
            bar.draw(done)


def every_event(db: sqlite3.Connection) -> Iterator[StoredEvent]:
    """Yield the log's events in their order, without keeping them all."""
    rows = db.execute("SELECT * FROM events ORDER BY position")
    while some := rows.fetchmany(BATCH):
        yield from stored(some)


async def validated(view: Places, zone: str, stops: Iterable[Stop]) -> list[str]:
    """Return what is wrong with the feed that is made from the views."""
    names = {"system_id": "replayed", "name": "Replayed", "email": "feed@example.com"}
    about = System(**names, timezone=zone, url=URL, stops=tuple(stops), secret=b"none")
    app = FastAPI()
    app.include_router(feed(view, about))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        return await feed_errors(client, f"{URL}/gbfs.json")


async def replay(path: Path | None, zone: str | None) -> int:
    """Replay all rides, print a tally, and return how much is wrong."""
    began = time.monotonic()
    rides, count, zone = rides_of(path, zone)
    with ExitStack() as files:

        def opened(name: str) -> sqlite3.Connection:
            db = files.enter_context(
                closing(sqlite3.connect(FOLDER / f"{name}.sqlite"))
            )
            db.execute("PRAGMA journal_mode=WAL")
            return db

        log, stops = SqliteEventStore(opened("log"), RealClock()), dict[str, Stop]()
        append(log, noted(rides, stops, Bar(count, "rides")))
        dbs = {name: opened(name) for name in VIEWS}
        views = [Projection(dbs[n], by, tables=[t]) for n, (by, t) in VIEWS.items()]
        await project(log, views)
        wrong = [*odd(every_event(log.db)), *off(dbs)]
        feed = Places(dbs["map"], dbs["bikes"])
        errors = await validated(feed, zone, stops.values())
        took = time.monotonic() - began
        print(f"{log.position:,} events, in {len(views)} views, in {took:.1f} s")
        print(tally(dbs))
    print(
        f"{len(wrong)} bikes in two places or in none, {len(errors)} errors in the feed"
    )
    for what in wrong[:10] + errors[:10]:
        print(f"wrong: {what}")
    return len(wrong) + len(errors)


def tally(dbs: Mapping[str, sqlite3.Connection]) -> str:
    """Return what is in the views."""
    (stations,) = dbs["map"].execute("SELECT count(*) FROM stations").fetchone()
    (bikes,) = dbs["bikes"].execute("SELECT count(*) FROM bikes").fetchone()
    (cents,) = dbs["fares"].execute("SELECT sum(cents) FROM fares").fetchone()
    return f"{bikes:,} bikes, {stations:,} stations, fares of {cents / 100:,.2f}"


def off(dbs: Mapping[str, sqlite3.Connection]) -> Iterator[str]:
    """Yield each station at which the views `map` and `bikes` don't agree."""
    there = "SELECT station, count(*) FROM bikes WHERE station NOTNULL GROUP BY station"
    bikes = dict(dbs["bikes"].execute(there))
    for station, count in dbs["map"].execute("SELECT station, bikes FROM stations"):
        if count != bikes.get(station, 0):
            yield f"{station}: {count} bikes on the map, {bikes.get(station, 0)} stand"


def main() -> int:
    """Run; 0 when no bike is lost and the feed is valid."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("trips", type=Path, nargs="?", help=".csv, .csv.gz or .zip")
    parser.add_argument("--zone", help="the city's time zone, as America/New_York")
    given = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        return 1 if asyncio.run(replay(given.trips, given.zone)) else 0
    except TripsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
