"""What availability hears of others, and what it means here."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from movingparts.city.availability.model import (
    BikeCame,
    BikeId,
    BikeWent,
    FitnessChanged,
    RiderId,
    StandId,
    StandingChanged,
    Told,
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


def docked(data: object) -> Told:
    """A bike is in a dock: it can be promised, if it can be unlocked there."""
    said = _Docked.model_validate(data)
    return BikeCame(said.bike_id, said.station_id, said.dock_id is not None, said.at)


def left(data: object) -> Told:
    """A bike has left a station: it cannot be promised there."""
    said = _Left.model_validate(data)
    return BikeWent(said.bike_id, said.station_id, said.at)


def dock_changed(data: object) -> Told | None:
    """A jammed dock keeps its bike to itself; a mended one has it to give."""
    said = _Dock.model_validate(data)
    if said.bike_id is None:
        return None
    if said.jammed:
        return BikeCame(said.bike_id, said.station_id, False, said.at)
    return BikeCame(said.bike_id, said.station_id, True, said.at)


def condition_changed(data: object) -> Told:
    """Fleet speaks of a vehicle's state; here a bike can be ridden, or cannot."""
    said = _Condition.model_validate(data)
    return FitnessChanged(said.bike_id, said.vehicle_state == "available", said.at)


def standing_changed(data: object) -> Told:
    """Riders tells how somebody stands with the city; here she may reserve, or not."""
    said = _Standing.model_validate(data)
    return StandingChanged(said.rider_id, said.standing == "good", said.at)


READS: Mapping[str, Reader] = {
    "stations.bike-docked": docked,
    "stations.bike-left": left,
    "stations.dock-changed": dock_changed,
    "fleet.condition-changed": condition_changed,
    "riders.standing-changed": standing_changed,
}
