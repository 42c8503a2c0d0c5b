"""The model of riders: who they are, how they stand, which passes they have bought.

Names and addresses stay in this context: its contract has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NewType

RiderId = NewType("RiderId", str)
PassId = NewType("PassId", str)
Standing = Literal["good", "suspended"]
PassKind = Literal["day", "member"]

LASTS: dict[PassKind, timedelta] = {
    "day": timedelta(days=1),
    "member": timedelta(days=30),
}


class Refused(Exception):
    """A command that cannot be carried out: definite, nothing has happened."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The right to ride for less, for a while."""

    pass_id: PassId
    kind: PassKind
    valid_from: datetime
    valid_until: datetime


# --- events -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RiderSignedUp:
    """Somebody has an account."""

    rider_id: RiderId
    name: str
    email: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PassBought:
    """A rider has a pass."""

    rider_id: RiderId
    bought: Pass


@dataclass(frozen=True, slots=True)
class RiderSuspended:
    """A rider may not ride for now."""

    rider_id: RiderId
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RiderReinstated:
    """A rider may ride again."""

    rider_id: RiderId
    at: datetime


Event = RiderSignedUp | PassBought | RiderSuspended | RiderReinstated


@dataclass(eq=False)
class Rider:
    """Somebody with an account.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> rider = Rider.sign_up(RiderId("R1"), "Ada", "ada@larkhaven.example", at)
    >>> bought = rider.buy(PassId("p1"), "day", at)
    >>> rider
    <Rider R1: good standing, 1 pass>
    >>> rider.buy(PassId("p2"), "day", at)
    Traceback (most recent call last):
    movingparts.city.riders.model.Refused: rider R1 has a pass until
      2031-05-06 08:00:00+00:00
    """

    rider_id: RiderId
    name: str = ""
    email: str = ""
    standing: Standing = "good"
    passes: list[Pass] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        count = f"{len(self.passes)} pass{'' if len(self.passes) == 1 else 'es'}"
        return f"<Rider {self.rider_id}: {self.standing} standing, {count}>"

    @property
    def key(self) -> str:
        """Her id."""
        return self.rider_id

    @classmethod
    def sign_up(cls, rider_id: RiderId, name: str, email: str, at: datetime) -> Rider:
        """Give somebody an account; refused without an address to write to."""
        if email.count("@") != 1 or email.startswith("@") or email.endswith("@"):
            raise Refused(f"{email!r} is no address: it has the form name@place")
        rider = cls(rider_id)
        rider._record(RiderSignedUp(rider_id, name, email, at))
        return rider

    def buy(self, pass_id: PassId, kind: PassKind, at: datetime) -> Pass:
        """Sell her a pass; refused while she is suspended, or has one."""
        known = next((each for each in self.passes if each.pass_id == pass_id), None)
        if known is not None:
            return known  # asked again
        if self.standing == "suspended":
            raise Refused(f"rider {self.rider_id} is suspended")
        last = max((each.valid_until for each in self.passes), default=at)
        if last > at:
            raise Refused(f"rider {self.rider_id} has a pass until {last}")
        bought = Pass(pass_id, kind, at, at + LASTS[kind])
        self._record(PassBought(self.rider_id, bought))
        return bought

    def suspend(self, reason: str, at: datetime) -> None:
        """Let her not ride for now."""
        if self.standing != "suspended":
            self._record(RiderSuspended(self.rider_id, reason, at))

    def reinstate(self, at: datetime) -> None:
        """Let her ride again."""
        if self.standing != "good":
            self._record(RiderReinstated(self.rider_id, at))

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case RiderSignedUp(name=name, email=email):
                self.name, self.email = name, email
            case PassBought(bought=bought):
                self.passes.append(bought)
            case RiderSuspended():
                self.standing = "suspended"
            case RiderReinstated():
                self.standing = "good"
