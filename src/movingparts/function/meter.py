"""The meter: what each invocation costs, by a price sheet that is data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from movingparts.function.contract import Invocation

MONTH = 30  # days


@dataclass(frozen=True, slots=True)
class Prices:
    """A price sheet, in dollars; `source` and `date` say whose.

    `per_gb_second` is for time in which a function runs or starts, rounded up to
    `step` seconds; `warm_gb_second` is for provisioned instances that wait, and
    `busy_gb_second` for their runs. `cpu_hour` and `gb_hour` are for a container that
    is always on.
    """

    source: str
    date: str
    per_request: float
    per_gb_second: float
    warm_gb_second: float
    busy_gb_second: float
    cpu_hour: float
    gb_hour: float
    step: float = 0.001

    def always_on(self, *, cpu: float, gb: float, copies: int = 1) -> float:
        """Return what so many containers cost in a month of 30 days."""
        return copies * 24 * MONTH * (cpu * self.cpu_hour + gb * self.gb_hour)


AWS = Prices(
    source="AWS Lambda and AWS Fargate, us-east-1, x86",
    date="2026-11",
    per_request=0.20 / 1_000_000,
    per_gb_second=0.000_016_666_7,
    warm_gb_second=0.000_004_166_7,
    busy_gb_second=0.000_009_722_2,
    cpu_hour=0.040_48,
    gb_hour=0.004_445,
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one invocation costs.

    >>> done = Invocation("1", "fares", 1, 0.0, "ok", run=0.1, memory_mb=1024)
    >>> bill_line(done, AWS).gb_seconds
    0.1
    """

    id: str
    function: str
    gb_seconds: float
    requests: int
    cost: float


def bill_line(done: Invocation, prices: Prices = AWS) -> Line:
    """Return the bill's line for an invocation: a throttled one costs nothing.

    A failed one costs as much as another: its time was used.
    """
    if done.status == "throttled":
        return Line(done.id, done.function, 0.0, 0, 0.0)
    # The times are in microseconds, so rounding up must not see a float's last bit.
    steps = math.ceil(round(done.took / prices.step, 6))
    gb_seconds = round(steps * prices.step * done.memory_mb / 1024, 9)
    rate = prices.busy_gb_second if done.provisioned else prices.per_gb_second
    cost = prices.per_request + gb_seconds * rate
    return Line(done.id, done.function, gb_seconds, 1, cost)


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of some invocations, with provisioned instances if there were any.

    `warm` is in GB-seconds: memory of provisioned instances by the time they were up.
    """

    lines: tuple[Line, ...]
    prices: Prices = AWS
    warm: float = 0.0

    @classmethod
    def of(
        cls,
        invocations: Iterable[Invocation],
        prices: Prices = AWS,
        *,
        warm: float = 0.0,
    ) -> Bill:
        """Bill what a platform has run."""
        lines = tuple(bill_line(done, prices) for done in invocations)
        return cls(lines, prices, warm)

    @property
    def gb_seconds(self) -> float:
        """Memory by time, of all invocations."""
        return math.fsum(line.gb_seconds for line in self.lines)

    @property
    def requests(self) -> int:
        """How many invocations are billed."""
        return sum(line.requests for line in self.lines)

    @property
    def cost(self) -> float:
        """The sum, in dollars."""
        lines = math.fsum(line.cost for line in self.lines)
        return lines + self.warm * self.prices.warm_gb_second

    def month(self, *, days: float = 1.0) -> float:
        """Return the cost of a month if all days are like these."""
        return self.cost * MONTH / days


def break_even(
    monthly: float, *, seconds: float, memory_mb: int, prices: Prices = AWS
) -> float:
    """Return from how many invocations a month a service at `monthly` is cheaper.

    `seconds` is how long one invocation takes, warm.
    """
    return monthly / invocation_cost(
        seconds=seconds, memory_mb=memory_mb, prices=prices
    )


def invocation_cost(*, seconds: float, memory_mb: int, prices: Prices = AWS) -> float:
    """Return the cost of one warm invocation, in dollars."""
    done = Invocation("", "", 1, 0.0, "ok", run=seconds, memory_mb=memory_mb)
    return bill_line(done, prices).cost
