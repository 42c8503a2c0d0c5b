"""A rider's account: what is held, what is owed, and the passes that she has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from movingparts.city.billing.model.money import Money

AccountId = NewType("AccountId", str)
"""The id of the rider whose account it is."""

LIMIT = Money.cents(150_00)
HELD = Money.cents(20_00)
"""What is held of an account while a ride is under way."""


class Declined(Exception):
    """The payment was not authorized: definite, nothing is held."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass as riders publishes it; billing uses it unchanged, names included."""

    pass_id: str
    rider_id: AccountId
    kind: Literal["day", "member"]
    valid_from: datetime
    valid_until: datetime

    def __post_init__(self) -> None:
        if self.valid_from.tzinfo is None or self.valid_until.tzinfo is None:
            raise ValueError(f"pass {self.pass_id} has a time without a timezone")

    def covers(self, at: datetime) -> bool:
        """Return whether a ride that begins at that time is covered."""
        return self.valid_from <= at < self.valid_until


@dataclass(frozen=True, slots=True)
class Limited:
    """The limit of an account: what it may owe, including what is held."""

    account_id: AccountId
    limit: Money


@dataclass(frozen=True, slots=True)
class PassNoted:
    """A rider has a pass."""

    account_id: AccountId
    sold: Pass


@dataclass(frozen=True, slots=True)
class RideHeld:
    """An amount is held for a ride."""

    account_id: AccountId
    ride_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class RideReleased:
    """Nothing is held for a ride anymore."""

    account_id: AccountId
    ride_id: str


@dataclass(frozen=True, slots=True)
class RideSettled:
    """An amount is owed for a ride, and nothing is held for it anymore."""

    account_id: AccountId
    ride_id: str
    amount: Money


Event = Limited | PassNoted | RideHeld | RideReleased | RideSettled


@dataclass(eq=False)
class Account:
    """What a rider owes and what is held, which together stay within a limit.

    >>> account = Account(AccountId("R1"), limit=Money.cents(30_00))
    >>> account.hold("ride-1")
    Money('20.00', 'EUR')
    >>> account.hold("ride-2")
    Traceback (most recent call last):
    movingparts.city.billing.model.account.Declined: account R1 has 10.00 EUR left
    """

    account_id: AccountId
    limit: Money = LIMIT
    owed: Money = field(default_factory=Money.zero)
    held: dict[str, Money] = field(default_factory=dict)
    passes: list[Pass] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"<Account {self.account_id}: {self.owed} owed, {self.left()} left>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.account_id

    def left(self) -> Money:
        """Return what can still be held."""
        return self.limit - sum(self.held.values(), start=self.owed)

    def set_limit(self, limit: Money) -> None:
        """Let it owe so much from now on."""
        self._record(Limited(self.account_id, limit))

    def hold(self, ride_id: str) -> Money:
        """Hold what a ride may cost; raises `Declined`. Held already, it stays so."""
        if ride_id in self.held:
            return self.held[ride_id]
        if self.left() < HELD:
            raise Declined(f"account {self.account_id} has {self.left()} left")
        self._record(RideHeld(self.account_id, ride_id, HELD))
        return HELD

    def release(self, ride_id: str) -> None:
        """Hold nothing for a ride any more."""
        if ride_id in self.held:
            self._record(RideReleased(self.account_id, ride_id))

    def settle(self, ride_id: str, amount: Money) -> None:
        """Owe what a ride has cost, be it more than was held."""
        self._record(RideSettled(self.account_id, ride_id, amount))

    def note(self, sold: Pass) -> None:
        """Note a pass, once."""
        if sold not in self.passes:
            self._record(PassNoted(self.account_id, sold))

    def has_pass(self, at: datetime) -> bool:
        """Return whether a ride that begins at that time is covered by a pass."""
        return any(each.covers(at) for each in self.passes)

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case Limited(limit=limit):
                self.limit = limit
            case PassNoted(sold=sold):
                self.passes.append(sold)
            case RideHeld(ride_id=ride_id, amount=amount):
                self.held[ride_id] = amount
            case RideReleased(ride_id=ride_id):
                del self.held[ride_id]
            case RideSettled(ride_id=ride_id, amount=amount):
                self.held.pop(ride_id, None)
                self.owed += amount
