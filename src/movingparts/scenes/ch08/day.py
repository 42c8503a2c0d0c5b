"""A day of Larkhaven as a log: where each bike stood, and what happened to each ride.

Source: chapter 08. Leaves out: when a truck moved a bike; it is known only when the
bike starts its next ride elsewhere than it ended its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from movingparts.city.ride import Ride
from movingparts.city.synthetic import FIRST_DAY, City
from movingparts.eventstore import EventStore, NewEvent

UNLOCK = 100  # cents, once a ride
PER_MINUTE = 12  # cents

# When it happens, its stream, and its types with their data.
Happening = tuple[datetime, str, list[tuple[str, dict[str, Any]]]]


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

    Streams are `bike-B0001` (`BikePlaced`: where it stands when the day begins;
    `BikeMoved`: a truck has brought it) and `ride-…` (`RideStarted`, then `RideEnded`
    with `FareCharged`). `rides` are the whole day's, unless given. Each event's data
    says when, in UTC: `at`.
    """
    happenings = placed(city, day)
    for ride in city.rides(day) if rides is None else rides:
        happenings += [started(ride), ended(ride)]
    happenings.sort(key=lambda each: each[0])
    return await record(log, happenings)


async def record(log: EventStore, happenings: Iterable[Happening]) -> int:
    """Append what happens, in the order of time, and return how many events."""
    count = 0
    for stream, new, version in appends(happenings):
        await log.append(stream, new, expected_version=version)
        count += len(new)
    return count


def appends(
    happenings: Iterable[Happening],
) -> Iterator[tuple[str, list[NewEvent], int]]:
    """Yield each append: its stream, its events, and the version that is expected."""
    versions: dict[str, int] = {}
    for at, stream, events in with_trucks(happenings):
        version = versions.get(stream, 0)
        yield (
            stream,
            [
                NewEvent(f"{stream}/{number}", kind, {**data, "at": at.isoformat()})
                for number, (kind, data) in enumerate(events, start=version + 1)
            ],
            version,
        )
        versions[stream] = version + len(events)


def with_trucks(happenings: Iterable[Happening]) -> Iterator[Happening]:
    """Yield what happens, and before a ride that starts elsewhere, the move."""
    where: dict[str, str] = {}
    for at, stream, events in happenings:
        kind, data = events[0]
        bike, station = data["bike"], data["station"]
        if kind == "RideStarted" and where[bike] != station:
            move = {"bike": bike, "from": where[bike], "station": station}
            yield at, f"bike-{bike}", [("BikeMoved", move)]
        where[bike] = station
        yield at, stream, events


def placed(city: City, day: date) -> list[Happening]:
    """Return where each bike stands at midnight, on the city's clock."""
    midnight = datetime.combine(day, time(), ZoneInfo(city.timezone)).astimezone(UTC)
    return [
        (
            midnight,
            f"bike-{bike.bike_id}",
            [("BikePlaced", {"bike": bike.bike_id, "station": bike.station_id})],
        )
        for bike in city.bikes
    ]


def started(ride: Ride) -> Happening:
    """Return the start of a ride."""
    data: dict[str, Any] = {
        "rider": ride.rider_id,
        "bike": ride.bike_id,
        "station": ride.start_station_id,
    }
    return ride.started_at, f"ride-{ride.ride_id}", [("RideStarted", data)]


def ended(ride: Ride) -> Happening:
    """Return the end of a ride, and what it costs."""
    end: dict[str, Any] = {"bike": ride.bike_id, "station": ride.end_station_id}
    charge: dict[str, Any] = {"cents": fare(ride.seconds), "seconds": ride.seconds}
    both = [("RideEnded", end), ("FareCharged", charge)]
    return ride.ended_at, f"ride-{ride.ride_id}", both
