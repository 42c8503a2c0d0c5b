"""Who waits for an instance to start: the riders of a morning.

Source: chapter 11. Starts and FastAPI's import have the median and the p99 that
bench/measured/11.json has of real processes; the other times are assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from movingparts.core import Node
from movingparts.core.random import LogNormal
from movingparts.function import Bill, Invocation, Platform, Profile, SimulatedBackend
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.day import End, Served, between, serve_day
from movingparts.scenes.ch11.functions import FARES, HERE
from movingparts.world import Table

FARES_WEB = HERE / "fares_web.py"  # the same fares, after slow imports

PROCESS = LogNormal(median=0.016, p99=0.018)
FARE = LogNormal(median=0.02, p99=0.06)
IMPORTS = {
    FARES: LogNormal(median=0.004, p99=0.008),
    FARES_WEB: LogNormal(median=0.177, p99=0.188),
}
THREE, HALF_PAST_SEVEN = 3 * 3600, 7.5 * 3600


def profile(source: Path) -> Profile:
    """Return the times of a version of the fares, on one whole CPU."""
    return Profile(start=PROCESS, init=IMPORTS[source], run=FARE)


@dataclass(frozen=True, slots=True)
class Waits:
    """What callers got: their invocations, and GB-seconds of provisioned instances."""

    served: Served
    warm: float = 0.0

    @property
    def invocations(self) -> tuple[Invocation, ...]:
        """In the order in which they ended."""
        return self.served.invocations

    @property
    def cold(self) -> list[Invocation]:
        """Those for which an instance had to start."""
        return [each for each in self.invocations if each.cold]

    @property
    def first(self) -> Invocation:
        """The one that began first."""
        return min(self.invocations, key=lambda each: each.began)

    @property
    def took(self) -> list[float]:
        """How long each caller waited, in seconds."""
        return [each.took for each in self.invocations]

    @property
    def bill(self) -> Bill:
        """What these hours cost, with what waits in them."""
        return Bill.of(self.invocations, warm=self.warm)

    @property
    def idle(self) -> float:
        """Instance-hours in which nothing ran."""
        ends_at = max(each.began + each.took for each in self.invocations)
        changes = [*self.served.sizes, (ends_at, 0)]
        up = math.fsum(
            count * max(min(until, ends_at) - at, 0.0)
            for (at, count), (until, _) in pairwise(changes)
        )
        return (up - math.fsum(each.run for each in self.invocations)) / 3600

    def by_hour(self, percent: float) -> list[tuple[float, float]]:
        """Return a percentile of the waits, for each hour in which somebody called."""
        hours: dict[int, list[float]] = {}
        for each in self.invocations:
            hours.setdefault(int(each.began // 3600), []).append(each.took)
        return [(hour, percentile(took, percent)) for hour, took in hours.items()]

    def table(self) -> Table:
        """Return how long those waited who met an instance, and who had to start it."""
        warm = [each.took for each in self.invocations if not each.cold]
        groups = {
            "an instance that was ready": warm,
            "an instance that had to start": [each.took for each in self.cold],
        }
        rows = [
            (name, str(len(took)), *(f"{percentile(took, p):.2f} s" for p in (50, 99)))
            for name, took in groups.items()
        ]
        return Table(("they met", "riders", "p50", "p99"), rows)


def morning(source: Path = FARES_WEB, *, seed: int = 1, **config: Any) -> Waits:
    """Invoke the fares for each ride that ends from three to half past seven.

    `config` is a `Config`'s. Provisioned instances are billed for these hours.
    """
    ended = between(THREE, HALF_PAST_SEVEN)
    served = serve(profile(source), ended, source=source, seed=seed, **config)
    gb = config.get("provisioned", 0) * config.get("memory_mb", 128) / 1024
    return Waits(served, warm=gb * (HALF_PAST_SEVEN - THREE))


def serve(
    times: Profile,
    ended: Sequence[End],
    *,
    source: Path = FARES,
    seed: int = 1,
    **config: Any,
) -> Served:
    """Invoke a function of such times for each ride, on a platform of its own."""

    async def deploy(node: Node) -> Platform:
        backend = SimulatedBackend(node.clock, node.random, profiles={"fares": times})
        platform = Platform(node, backend)
        await platform.deploy("fares", source, **config)
        return platform

    return serve_day(deploy, "fares", ended=ended, seed=seed)
