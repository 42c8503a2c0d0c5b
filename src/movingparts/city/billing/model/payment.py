"""The payment of one ride: authorized before it begins, charged once it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from movingparts.city.billing.model.account import Account, AccountId, Declined
from movingparts.city.billing.model.money import Money
from movingparts.city.billing.model.tariff import Tariff

RideId = NewType("RideId", str)

NOBODY = AccountId("")

NOT_AUTHORIZED = "a ride has ended for which no payment was authorized"

State = Literal["new", "authorized", "declined", "charged", "voided"]


@dataclass(frozen=True, slots=True)
class PaymentAuthorized:
    """An amount is held for a ride, so the ride may begin."""

    ride_id: RideId
    account_id: AccountId
    amount: Money


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """Nothing is held for a ride, so the ride may not begin."""

    ride_id: RideId
    account_id: AccountId
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentVoided:
    """A ride did not take place, and nothing is held for it anymore."""

    ride_id: RideId
    account_id: AccountId


@dataclass(frozen=True, slots=True)
class FareCharged:
    """A ride was charged, with all that its fare follows from."""

    ride_id: RideId
    account_id: AccountId
    fare: Money
    with_pass: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """A message about a ride contradicts what is known about its payment."""

    ride_id: RideId
    reason: str
    at: datetime


Event = PaymentAuthorized | PaymentDeclined | PaymentVoided | FareCharged | AnomalyFound


@dataclass(eq=False)
class Payment:
    """The payment of one ride, under the ride's own id, so that there is only one.

    >>> Payment(RideId("r1"))
    <Payment of r1: new>
    """

    ride_id: RideId
    account_id: AccountId = NOBODY
    state: State = "new"
    held: Money | None = None
    fare: Money | None = None

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"<Payment of {self.ride_id}: {self.state}>"

    @property
    def key(self) -> str:
        """The id of its ride."""
        return self.ride_id

    def authorize(self, account_id: AccountId, amount: Money) -> None:
        """Hold an amount; asked again, record it only once."""
        if self.state != "authorized":
            self._record(PaymentAuthorized(self.ride_id, account_id, amount))

    def decline(self, account_id: AccountId, reason: str) -> None:
        """Decline, once; an earlier decision is final."""
        if self.state == "new":
            self._record(PaymentDeclined(self.ride_id, account_id, reason))

    def void(self) -> None:
        """Note that the ride did not come about."""
        self._record(PaymentVoided(self.ride_id, self.account_id))

    def charge(
        self, account_id: AccountId, fare: Money, with_pass: bool, at: datetime
    ) -> None:
        """Note that it was charged."""
        if self.state != "authorized":
            self._record(AnomalyFound(self.ride_id, NOT_AUTHORIZED, at))
        self._record(FareCharged(self.ride_id, account_id, fare, with_pass, at))

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case PaymentAuthorized(account_id=account_id, amount=amount):
                self.state, self.account_id = "authorized", account_id
                self.held = amount
            case PaymentDeclined(account_id=account_id):
                self.state, self.account_id = "declined", account_id
            case PaymentVoided():
                self.state = "voided"
            case FareCharged(account_id=account_id, fare=fare):
                self.state, self.account_id, self.fare = "charged", account_id, fare


# --- what belongs to no single aggregate ------------------------------------------


@dataclass(frozen=True, slots=True)
class RideOver:
    """A message of rides: a ride is over, or did not take place (no end)."""

    ride_id: RideId
    account_id: AccountId
    started_at: datetime
    ended_at: datetime
    free: bool  # a false start, which nobody pays for


def authorize(payment: Payment, account: Account) -> None:
    """Hold what a ride may cost; raises `Declined`, also for a ride that is over.

    And for one whose payment another account has authorized.
    """
    if payment.state in ("voided", "charged"):
        raise Declined(f"ride {payment.ride_id} is {payment.state}")
    if payment.state == "authorized" and payment.account_id != account.account_id:
        raise Declined(f"ride {payment.ride_id} is another rider's")
    payment.authorize(account.account_id, account.hold(payment.ride_id))


def charge(
    payment: Payment, account: Account, over: RideOver, tariff: Tariff, now: datetime
) -> None:
    """Charge a ride that is over; asked again, do nothing."""
    if payment.state == "charged":
        return
    with_pass = account.has_pass(over.started_at)
    fare = tariff.fare(over.ended_at - over.started_at, with_pass=with_pass)
    fare = Money.zero(fare.currency) if over.free else fare
    payment.charge(account.account_id, fare, with_pass, now)
    account.settle(payment.ride_id, fare)


def void(payment: Payment, account: Account) -> None:
    """Release what is held for a ride that did not take place, for good."""
    if payment.state not in ("voided", "charged"):
        payment.void()
        account.release(payment.ride_id)
