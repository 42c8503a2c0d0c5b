"""A city's trip history as a log: each ride gets a bike, and each bike a first place.

Source: chapter 08. Leaves out: when a truck moved a bike, and a bike that nobody rides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import cos, radians

from movingparts.city.gbfs import Stop
from movingparts.city.geo import unit_square
from movingparts.city.replay import Supply
from movingparts.city.ride import Ride
from movingparts.eventstore import StoredEvent
from movingparts.scenes.ch08.day import Happening, ended, started

DEGREE = 111_195  # meters from one degree of latitude to the next
ON_MAP = 60  # stations, so that their discs don't hide each other


def happenings(rides: Iterable[Ride]) -> Iterator[Happening]:
    """Yield what happens in rides that are in the order of their start.

    A trip history names no bikes, so `Supply` gives each ride one. A bike is placed
    at a station right before its first ride.
    """
    supply, riding, known = Supply(), list[tuple[object, int, Ride]](), 0
    for number, ride in enumerate(rides):
        while riding and riding[0][2].ended_at <= ride.started_at:
            yield docked(supply, heappop(riding)[2])
        bike = supply.take(ride.start_station_id, ride.started_at)
        if supply.bikes > known:
            known, here = supply.bikes, ride.start_station_id
            data = {"bike": bike, "station": here}
            yield ride.started_at, f"bike-{bike}", [("BikePlaced", data)]
        named = replace(ride, bike_id=bike)
        yield started(named)
        heappush(riding, (ride.ended_at, number, named))
    while riding:
        yield docked(supply, heappop(riding)[2])


def docked(supply: Supply, ride: Ride) -> Happening:
    """Return the end of a ride, whose bike is free from then on."""
    supply.bring(f"{ride.bike_id}", ride.end_station_id, ride.ended_at)
    return ended(ride)


def placed_first(found: Iterable[Happening]) -> list[Happening]:
    """Let each bike stand where its first ride starts, from the first hour on."""
    first, rest = list[Happening](), list[Happening]()
    for each in found:
        (first if each[2][0][0] == "BikePlaced" else rest).append(each)
    if first:
        begin = first[0][0].replace(minute=0, second=0, microsecond=0)
        first = [(begin, stream, events) for _, stream, events in first]
    return first + rest


def odd(events: Iterable[StoredEvent]) -> Iterator[str]:
    """Yield what can't be, if each bike is at one station or on one ride at a time."""
    where: dict[str, str] = {}
    for event in events:
        if event.type == "FareCharged":
            continue
        bike, station = event.data["bike"], event.data["station"]
        left, now = {
            "BikePlaced": ("nowhere", station),
            "BikeMoved": (event.data.get("from"), station),
            "RideStarted": (station, event.stream),
            "RideEnded": (event.stream, station),
        }[event.type]
        if where.get(bike, "nowhere") != left:
            yield f"{event.id}: {bike} is {where.get(bike, 'nowhere')}, not {left}"
        where[bike] = now


@dataclass(frozen=True)
class Spot:
    """A station on the map."""

    station_id: str
    name: str
    x: float
    y: float


def spots(stops: Sequence[Stop], rides: Iterable[Ride]) -> list[Spot]:
    """Return the stations at which most rides start, with their places on the map."""
    starts = Counter(ride.start_station_id for ride in rides)
    shown = sorted(stops, key=lambda s: (-starts[s.station_id], s.station_id))[:ON_MAP]
    wide = cos(radians(shown[0].lat)) if shown else 1
    meters = [(round(s.lon * DEGREE * wide), round(s.lat * DEGREE)) for s in shown]
    places = unit_square(meters) if shown else []
    return [
        Spot(s.station_id, s.name, x, y)
        for s, (x, y) in zip(shown, places, strict=True)
    ]
