"""What somebody can tell about trips, who asks every two minutes where all bikes stand.

Source: chapter 07. Leaves out: guesses, which find more than what is sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from movingparts.city.gbfs import VehicleStatus, View, public_id
from movingparts.city.ride import Ride
from movingparts.scenes.ch07.public import CITY, EVERY, MIDNIGHT, STOPS, SYSTEM, rides
from movingparts.world import Table


class Trip(NamedTuple):
    """A trip, as somebody sees it who looks every two minutes."""

    left: datetime
    start: str
    came: datetime
    end: str


Look = tuple[datetime, Mapping[str, str]]  # what stands where, by its public id


def by_id(looks: Iterable[Look]) -> dict[str, list[Trip]]:
    """Return, for each id, the trips on which it was gone and came back."""
    found: dict[str, list[Trip]] = {}
    seen: dict[str, tuple[datetime, str]] = {}
    for at, bikes in looks:
        for bike, station in bikes.items():
            left, start = seen.get(bike, (at, station))
            if start != station or at - left > EVERY:
                found.setdefault(bike, []).append(Trip(left, start, at, station))
            seen[bike] = at, station
    return found


def alone(looks: Iterable[Look]) -> list[Trip]:
    """Return the trips of bikes that were the only ones away, whatever their ids."""
    found: list[Trip] = []
    away: list[tuple[datetime, str]] = []
    before, there, mixed = MIDNIGHT, dict[str, str](), True
    for at, bikes in looks:
        away += [(before, there[bike]) for bike in there.keys() - bikes.keys()]
        came = [bikes[bike] for bike in bikes.keys() - there.keys()]
        if len(away) == len(came) == 1 and not mixed:
            found.append(Trip(*away[0], at, *came))
        if came:
            del away[: len(came)]
            mixed = bool(away)  # which of them is still away, nobody can tell
        before, there = at, dict(bikes)
    return found


def followed(looks: Iterable[Look], bike: str) -> Table:
    """Return where the thing with this id was seen last, and where it came back."""
    names = {stop.station_id: stop.name for stop in STOPS}
    rows: list[tuple[str, ...]] = [
        (_clock(trip.left), names[trip.start], _clock(trip.came), names[trip.end])
        for trip in by_id(looks).get(bike, [])
    ]
    return Table(("last seen", "at", "back", "at station"), rows)


def known_trips(looks: Sequence[Look]) -> list[Ride]:
    """Return the rides that these looks tell for sure: from where, to where, when."""
    sure = {*chain.from_iterable(by_id(looks).values()), *alone(looks)}
    return [ride for ride in rides() if _seen(ride) in sure]


def _seen(ride: Ride) -> Trip:
    left, came = _next(ride.started_at) - EVERY, _next(ride.ended_at)
    return Trip(left, ride.start_station_id, came, ride.end_station_id)


def _next(at: datetime) -> datetime:
    """Return the time of the first look that has what happens now."""
    return at + (MIDNIGHT - at) % EVERY


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(CITY.timezone)):%H:%M}"


class LastingIds:
    """A view as if no bike had ever made a trip, so that no public id changes."""

    def __init__(self, view: View) -> None:
        self.as_of, self.stations = view.as_of, view.stations
        self._view = view

    def vehicles(self) -> list[VehicleStatus]:
        """Return the bikes that nobody rides."""
        return [replace(bike, trips=0) for bike in self._view.vehicles()]


def with_lasting_ids(looks: Iterable[Look]) -> list[Look]:
    """Return what looks at a feed of such views show, from looks at bike numbers."""
    of = {
        bike.bike_id: public_id(VehicleStatus(bike.bike_id, 0, "any"), SYSTEM.secret)
        for bike in CITY.bikes
    }
    return [(at, {of[bike]: bikes[bike] for bike in bikes}) for at, bikes in looks]
