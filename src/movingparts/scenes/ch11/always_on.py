"""A service that is always on: so many copies, sized for the busiest time of a day.

Source: chapter 11; Erlang's question of how many lines an exchange needs. Leaves out:
what sends a request to a free copy, and copies that fail.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from itertools import accumulate, count

from movingparts.core.random import Exponential, LogNormal, stream
from movingparts.function import AWS, Prices
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.day import DAY, End
from movingparts.world import Table

PDF = LogNormal(median=1.2, p99=4.0)  # seconds of one CPU, for one receipt
START = LogNormal(median=0.5, p99=1.2)  # seconds until an instance can make one
QUARTER = 900  # seconds
Times = Sequence[float]  # seconds
TRIED = 3_000  # requests, to see whether so many copies are enough


def serve(arrivals: Times, runs: Times, copies: int) -> list[float]:
    """Return how long each request waits for a free copy, in seconds."""
    free_at, waits = [0.0] * copies, []
    for arrival, run in zip(arrivals, runs, strict=True):
        begins = max(arrival, heappop(free_at))
        heappush(free_at, begins + run)
        waits.append(begins - arrival)
    return waits


@dataclass(frozen=True, slots=True)
class Day:
    """What so many copies did in a day: times, waits and runs are in seconds."""

    copies: int
    arrivals: tuple[float, ...]
    waits: tuple[float, ...]
    runs: tuple[float, ...]

    @property
    def busy(self) -> float:
        """For which share of their time the copies work."""
        return math.fsum(self.runs) / (DAY * self.copies)

    def month(self, prices: Prices = AWS) -> float:
        """Return what copies with one CPU and 2 GB cost in a month, in dollars."""
        return prices.always_on(cpu=1, gb=2, copies=self.copies)

    def quarter(self, percent: float = 99) -> float:
        """Return how long so many in 100 wait in the busiest quarter of an hour."""
        quarters = [int(at // QUARTER) for at in self.arrivals]
        [(busiest, _)] = Counter(quarters).most_common(1)
        waits = zip(quarters, self.waits, strict=True)
        return percentile((wait for each, wait in waits if each == busiest), percent)

    def table(self, hours: int = 3) -> Table:
        """Return how many receipts there are every few hours, and how busy that is."""
        rows: list[tuple[str, ...]] = []
        for begins in range(0, 24, hours):
            there = [
                run
                for at, run in zip(self.arrivals, self.runs, strict=True)
                if begins <= at / 3600 < begins + hours
            ]
            busy = math.fsum(there) / (self.copies * hours * 3600)
            when = f"{begins:02}:00 to {begins + hours:02}:00"
            rows.append((when, f"{len(there):,}", f"{busy:.1%}"))
        return Table(("time", "receipts", "copies busy"), rows)


def always_on(rides: Sequence[End], copies: int, *, seed: int = 1) -> Day:
    """Make a receipt for each ride that ends, with so many copies."""
    random = stream(seed, "receipts")
    arrivals = tuple(end.at for end in rides)
    runs = tuple(PDF.draw(random) / 1_000_000 for _ in rides)
    return Day(copies, arrivals, tuple(serve(arrivals, runs, copies)), runs)


def peak_share(rides: Sequence[End]) -> float:
    """Return the share of a day's rides that end in its busiest quarter of an hour."""
    quarters = Counter(int(end.at // QUARTER) for end in rides)
    return max(quarters.values()) / len(rides)


def peak_rate(rides: Sequence[End]) -> float:
    """Return how many rides a second end in the busiest quarter of an hour."""
    return peak_share(rides) * len(rides) / QUARTER


@cache
def enough(rate: float, *, wait: float = 0.2, seed: int = 1) -> int:
    """Return how many copies it takes so that 99 of 100 requests wait less.

    Requests come at random, `rate` a second on average; `wait` is in seconds.
    """
    gaps, runs = _drawn(seed)
    arrivals = [each / rate for each in accumulate(gaps)]
    least = math.ceil(rate * math.fsum(runs) / TRIED)  # fewer never catch up
    return next(
        copies
        for copies in count(max(least, 1))
        if percentile(serve(arrivals, runs, copies), 99) < wait
    )


@cache
def _drawn(seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return gaps of one second on average, and runs."""
    random, gap = stream(seed, "enough"), Exponential(1.0)
    gaps = tuple(gap.draw(random) / 1_000_000 for _ in range(TRIED))
    return gaps, tuple(PDF.draw(random) / 1_000_000 for _ in range(TRIED))


def copies_for(share: float, rides: float, *, even: float = 0.0) -> int:
    """Return the copies for so many rides a day.

    Of them, `share` end in the busiest quarter of an hour, but the part `even` is
    spread evenly over the day.
    """
    peak = (1 - even) * share + even * QUARTER / DAY
    return enough(rides * peak / QUARTER)
