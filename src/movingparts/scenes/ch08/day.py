"""A day of Larkhaven as a log: where each bike stood, and what happened to each ride.

Source: chapter 08. Leaves out: trucks; a bike that a truck has moved starts its next
ride elsewhere than it ended its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from movingparts.city.ride import Ride
from movingparts.city.synthetic import FIRST_DAY, City
from movingparts.eventstore import EventStore, NewEvent

PER_MINUTE = 12  # cents
UNLOCK = 100  # cents, once a ride


def fare(seconds: int, *, unlock: int = UNLOCK, minute: int = PER_MINUTE) -> int:
    """Return what a ride of so many seconds costs, in cents: each begun minute.

    >>> fare(61)
    124
    """
    return unlock + minute * -(-seconds // 60)


async def record_day(
    log: EventStore,
    city: City,
    *,
    day: date = FIRST_DAY,
    rides: Iterable[Ride] | None = None,
) -> int:
    """Append what happens on a day, in the order of time, and return how many events.

    Streams are `bike-B0001` (`BikePlaced`, where it stands when the day begins) and
    `ride-…` (`RideStarted`, `RideEnded`, `FareCharged`). `rides` are the whole day's,
    unless given. Each event's data says when, in UTC: `at`.
    """
    count = 0
    versions: dict[str, int] = {}
    for stream, kind, data in _placed(city, day):
        event = NewEvent(f"{stream}/0", kind, data)
        await log.append(stream, [event], expected_version=0)
        count += 1
    listed = list(city.rides(day) if rides is None else rides)
    moments = [(ride.started_at, 1, ride) for ride in listed]
    moments += [(ride.ended_at, 0, ride) for ride in listed]
    moments.sort(key=lambda moment: (*moment[:2], moment[2].ride_id))
    for at, starts, ride in moments:
        stream = f"ride-{ride.ride_id}"
        for kind, data in _happens(ride, at, starts=bool(starts)):
            version = versions.get(stream, 0)
            event = NewEvent(f"{stream}/{version + 1}", kind, data)
            await log.append(stream, [event], expected_version=version)
            versions[stream] = version + 1
            count += 1
    return count


def _placed(city: City, day: date) -> Iterator[tuple[str, str, dict[str, Any]]]:
    at = f"{day.isoformat()}T00:00:00+00:00"
    for bike in city.bikes:
        data = {"bike": bike.bike_id, "station": bike.station_id, "at": at}
        yield f"bike-{bike.bike_id}", "BikePlaced", data


def _happens(
    ride: Ride, at: datetime, *, starts: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    when, bike = at.isoformat(), ride.bike_id
    if starts:
        data = {"rider": ride.rider_id, "bike": bike, "station": ride.start_station_id}
        yield "RideStarted", {**data, "at": when}
        return
    yield "RideEnded", {"bike": bike, "station": ride.end_station_id, "at": when}
    cents = fare(ride.seconds)
    yield "FareCharged", {"cents": cents, "seconds": ride.seconds, "at": when}
