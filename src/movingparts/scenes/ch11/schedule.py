"""A day of calls, with a number of provisioned instances for each hour.

Counts as the platform does, without running it, so that a day takes milliseconds.
Source: chapter 11; tests/book/test_chapter_11_p2.py holds it against the platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from movingparts.function import AWS
from movingparts.measure.latency import percentile

HOURS, HOUR = 24, 3_600.0
Calls = Sequence[tuple[float, float]]  # when one comes, and how long it runs


class TooManyTries(RuntimeError):
    """All tries are used up."""


@dataclass(frozen=True, slots=True)
class Day:
    """How a day was: calls and cold starts in each hour, p99 in seconds, dollars."""

    calls: tuple[int, ...]
    cold: tuple[int, ...]
    p99: float
    cost: float


@dataclass(slots=True)
class Slot:
    """An instance, and when it is free again."""

    free_at: float
    provisioned: bool = False


@dataclass
class Instances:
    """Whatever instances there are; the one that was used last goes first."""

    keep_warm: float
    slots: list[Slot] = field(default_factory=list)

    def provide(self, count: int, at: float) -> None:
        """Start or end provisioned instances until there are so many."""
        there = [slot for slot in self.slots if slot.provisioned]
        self.slots += [Slot(at, provisioned=True) for _ in range(count - len(there))]
        for slot in sorted(there, key=lambda slot: slot.free_at)[count:]:
            self.slots.remove(slot)

    def take(self, at: float) -> Slot | None:
        """Return an idle instance, or None."""
        self.slots = [
            slot
            for slot in self.slots
            if slot.provisioned or at - slot.free_at < self.keep_warm
        ]
        idle = [slot for slot in self.slots if slot.free_at <= at]
        return max(idle, key=lambda slot: slot.free_at, default=None)


def run_day(
    calls: Calls,
    plan: Sequence[int],
    *,
    init: float = 4.0,
    keep_warm: float = 300.0,
    gb: float = 0.125,
) -> Day:
    """Return how a day goes with `plan[hour]` provisioned instances in each hour."""
    instances, hour = Instances(keep_warm), -1
    cold, count, took = [0] * HOURS, [0] * HOURS, []
    cost = sum(plan) * HOUR * gb * AWS.warm_gb_second
    for at, run in calls:
        while hour < int(at // HOUR):
            hour += 1
            instances.provide(plan[hour], hour * HOUR)
        slot, wait = instances.take(at), 0.0
        if slot is None:
            slot, wait = Slot(at), init
            instances.slots.append(slot)
            cold[hour] += 1
        slot.free_at = at + wait + run
        count[hour] += 1
        took.append(wait + run)
        rate = AWS.busy_gb_second if slot.provisioned else AWS.per_gb_second
        cost += AWS.per_request + (wait + run) * gb * rate
    return Day(tuple(count), tuple(cold), percentile(took, 99), round(cost, 9))


@dataclass
class TryOut:
    """Tries plans on one day, a limited number of times."""

    day: Calls
    most: int = 12
    used: int = 0

    def __call__(self, plan: Sequence[int]) -> Day:
        """Return how the day goes with a plan: 24 numbers from 0 to 9."""
        self.used += 1
        if self.used > self.most:
            raise TooManyTries(f"{self.most} tries are all there are")
        if len(plan) != HOURS or not all(n in range(10) for n in plan):
            raise ValueError(f"a plan is 24 numbers from 0 to 9, got {plan!r}")
        return run_day(self.day, [int(n) for n in plan])
