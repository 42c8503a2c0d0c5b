"""Rides in order of start, sorted on disk: any number of them, in constant memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from movingparts.city.ride import Ride
from movingparts.city.trips.file import TripsError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def sorted_on_disk(
    rides: Iterable[Ride], name: str, repeated: Callable[[int, str], None]
) -> Iterator[Ride]:
    """All rides in order of start, those that start together in the order given.

    Before the first one, ``repeated`` is called with how many rides had the id of
    another, and one such id, if any had. SQLite deletes its file when the iterator
    ends, is closed or dropped, or when the process is killed.

    Raises: TripsError where the disk is full; ``name`` says of what.
    """
    # An empty name is SQLite's private temporary database: a file that nobody else
    # can open and that goes with its connection (sqlite.org/inmemorydb.html).
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        try:
            _store(database, rides)
            for count, example in database.execute(_SELECT_REPEATED).fetchall():
                if count:
                    repeated(count, example)
            for row in database.execute(_SELECT_BY_TIME):
                yield _from_row(_Row(*row[1:]))
        except sqlite3.OperationalError as error:
            raise TripsError(
                f"{name} can't be sorted on disk ({error}); "
                "point SQLITE_TMPDIR at a folder with twice the room that it takes"
            ) from error


class _Row(NamedTuple):
    """A ride as SQLite keeps it: instants in microseconds since 1970."""

    started: int
    ended: int
    ride_id: str
    start_station_id: str
    end_station_id: str
    start_station_name: str | None
    end_station_name: str | None
    start_lat: float | None
    start_lon: float | None
    end_lat: float | None
    end_lon: float | None
    bike_type: str | None
    member: int | None


# The order of the columns is the order of _Row's fields.
_CREATE = """
CREATE TABLE rides (
    position INTEGER PRIMARY KEY,
    started INTEGER, ended INTEGER, ride_id TEXT,
    start_station_id TEXT, end_station_id TEXT,
    start_station_name TEXT, end_station_name TEXT,
    start_lat REAL, start_lon REAL, end_lat REAL, end_lon REAL,
    bike_type TEXT, member INTEGER
)"""
_INSERT = "INSERT INTO rides VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT_BY_TIME = "SELECT * FROM rides ORDER BY started, position"
_SELECT_REPEATED = """
SELECT COALESCE(SUM(n - 1), 0), MIN(ride_id)
FROM (SELECT ride_id, COUNT(*) AS n FROM rides GROUP BY ride_id HAVING n > 1)"""


def _store(database: sqlite3.Connection, rides: Iterable[Ride]) -> None:
    # Nothing here has to survive a crash; 8 MiB of cache, the rest on disk.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8192"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(_CREATE)
    database.execute("BEGIN")
    database.executemany(_INSERT, map(_to_row, rides))
    database.execute("COMMIT")


def _to_row(ride: Ride) -> _Row:
    return _Row(
        (ride.started_at - _EPOCH) // _MICROSECOND,
        (ride.ended_at - _EPOCH) // _MICROSECOND,
        ride.ride_id,
        ride.start_station_id,
        ride.end_station_id,
        ride.start_station_name,
        ride.end_station_name,
        ride.start_lat,
        ride.start_lon,
        ride.end_lat,
        ride.end_lon,
        ride.bike_type,
        ride.member,
    )


def _from_row(row: _Row) -> Ride:
    member = None if row.member is None else bool(row.member)
    return Ride(
        row.ride_id,
        _EPOCH + row.started * _MICROSECOND,
        _EPOCH + row.ended * _MICROSECOND,
        *row[3:-1],
        member=member,
    )
