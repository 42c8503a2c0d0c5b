"""Rides written as a trip history, for readers without real data at hand."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from os import PathLike, fspath
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from movingparts.city.ride import Ride
from movingparts.city.trips.layout import LAYOUTS, LYFT, Layout

_RIDER_TYPE = {True: "member", False: "casual", None: ""}


def write_trips(
    rides: Iterable[Ride],
    path: str | PathLike[str],
    *,
    layout: str = LYFT.name,
    timezone: str = "Europe/London",
) -> int:
    """Write rides as CSV in a public layout, and return how many there were.

    ``layout`` is ``"lyft"``, with wall-clock times of ``timezone`` (Larkhaven's, if
    not given), or ``"urban-sharing"``, with UTC. A path that ends in ``.gz`` is
    gzipped. The same rides give the same bytes. What a layout has no column for is
    lost: bike and rider in both, and ride id, type of bike and member in the second.

    Raises: ValueError for an unknown layout.
    """
    known = {each.name: each for each in LAYOUTS}
    if layout not in known:
        raise ValueError(f"layout={layout!r}: there are {' and '.join(known)}")
    chosen = known[layout]
    zone = ZoneInfo(timezone) if chosen.local_times else UTC
    written = 0
    with _text(Path(fspath(path))) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(chosen.columns)
        for ride in rides:
            cells = _cells(ride, chosen, zone)
            table.writerow([cells.get(column, "") for column in chosen.columns])
            written += 1
    return written


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # Neither name nor time in the header: the same rides, the same bytes.
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
            ):
                yield file
        else:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
                yield file


def _cells(ride: Ride, layout: Layout, zone: tzinfo) -> dict[str | None, object]:
    started, ended = ride.started_at.astimezone(zone), ride.ended_at.astimezone(zone)
    if layout.local_times:
        started, ended = started.replace(tzinfo=None), ended.replace(tzinfo=None)
    return {
        layout.ride_id: ride.ride_id,
        layout.bike_type: ride.bike_type,
        layout.rider_type: _RIDER_TYPE[ride.member],
        layout.start_lat: ride.start_lat,
        layout.start_lon: ride.start_lon,
        layout.end_lat: ride.end_lat,
        layout.end_lon: ride.end_lon,
        "started_at": started.isoformat(sep=" "),
        "ended_at": ended.isoformat(sep=" "),
        "duration": ride.seconds,
        "start_station_id": ride.start_station_id,
        "start_station_name": ride.start_station_name,
        "end_station_id": ride.end_station_id,
        "end_station_name": ride.end_station_name,
    }
