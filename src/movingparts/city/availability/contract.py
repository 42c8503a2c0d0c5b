"""The published language of availability."""

from __future__ import annotations

from pydantic import BaseModel

from movingparts.city.availability import model
from movingparts.published_language import Instant


class BikeReserved(BaseModel):
    """A bike is promised to a rider until a time."""

    reservation_id: str
    rider_id: str
    bike_id: str
    station_id: str
    until: Instant
    at: Instant


class ReservationClosed(BaseModel):
    """A promise is over: `why` is collected, expired or broken."""

    reservation_id: str
    rider_id: str
    bike_id: str
    station_id: str
    why: str
    at: Instant


class RebalancingWanted(BaseModel):
    """So many bikes should be brought from one station to another."""

    from_station: str
    to_station: str
    bikes: int
    at: Instant


EVENTS: tuple[type[BaseModel], ...] = (
    BikeReserved,
    ReservationClosed,
    RebalancingWanted,
)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None."""
    message: BaseModel | None = None
    match event:
        case model.BikeReserved(stand, promise, at):
            message = BikeReserved(
                reservation_id=promise.reservation_id,
                rider_id=promise.rider_id,
                bike_id=promise.bike_id,
                station_id=stand,
                until=promise.until,
                at=at,
            )
        case model.ReservationCollected(stand, promise, at):
            message = _closed(stand, promise, "collected", at)
        case model.ReservationExpired(stand, promise, at):
            message = _closed(stand, promise, "expired", at)
        case model.PromiseBroken(stand, promise, at):
            message = _closed(stand, promise, "broken", at)
        case model.RebalancingWanted(stand, to_stand, bikes, at):
            message = RebalancingWanted(
                from_station=stand, to_station=to_stand, bikes=bikes, at=at
            )
    return message


def _closed(
    stand: model.StandId, promise: model.Reservation, why: str, at: Instant
) -> ReservationClosed:
    return ReservationClosed(
        reservation_id=promise.reservation_id,
        rider_id=promise.rider_id,
        bike_id=promise.bike_id,
        station_id=stand,
        why=why,
        at=at,
    )
