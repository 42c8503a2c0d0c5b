"""What the functions of page 5 reach: a bank, a mail server, a database.

How long these take to answer is in `TIMES`, as the functions' waits. Source: chapter
11; all times are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from movingparts.core import Clock, Constant, Uniform
from movingparts.function import Profile

TABLES = """
CREATE TABLE seen (id TEXT PRIMARY KEY);
CREATE TABLE revenue AS SELECT 0 AS cents;
"""

INIT, WORK = Constant(0.08), Constant(0.01)  # seconds of a whole CPU
BANK, MAIL = Uniform(0.3, 0.5), Uniform(0.1, 0.3)  # seconds until they answer
TIMES = MappingProxyType(
    {
        "settle": Profile(init=INIT, run=WORK),
        "fares": Profile(init=INIT, run=WORK, wait=BANK),
        "receipts": Profile(init=INIT, run=WORK, wait=MAIL),
        "both": Profile(init=INIT, run=Constant(0.02), wait=Uniform(0.4, 0.8)),
        "refunds": Profile(init=INIT, run=WORK, wait=BANK),
        "revenue": Profile(init=INIT, run=WORK),
    }
)


class MailDown(Exception):
    """The mail server took nothing: definite."""


class NoAddress(Exception):
    """The rider has no mail address: definite, and the same at each try."""


@dataclass
class Bank:
    """Charges each ride once, and answers alike when it is asked again."""

    asked: int = 0
    charged: dict[str, int] = field(default_factory=dict)

    def charge(self, ride_id: str, minutes: int) -> int:
        """Charge a ride, under its id as the key; return the fare in cents."""
        self.asked += 1
        return self.charged.setdefault(ride_id, 100 + 15 * minutes)

    def refund(self, ride_id: str) -> None:
        """Take back the charge of a ride, if there is one."""
        self.charged.pop(ride_id, None)


@dataclass
class Mail:
    """Sends one receipt a ride, and none in the first `down` seconds.

    Of every ten rides, `unknown` are of riders without an address.
    """

    clock: Clock
    down: float = 0.0
    unknown: int = 0
    sent: dict[str, float] = field(default_factory=dict)

    def send(self, ride_id: str, cents: int) -> None:
        """Send a receipt; raises `MailDown` and `NoAddress`."""
        if self.clock.monotonic() < self.down:
            raise MailDown("try later")
        if int(ride_id[1:]) % 10 < self.unknown:
            raise NoAddress(ride_id)
        self.sent.setdefault(ride_id, self.clock.monotonic())


def flaky(function: str, dies: float) -> Mapping[str, Profile]:
    """Return the times, where a share of a function's instances dies."""
    return {**TIMES, function: replace(TIMES[function], dies=dies)}
