"""A stand whose rule is spread over three handlers: where exercise 3.2 begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from movingparts.scenes.ch03.refusal import Refused

PROMISED_FOR = timedelta(minutes=10)


@dataclass
class Data:
    """What is at a stand: only data. Each handler knows what it means."""

    bikes: list[str]
    promised: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # by bike
    riding: dict[str, str] = field(default_factory=dict)  # bike: rider


def app_reserves(stand: Data, rider: str, now: datetime) -> str:
    """Promise a bike, as the app's handler does."""
    for bike in stand.bikes:
        if bike not in stand.promised or stand.promised[bike][1] <= now:
            stand.promised[bike] = (rider, now + PROMISED_FOR)
            return bike
    raise Refused("no bike is left to promise")


def dock_releases(stand: Data, rider: str, now: datetime) -> str:
    """Give a bike to the rider at the dock, as the dock's handler does."""
    mine = [bike for bike, (whose, _) in stand.promised.items() if whose == rider]
    bike = next(iter([*mine, *stand.bikes]), None)
    if bike is None:
        raise Refused("no bike is here")
    stand.promised.pop(bike, None)
    stand.bikes.remove(bike)
    stand.riding[bike] = rider
    return bike


def desk_takes_back(stand: Data, rider: str, bike: str, now: datetime) -> None:
    """Take a bike back, as the support desk's handler does."""
    if bike not in stand.riding:
        raise Refused(f"nobody has {bike}")
    del stand.riding[bike]
    stand.bikes.append(bike)
