"""Other callers of the fares: a day in three shapes; and functions by their size.

Source: chapter 11. Leaves out: that real days differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from movingparts.core.random import LogNormal, Random, Uniform, stream
from movingparts.function import Profile
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.cold import FARES_WEB, Waits, profile, serve
from movingparts.scenes.ch11.day import DAY, End, ends

CALLS = 600  # a day, of each shape


def steady(rng: Random) -> Iterator[float]:
    """One call at random after the other, by day and by night."""
    return (DAY * rng.random() for _ in range(CALLS))


def commute(rng: Random) -> Iterator[float]:
    """Most calls around 8:15 and 17:30, the others at any time."""
    for number in range(CALLS):
        peak = (8.25, 17.5)[number % 2] * 3600
        yield DAY * rng.random() if number % 10 == 0 else rng.gauss(peak, 2_400)


def trains(rng: Random) -> Iterator[float]:
    """Every half hour a train, whose riders all call within ten seconds."""
    for train in range(48):
        arrives = (train + 0.5) * 1_800
        for _ in range(CALLS // 48):
            yield arrives + Uniform(0, 10).draw(rng) / 1_000_000


def p(percent: float, waits: Waits) -> str:
    """Return a percentile of how long callers waited, as text."""
    return f"{percentile(waits.took, percent):.2f} s"


SHAPES = {"at random": steady, "in two peaks": commute, "by trains": trains}


def day_of(shape: str, *, seed: int = 1, **config: Any) -> Waits:
    """Invoke the fares, with their slow imports, at the times of a shape."""
    rides = [end.ride for end in ends(3_000)]
    times = sorted(round(at, 3) for at in SHAPES[shape](stream(seed, shape)))
    ended = [End(at, ride) for at, ride in zip(times, rides, strict=False)]
    return Waits(serve(profile(FARES_WEB), ended, seed=seed, **config))


COMPUTES = Profile(run=LogNormal(median=0.3, p99=0.6))
WAITS = Profile(run=LogNormal(median=0.005, p99=0.01), wait=LogNormal(0.3, 0.6))


def sized(times: Profile, memory_mb: int, *, calls: int = 200) -> Waits:
    """Invoke a function of some size every ten seconds; all calls but one are warm."""
    rides = ends(3_000)[:calls]
    ended = [End(10.0 * number, each.ride) for number, each in enumerate(rides)]
    return Waits(serve(times, ended, memory_mb=memory_mb, timeout=30.0))
