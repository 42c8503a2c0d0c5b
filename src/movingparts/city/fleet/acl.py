"""Translates the messages of other contexts into fleet's words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from movingparts.city.fleet.model import BikeId, Move, MoveId, Ridden, StationId
from movingparts.published_language import Instant, Reader


class _Ended(BaseModel):
    ride_id: str
    bike_id: BikeId
    started_at: Instant
    ended_at: Instant


class _Wanted(BaseModel):
    from_station: StationId
    to_station: StationId
    bikes: int
    at: Instant


def ended(data: object) -> Ridden:
    """A ride is over: its bike has been used for so long."""
    message = _Ended.model_validate(data)
    took = (message.ended_at - message.started_at).total_seconds()
    return Ridden(message.bike_id, message.ride_id, int(took) // 60)


def wanted(data: object) -> Move:
    """Bikes are wanted elsewhere: each such message is one move."""
    message = _Wanted.model_validate(data)
    name = f"{message.from_station}-{message.to_station}-{message.at:%Y%m%dT%H%M%S}"
    return Move(MoveId(name), message.from_station, message.to_station, message.bikes)


READS: Mapping[str, Reader] = {
    "availability.rebalancing-wanted": wanted,
    "rides.ride-ended": ended,
}
