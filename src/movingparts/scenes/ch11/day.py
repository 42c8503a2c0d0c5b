"""A weekday of Larkhaven for a function: each ride that ends is one event.

The city is ten times as large here as in other chapters: 240 stations, 30,000 ride
requests. Source: chapter 11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from movingparts.city.ride import Ride
from movingparts.city.synthetic import larkhaven
from movingparts.core.node import Node
from movingparts.function import Bill, Invocation, Platform
from movingparts.world.simulated import SimulatedWorld, simulate

DAY = 86_400  # seconds
Deploy = Any  # async (Node) -> Platform, with one function or more deployed


@dataclass(frozen=True, slots=True)
class End:
    """A ride that ended, and when: in seconds since midnight in Larkhaven."""

    at: float
    ride: Ride

    def event(self) -> dict[str, Any]:
        """Return the RideEnded as a CloudEvent."""
        data = {
            "ride_id": self.ride.ride_id,
            "rider_id": self.ride.rider_id,
            "started_at": self.ride.started_at.isoformat(),
            "ended_at": self.ride.ended_at.isoformat(),
        }
        return {
            "specversion": "1.0",
            "id": self.ride.ride_id,
            "source": "/rides",
            "type": "RideEnded",
            "time": self.ride.ended_at.isoformat(),
            "data": data,
        }


def ends(rides: int = 30_000) -> tuple[End, ...]:
    """Return the rides that end on a weekday of Larkhaven, in their order."""
    return _ends(rides)


@cache
def _ends(rides: int) -> tuple[End, ...]:
    scale = max(rides // 3_000, 1)
    city = larkhaven(
        rides=rides, bikes=300 * scale, riders=1_500 * scale, stations=24 * scale
    )
    zone = ZoneInfo(city.timezone)
    found = [End(_second(ride, zone), ride) for ride in city.rides()]
    return tuple(sorted(found, key=lambda end: end.at))


def _second(ride: Ride, zone: ZoneInfo) -> float:
    local = ride.ended_at.astimezone(zone)
    return float(local.hour * 3600 + local.minute * 60 + local.second)


def between(start: float, end: float, *, rides: int = 30_000) -> list[End]:
    """Return the rides that end between two times, in seconds since midnight."""
    return [each for each in ends(rides) if start <= each.at < end]


@dataclass(frozen=True, slots=True)
class Served:
    """What a platform did in a day: invocations, and how many instances were up when.

    `sizes` is (second, instances) at each change.
    """

    invocations: tuple[Invocation, ...]
    sizes: tuple[tuple[float, int], ...]

    @property
    def bill(self) -> Bill:
        """What it costs."""
        return Bill.of(self.invocations)

    @property
    def most(self) -> int:
        """The most instances that were up at once."""
        return max((count for _, count in self.sizes), default=0)

    def every(self, seconds: float, *, until: float = DAY) -> list[tuple[float, int]]:
        """Return how many instances were up at each multiple of so many seconds."""
        found, changes, count, at = [], list(self.sizes), 0, 0.0
        while at <= until:
            while changes and changes[0][0] <= at:
                count = changes.pop(0)[1]
            found.append((at, count))
            at += seconds
        return found


def serve_day(
    deploy: Deploy,
    name: str = "receipts",
    *,
    ended: Sequence[End] | None = None,
    event: Callable[[End], Any] = End.event,
    seed: int = 1,
) -> Served:
    """Invoke a function for each ride that ends, on a platform that `deploy` makes.

    `deploy` is called with a node, and returns its `Platform` once the function is
    deployed; `ended` are the rides, by default those of the whole day, and `event`
    makes of each what the function gets.
    """
    rides = ends() if ended is None else ended

    async def scenario(world: SimulatedWorld) -> Served:
        node: Node = world.node("functions")
        platform: Platform = await deploy(node)
        async with asyncio.TaskGroup() as waiting:
            for each in rides:
                wait = each.at - node.clock.monotonic()
                await node.clock.sleep(max(0.0, wait))
                waiting.create_task(platform.invoke(name, event(each)))
        await node.clock.sleep(3_600.0)  # until all instances have ended
        sizes = tuple(
            (at, count) for at, which, count in platform.sizes if which == name
        )
        return Served(tuple(platform.invocations), sizes)

    served: Served = simulate(scenario, seed=seed).result
    return served
