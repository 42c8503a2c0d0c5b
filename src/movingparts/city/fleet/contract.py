"""The published language of fleet."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from movingparts.city.fleet import model
from movingparts.published_language import Instant


class ConditionChanged(BaseModel):
    """A vehicle is in another state now, in the words of MDS."""

    bike_id: str
    vehicle_state: model.VehicleState
    event_type: model.EventType
    at: Instant


class BikesMoved(BaseModel):
    """A truck has brought bikes from one station to another."""

    move_id: str
    from_station: str
    to_station: str
    bikes: list[str]
    at: Instant


EVENTS: tuple[type[BaseModel], ...] = (ConditionChanged, BikesMoved)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None."""
    message: BaseModel | None = None
    match event:
        case model.BikeAdded(bike, _, at):
            message = _now(bike, "available", "provider_drop_off", at)
        case model.BikeReportedFaulty(bike, _, at):
            message = _now(bike, "non_operational", "maintenance", at)
        case model.BikeTakenIn(bike, at):
            message = _now(bike, "removed", "maintenance_pick_up", at)
        case model.BikeRepaired(bike, at):
            message = _now(bike, "available", "maintenance", at)
        case model.BikeRetired(bike, at):
            message = _now(bike, "removed", "decommissioned", at)
        case model.BikesMoved(move, bikes, at):
            message = BikesMoved(
                move_id=move.move_id,
                from_station=move.from_station,
                to_station=move.to_station,
                bikes=list(bikes),
                at=at,
            )
    return message


def _now(
    bike: str, state: model.VehicleState, kind: model.EventType, at: datetime
) -> ConditionChanged:
    return ConditionChanged(bike_id=bike, vehicle_state=state, event_type=kind, at=at)
