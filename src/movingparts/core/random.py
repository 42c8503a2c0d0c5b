"""Seeded randomness: a stream of its own for every node and every link."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Random = random.Random
_Z99 = 2.3263478740408408  # the standard normal distribution's 99th percentile


def stream(seed: int, *names: object) -> Random:
    """Return a generator that depends on the seed and the names alone.

    A stream for each node and link means that one message more on one link does
    not change what happens on the others. Seeding with text goes through SHA-512,
    so neighboring seeds have nothing in common.

    >>> stream(7, "link", "rides").random() == stream(7, "link", "rides").random()
    True
    """
    return Random("/".join(map(str, (seed, *names))))


def microseconds(seconds: float) -> int:
    """Return a duration in whole microseconds, the unit of simulated time."""
    return round(seconds * 1_000_000)


class Latency(Protocol):
    """How long a message is under way."""

    def draw(self, rng: Random) -> int:
        """Return one duration in microseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same duration, in seconds.

    >>> Constant(0.005).draw(stream(1))
    5000
    """

    seconds: float

    def draw(self, rng: Random) -> int:
        """Return the duration in microseconds."""
        return microseconds(self.seconds)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any duration from `low` to `high`, in seconds, each as likely.

    >>> 1000 <= Uniform(0.001, 0.002).draw(stream(1)) <= 2000
    True
    """

    low: float
    high: float

    def draw(self, rng: Random) -> int:
        """Return one duration in microseconds."""
        return microseconds(self.low + (self.high - self.low) * rng.random())


@dataclass(frozen=True, slots=True)
class Exponential:
    """Durations as between independent arrivals, with a mean in seconds.

    >>> Exponential(0.010).draw(stream(1)) >= 0
    True
    """

    mean: float

    def draw(self, rng: Random) -> int:
        """Return one duration in microseconds."""
        return microseconds(-math.log(1.0 - rng.random()) * self.mean)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Durations with a long tail: half are under `median`, 99 in 100 under `p99`.

    Both are in seconds. Response times of services look more like this than like a
    bell curve.

    >>> LogNormal(median=0.005, p99=0.050).draw(stream(1)) > 0
    True
    """

    median: float
    p99: float

    def __post_init__(self) -> None:
        if not 0 < self.median <= self.p99:
            raise ValueError(f"needs 0 < median <= p99, got {self!r}")

    def draw(self, rng: Random) -> int:
        """Return one duration in microseconds."""
        sigma = math.log(self.p99 / self.median) / _Z99
        return microseconds(self.median * math.exp(sigma * rng.gauss(0.0, 1.0)))


@dataclass(frozen=True, slots=True)
class Empirical:
    """Durations that were measured, in seconds; one of them is picked each time.

    >>> Empirical((0.002,)).draw(stream(1))
    2000
    """

    samples: Sequence[float]

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError("needs at least one measured duration")

    def draw(self, rng: Random) -> int:
        """Return one of the samples in microseconds."""
        return microseconds(self.samples[int(rng.random() * len(self.samples))])


def latency(value: float | Latency) -> Latency:
    """Return a latency for a plain number of seconds, or the latency given."""
    if isinstance(value, int | float):
        if not 0 <= value < math.inf:
            raise ValueError(f"a latency is a number of seconds from 0, got {value!r}")
        return Constant(float(value))
    return value
