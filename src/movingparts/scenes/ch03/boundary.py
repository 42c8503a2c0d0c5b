"""Cities that ask how large their aggregates should be, in exercise 3.4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from pydantic import ConfigDict, NonNegativeFloat
from pydantic.dataclasses import dataclass as validated

from movingparts.core import Recording
from movingparts.measure.contention import Contention, Load, contend

Boundary = Literal["bike", "station", "city"]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)  # the smallest first
ONE_RIDER = "a bike has one rider at most"
NO_MORE = "a station promises no more bikes than it has"
ONE_PROMISE = "a rider has one promise at most, wherever it is"
RULES = (ONE_RIDER, NO_MORE, ONE_PROMISE)  # a bike has the first inside, a city all


@dataclass(frozen=True, slots=True)
class Case:
    """A city that asks how large its aggregates should be.

    `per_second` riders come, look at what they want for `think` seconds, and commit.
    At most `limit` of all attempts, a share from 0 to 1, may come too late. `rule` must
    hold at each commit.

    >>> CASES[0].name, CASES[0].limit
    ('Larkhaven', 0.1)
    """

    name: str
    rule: str
    per_second: float
    limit: float
    think: float = 0.5
    stations: int = 24
    bikes: int = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """What a boundary did under a load, and the rules that it has inside.

    >>> Measured(attempts=420, conflicts=21, rules=(ONE_RIDER,))
    21 of 420 attempts too late (5.0%)
    """

    attempts: int
    conflicts: int
    rules: tuple[str, ...]

    @property
    def conflict_rate(self) -> float:
        """The share of the attempts that were too late, from 0 to 1."""
        return self.conflicts / self.attempts

    def __repr__(self) -> str:
        share = f"{self.conflict_rate:.1%}"
        return f"{self.conflicts} of {self.attempts} attempts too late ({share})"


@validated(frozen=True, config=ConfigDict(strict=True, allow_inf_nan=False))
class Decision:
    """Which boundary, its measured conflict rate, and whether a process is needed.

    >>> Decision("station", conflict_rate=0.05, needs_process=False).boundary
    'station'
    """

    boundary: Boundary
    conflict_rate: NonNegativeFloat
    needs_process: bool


CASES = (
    Case("Larkhaven", NO_MORE, per_second=2.0, limit=0.10),
    Case("Harbor City", ONE_PROMISE, per_second=6.0, limit=0.10),
    Case("Little Quay", ONE_PROMISE, per_second=0.1, limit=0.10, stations=6, bikes=40),
)


def measure(case: Case, boundary: Boundary) -> Measured:
    """Put a city's load on aggregates of that size, in virtual time, and count.

    Some stations are more popular than others; the bikes of a station are equally
    popular. Raises `ValueError` for a boundary that doesn't exist.

    >>> measure(CASES[0], "station")
    20 of 320 attempts too late (6.2%)
    """
    if boundary not in BOUNDARIES:
        listed = ", ".join(BOUNDARIES)
        raise ValueError(f"a boundary is one of {listed}; got {boundary!r}")
    found = contention(case, boundary)
    inside = RULES[: 1 + BOUNDARIES.index(boundary)]
    return Measured(found.attempts, found.conflicts, inside)


def contention(case: Case, boundary: Boundary) -> Contention:
    """Return what a case's load did: its name, rule and limit change nothing."""
    return _contention(replace(case, name="", rule="", limit=0.0), boundary)


@lru_cache(maxsize=64)
def _contention(case: Case, boundary: Boundary) -> Contention:
    popular = [1 / (1 + n // 3) for n in range(case.stations)]
    bikes = case.bikes // case.stations
    weights = {
        "city": [1.0],
        "station": popular,
        "bike": [weight for weight in popular for _ in range(bikes)],
    }[boundary]
    load = Load(weights, case.per_second, case.think, actors=300, attempts=4)
    return contend(load, seed=round(case.per_second * 1000))


def first_conflict(case: Case, boundary: Boundary, *, shown: bool = True) -> Recording:
    """Return the part of a run with its first conflict; nothing if there is none."""
    run = contention(case, boundary).recording
    late = next((m for m in run.messages if m.fate == "refused"), None) if run else None
    if run is None or late is None or not shown:
        return Recording("simulated")
    read = f"read version {late.label.rpartition(' ')[2]}"
    same = [m for m in run.messages if m.target == late.target]
    same = [m for m in same[: same.index(late) + 1] if m.label in {read, late.label}]
    winner = next(m.source for m in same if m.label == late.label)
    pair = {winner, late.source}
    return replace(run, messages=[m for m in same if m.source in pair])
