"""The published language of billing."""

from __future__ import annotations

from pydantic import BaseModel, Field

from movingparts.city.billing import model
from movingparts.published_language import Instant


class Amount(BaseModel):
    """An amount of money: a decimal as text, since JSON's numbers are floats."""

    amount: str = Field(pattern=r"^-?\d+\.\d\d$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @classmethod
    def of(cls, money: model.Money) -> Amount:
        """Return an amount as others read it."""
        return cls(amount=str(money.amount), currency=money.currency)


class PaymentAuthorized(BaseModel):
    """An amount is held for a ride, so the ride may begin."""

    ride_id: str
    rider_id: str
    amount: Amount


class PaymentDeclined(BaseModel):
    """Nothing is held for a ride, so the ride may not begin."""

    ride_id: str
    rider_id: str
    reason: str


class FareCharged(BaseModel):
    """A ride was charged."""

    ride_id: str
    rider_id: str
    fare: Amount
    with_pass: bool
    at: Instant


class AnomalyFound(BaseModel):
    """A message about a ride contradicts what is known about its payment."""

    ride_id: str
    reason: str
    at: Instant


EVENTS: tuple[type[BaseModel], ...] = (
    PaymentAuthorized,
    PaymentDeclined,
    FareCharged,
    AnomalyFound,
)


def to_message(event: object) -> BaseModel | None:
    """Return what others learn of an event, or None."""
    message: BaseModel | None = None
    match event:
        case model.PaymentAuthorized(ride, account, amount):
            message = PaymentAuthorized(
                ride_id=ride, rider_id=account, amount=Amount.of(amount)
            )
        case model.PaymentDeclined(ride, account, reason):
            message = PaymentDeclined(ride_id=ride, rider_id=account, reason=reason)
        case model.FareCharged():
            message = FareCharged(
                ride_id=event.ride_id,
                rider_id=event.account_id,
                fare=Amount.of(event.fare),
                with_pass=event.with_pass,
                at=event.at,
            )
        case model.AnomalyFound(ride, reason, at):
            message = AnomalyFound(ride_id=ride, reason=reason, at=at)
    return message
