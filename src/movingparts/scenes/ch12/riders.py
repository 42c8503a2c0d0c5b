"""Riders who keep coming at a rate of their own, whether they are answered or not.

Source: chapter 12. Leaves out: riders who give up for good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from movingparts.core import Recording
from movingparts.measure.latency import percentile
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld

Ask = Callable[[], Awaitable[object]]  # raises if the rider gets no answer


@dataclass(frozen=True, slots=True)
class Asked:
    """One rider: when they asked, in seconds, how long it took, and what went wrong."""

    at: float
    took: float
    error: str = ""


@dataclass
class Riders:
    """What all riders saw."""

    asked: list[Asked] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many got an answer."""
        return sum(not each.error for each in self.asked)

    @property
    def errors(self) -> Counter[str]:
        """How many saw which error."""
        return Counter(each.error for each in self.asked if each.error)

    def at(self, percent: float) -> float:
        """Return a percentile of the answers' times, in milliseconds."""
        times = [each.took * 1000 for each in self.asked if not each.error]
        return percentile(times, percent) if times else 0.0

    def share(self, start: float, end: float) -> float:
        """Return which share of those who asked in this time got an answer."""
        then = [not each.error for each in self.asked if start <= each.at < end]
        return sum(then) / len(then) if then else 1.0

    def row(self, name: str) -> tuple[str, ...]:
        """Return the counts and the times as text."""
        times = [f"{self.at(p):,.0f} ms" for p in (50, 95, 99)]
        return (name, f"{len(self.asked):,}", f"{self.answered:,}", *times)


def table(runs: Mapping[str, Recording], what: str = "") -> Table:
    """Return a row for each run."""
    head = (what or "with", "asked", "answered", "p50", "p95", "p99")
    return Table(head, [run.result.row(name) for name, run in runs.items()])


async def come(
    world: SimulatedWorld, ask: Ask, *, rate: float, seconds: float, into: Riders
) -> None:
    """Have riders ask for so long, `rate` a second, at random times.

    Each asks in a task of their own, so nobody waits for another. Returns when all
    have their answer or their error.
    """
    tasks = world.node("riders").tasks
    running = []
    end = world.clock.monotonic() + seconds
    while True:
        await world.clock.sleep(world.random.expovariate(rate))
        if world.clock.monotonic() >= end:
            break
        running.append(tasks.create_task(_one(world, ask, into)))
    for task in running:
        await task


async def _one(world: SimulatedWorld, ask: Ask, into: Riders) -> None:
    begun, error = world.clock.monotonic(), ""
    try:
        await ask()
    except Exception as failure:  # noqa: BLE001 - whatever it is, the rider sees it
        error = type(failure).__name__
    took = world.clock.monotonic() - begun
    into.asked.append(Asked(begun, took, error))
