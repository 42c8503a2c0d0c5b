"""The published language of riders."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from movingparts.city.riders import model
from movingparts.published_language import Instant


class StandingChanged(BaseModel):
    """How a rider stands with the city."""

    rider_id: str
    standing: Literal["good", "suspended"]
    at: Instant


class PassBought(BaseModel):
    """A rider has a pass."""

    pass_id: str
    rider_id: str
    kind: Literal["day", "member"]
    valid_from: Instant
    valid_until: Instant


EVENTS: tuple[type[BaseModel], ...] = (StandingChanged, PassBought)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None: without name or address."""
    message: BaseModel | None = None
    match event:
        case model.RiderSignedUp() | model.RiderReinstated():
            message = StandingChanged(
                rider_id=event.rider_id, standing="good", at=event.at
            )
        case model.RiderSuspended():
            message = StandingChanged(
                rider_id=event.rider_id, standing="suspended", at=event.at
            )
        case model.PassBought(rider, bought):
            message = PassBought(
                pass_id=bought.pass_id,
                rider_id=rider,
                kind=bought.kind,
                valid_from=bought.valid_from,
                valid_until=bought.valid_until,
            )
    return message
