"""One day of a function, under any traffic and any settings: what a dashboard shows.

Pure: the same settings give the same day, so a dashboard can show a day again at once.

Source: chapter 11. Leaves out: a limit, failures, and more than one function.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from movingparts.core.random import Constant, LogNormal, stream
from movingparts.function import Bill, Platform, Profile, SimulatedBackend
from movingparts.measure.latency import Percentiles
from movingparts.scenes.ch11.day import DAY, ends
from movingparts.scenes.ch11.functions import FARES
from movingparts.world.simulated import SimulatedWorld, simulate

SHAPES = ("steady", "commute", "spiky")
RIDES = 2_880  # in a day: as many as Larkhaven has on this weekday, and one in 30 s
STEP = 600  # seconds between two points of a curve
FARE = {
    "started_at": "2026-06-01T08:00:00+02:00",
    "ended_at": "2026-06-01T08:12:00+02:00",
}

# Seconds on one whole CPU, but for `wait`: fares also asks a database for a price.
TIMES = Profile(
    start=Constant(0.1),
    init=LogNormal(0.25, 0.5),
    run=LogNormal(0.02, 0.1),
    wait=LogNormal(0.01, 0.05),
)


def traffic(shape: str) -> list[float]:
    """Return when requests come, in seconds since midnight.

    `steady`: at any time alike. `commute`: when rides end in Larkhaven, mostly around
    08:15 and 17:30. `spiky`: in 20 seconds of each hour, as when a train arrives.
    """
    if shape == "commute":
        return [end.at for end in ends(3_000)]
    random = stream(11, shape)
    starts = [hour * 3_600 for hour in range(24)] * (RIDES // 24)
    within = 20 if shape == "spiky" else 3_600
    return sorted(round(at + random.random() * within, 6) for at in starts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a day.

    `curve` is the most instances that were up in each ten minutes, as (hour,
    instances); `waits` are the callers', in milliseconds.
    """

    curve: tuple[tuple[float, int], ...]
    waits: tuple[float, ...]
    cold: int
    bill: Bill

    @property
    def percentiles(self) -> Percentiles:
        """The median and the tail of the waits, in milliseconds."""
        return Percentiles.of(self.waits)

    def histogram(self, *edges: float) -> list[tuple[str, int]]:
        """Return how many waits are under each edge and not under the one before.

        >>> Outcome((), (30.0, 70.0, 900.0), 1, Bill(())).histogram(50, 100)
        [('under 50 ms', 1), ('50 to 100 ms', 1), ('100 ms or more', 1)]
        """
        names = [f"under {edges[0]:g} ms"]
        names += [f"{a:g} to {b:g} ms" for a, b in pairwise(edges)]
        places = [sum(wait >= edge for edge in edges) for wait in self.waits]
        counts = [places.count(place) for place in range(len(edges) + 1)]
        return list(zip([*names, f"{edges[-1]:g} ms or more"], counts, strict=True))


@cache
def outcome(
    shape: str, memory_mb: int = 512, concurrency: int = 1, keep_warm: float = 300.0
) -> Outcome:
    """Return what comes of a day with traffic of this shape, one of `SHAPES`.

    An instance takes so many requests at once, and is idle for `keep_warm` seconds.
    """

    async def scenario(world: SimulatedWorld) -> Platform:
        node = world.node("functions")
        backend = SimulatedBackend(node.clock, node.random, {"fares": TIMES})
        platform = Platform(node, backend)
        await platform.deploy(
            "fares",
            FARES,
            memory_mb=memory_mb,
            concurrency=concurrency,
            keep_warm=keep_warm,
            timeout=30.0,
        )
        async with asyncio.TaskGroup() as waiting:
            for number, at in enumerate(traffic(shape)):
                await node.clock.sleep(max(0.0, at - node.clock.monotonic()))
                event = {"data": {"ride_id": str(number), **FARE}}
                waiting.create_task(platform.invoke("fares", event))
        await node.clock.sleep(max(0.0, DAY - node.clock.monotonic()))
        return platform

    day: Platform = simulate(scenario, seed=11).result
    done = day.invocations
    waits, cold = tuple(each.took * 1000 for each in done), [i for i in done if i.cold]
    curve = most([(at, count) for at, _, count in day.sizes])
    return Outcome(curve, waits, len(cold), Bill.of(done))


def most(sizes: list[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    """Return a day's curve from (second, instances) at each change."""
    found, count = [], 0
    for start in range(0, DAY, STEP):
        inside = [size for at, size in sizes if start <= at < start + STEP]
        found.append((start / 3_600, max([count, *inside])))
        count = inside[-1] if inside else count
    return tuple(found)
