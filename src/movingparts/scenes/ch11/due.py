"""The fares of rides that end in the morning peak, as events that ask for a charge.

Source: chapter 11. Leaves out: who works out the fare.
"""

from __future__ import annotations

from typing import Any

from movingparts.core.event import Event
from movingparts.scenes.ch11.day import End, between

START = 8 * 3600.0  # seconds since midnight: the peak begins


def fares(count: int) -> list[tuple[float, dict[str, Any]]]:
    """Return the fares of the rides that end from 08:00 on, and when each is due."""
    ended = between(START, START + 7200, rides=3_000)[:count]
    return [(end.at - START, fare_due(end)) for end in ended]


def fare_due(end: End) -> dict[str, Any]:
    """Return the event that asks for a ride's charge, as a CloudEvent."""
    ride = end.ride
    data = {"ride": ride.ride_id, "rider": ride.rider_id, "cents": cents(end)}
    return Event(ride.ride_id, "/rides", "FareDue", data).to_body()


def cents(end: End) -> int:
    """Return what a ride costs: 1.00, and 0.15 for each minute that has begun."""
    seconds = (end.ride.ended_at - end.ride.started_at).total_seconds()
    return 100 + 15 * -int(-seconds // 60)


def as_before(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as rides wrote it last year: the fare in dollars, as text.

    >>> as_before({"id": "1", "data": {"ride": "1", "cents": 295}})
    {'id': '1', 'data': {'ride': '1', 'fare': '2.95'}}
    """
    data = dict(event["data"])
    data["fare"] = f"{data.pop('cents') / 100:.2f}"
    return {**event, "data": data}
