"""Translates the messages of other contexts into availability's words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from movingparts.city.availability.model import (
    BikeArrived,
    BikeId,
    BikeLeft,
    FitnessChanged,
    Message,
    RiderId,
    StandId,
    StandingChanged,
)
from movingparts.published_language import Instant, Reader


class _Docked(BaseModel):
    bike_id: BikeId
    station_id: StandId
    dock_id: str | None
    at: Instant


class _Left(BaseModel):
    bike_id: BikeId
    station_id: StandId
    at: Instant


class _Dock(BaseModel):
    bike_id: BikeId | None
    station_id: StandId
    jammed: bool
    at: Instant


class _Condition(BaseModel):
    bike_id: BikeId
    vehicle_state: str
    at: Instant


class _Standing(BaseModel):
    rider_id: RiderId
    standing: str
    at: Instant


def docked(data: object) -> Message:
    """A bike is in a dock: it can be promised, if it can be unlocked there."""
    message = _Docked.model_validate(data)
    return BikeArrived(
        message.bike_id, message.station_id, message.dock_id is not None, message.at
    )


def left(data: object) -> Message:
    """A bike has left a station: it cannot be promised there."""
    message = _Left.model_validate(data)
    return BikeLeft(message.bike_id, message.station_id, message.at)


def dock_changed(data: object) -> Message | None:
    """A jammed dock can't release its bike; a cleared one can."""
    message = _Dock.model_validate(data)
    if message.bike_id is None:
        return None
    if message.jammed:
        return BikeArrived(message.bike_id, message.station_id, False, message.at)
    return BikeArrived(message.bike_id, message.station_id, True, message.at)


def condition_changed(data: object) -> Message:
    """Turn fleet's state of a vehicle into ours: can the bike be ridden?"""
    message = _Condition.model_validate(data)
    return FitnessChanged(
        message.bike_id, message.vehicle_state == "available", message.at
    )


def standing_changed(data: object) -> Message:
    """Riders publishes a rider's standing; here it decides whether she may reserve."""
    message = _Standing.model_validate(data)
    return StandingChanged(message.rider_id, message.standing == "good", message.at)


READS: Mapping[str, Reader] = {
    "stations.bike-docked": docked,
    "stations.bike-left": left,
    "stations.dock-changed": dock_changed,
    "fleet.condition-changed": condition_changed,
    "riders.standing-changed": standing_changed,
}
