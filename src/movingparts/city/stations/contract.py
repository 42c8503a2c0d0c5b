"""The published language of stations."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from movingparts.city.stations import model
from movingparts.published_language import Instant


class BikeDocked(BaseModel):
    """A bike is at a station, locked in a dock or, without one, beside it."""

    bike_id: str
    station_id: str
    dock_id: str | None
    at: Instant


class BikeLeft(BaseModel):
    """A bike is no longer at a station: let go by command, or taken."""

    bike_id: str
    station_id: str
    how: Literal["unlocked", "taken"]
    at: Instant


class DockChanged(BaseModel):
    """A dock is jammed, or works again; `bike_id` is the bike that it holds."""

    station_id: str
    dock_id: str
    bike_id: str | None
    jammed: bool
    at: Instant


class AnomalyFound(BaseModel):
    """A report contradicted what was known; the report was believed."""

    bike_id: str
    station_id: str
    reason: str
    at: Instant


EVENTS: tuple[type[BaseModel], ...] = (BikeDocked, BikeLeft, DockChanged, AnomalyFound)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None."""
    message: BaseModel | None = None
    match event:
        case model.BikeDocked(station, dock, bike, at):
            message = BikeDocked(bike_id=bike, station_id=station, dock_id=dock, at=at)
        case model.BikeUnlocked(station, bike, at):
            message = BikeLeft(bike_id=bike, station_id=station, how="unlocked", at=at)
        case model.BikeTaken(station, bike, at):
            message = BikeLeft(bike_id=bike, station_id=station, how="taken", at=at)
        case model.DockJammed() | model.DockCleared():
            message = DockChanged(
                station_id=event.station_id,
                dock_id=event.dock_id,
                bike_id=event.bike_id,
                jammed=isinstance(event, model.DockJammed),
                at=event.at,
            )
        case model.AnomalyFound(station, bike, at, reason):
            message = AnomalyFound(
                bike_id=bike, station_id=station, reason=reason, at=at
            )
    return message
