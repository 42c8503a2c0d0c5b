"""The published language of rides."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import BaseModel

from movingparts.city.rides import model
from movingparts.published_language import Instant

Oddity = Literal[
    "",
    "it ended at once where it began",
    "it took more than a day",
    "it ended elsewhere at once, faster than anybody rides",
    "its end was not seen: the bike left on another ride",
]


class RideStarted(BaseModel):
    """A rider is on the way, and the ride will be paid for."""

    ride_id: str
    rider_id: str
    bike_id: str
    from_station: str
    authorization_id: str
    at: Instant


class RideEnded(BaseModel):
    """A ride is over; `anomaly` says what is odd about it, "" if nothing is."""

    ride_id: str
    rider_id: str
    bike_id: str
    from_station: str
    to_station: str
    started_at: Instant
    ended_at: Instant
    anomaly: Oddity


class RideCancelled(BaseModel):
    """A ride did not come about."""

    ride_id: str
    reason: str


class AnomalyFound(BaseModel):
    """Something about a ride contradicts what was known."""

    ride_id: str
    bike_id: str
    reason: str
    at: Instant


EVENTS: tuple[type[BaseModel], ...] = (
    RideStarted,
    RideEnded,
    RideCancelled,
    AnomalyFound,
)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None."""
    message: BaseModel | None = None
    match event:
        case model.RideStarted(ride, rider, bike, start, authorization, at):
            message = RideStarted(
                ride_id=ride,
                rider_id=rider,
                bike_id=bike,
                from_station=start,
                authorization_id=authorization,
                at=at,
            )
        case model.RideEnded():
            message = RideEnded(
                ride_id=event.ride_id,
                rider_id=event.rider_id,
                bike_id=event.bike_id,
                from_station=event.from_station,
                to_station=event.to_station,
                started_at=event.started_at,
                ended_at=event.ended_at,
                anomaly=cast(Oddity, event.anomaly),
            )
        case model.RideCancelled(ride, reason):
            message = RideCancelled(ride_id=ride, reason=reason)
        case model.AnomalyFound(ride, bike, reason, at):
            message = AnomalyFound(ride_id=ride, bike_id=bike, reason=reason, at=at)
    return message
