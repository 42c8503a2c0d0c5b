"""What `receipts` gets: the fare of each ride that has ended, from some time on.

Source: chapter 11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from movingparts.scenes.ch11.day import End, ends
from movingparts.scenes.ch11.functions import fares


def charged(end: End) -> dict[str, Any]:
    """Return the FareCharged of a ride that has ended, as a CloudEvent."""
    event = end.event()
    fare = fares.handler(event, None)["fare"]
    data = {"ride_id": end.ride.ride_id, "rider_id": end.ride.rider_id, "fare": fare}
    return event | {"source": "/billing", "type": "FareCharged", "data": data}


def from_zero(start: float, seconds: float) -> list[End]:
    """Return the rides that end in so many seconds, as if their day began there."""
    found = [end for end in ends() if start <= end.at < start + seconds]
    return [replace(end, at=end.at - start) for end in found]
