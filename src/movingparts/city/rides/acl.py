"""Translates the messages of other contexts into rides' words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from movingparts.city.rides.model import BikeBrought, BikeId, StationId
from movingparts.published_language import Instant, Reader


class _Docked(BaseModel):
    bike_id: BikeId
    station_id: StationId
    at: Instant


def docked(data: object) -> BikeBrought:
    """A bike is at a station: its rider has brought it back."""
    message = _Docked.model_validate(data)
    return BikeBrought(message.bike_id, message.station_id, message.at)


READS: Mapping[str, Reader] = {"stations.bike-docked": docked}
