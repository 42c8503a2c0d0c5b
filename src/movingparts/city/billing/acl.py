"""Translates the messages of rides into billing's words.

Billing takes riders' messages about passes unchanged: there it is a conformist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from movingparts.city.billing.model import AccountId, Pass, RideId, RideOver
from movingparts.published_language import Instant, Reader

FREE = "it ended at once where it began"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A ride did not come about."""

    ride_id: RideId


class _Ended(BaseModel):
    ride_id: RideId
    rider_id: AccountId
    started_at: Instant
    ended_at: Instant
    anomaly: str


class _Cancelled(BaseModel):
    ride_id: RideId


def ended(data: object) -> RideOver:
    """A ride is over; what rides calls a false start costs nothing."""
    message = _Ended.model_validate(data)
    free = message.anomaly == FREE
    return RideOver(
        message.ride_id, message.rider_id, message.started_at, message.ended_at, free
    )


def cancelled(data: object) -> Cancelled:
    """A ride did not come about."""
    return Cancelled(_Cancelled.model_validate(data).ride_id)


READS: Mapping[str, Reader] = {
    "rides.ride-ended": ended,
    "rides.ride-cancelled": cancelled,
    "riders.pass-bought": Pass,
}
