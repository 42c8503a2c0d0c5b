"""A service goes down for half a minute: what docks and Ada's app notice of it.

A bike comes to S001 every ten seconds. The dock reports what it hasn't reported yet,
until a report isn't answered; seven seconds later, Ada's app asks for the map.

Source: chapter 07. Leaves out: a machine that is gone for good, with the log on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from movingparts.core import Recording
from movingparts.core.node import Factory
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

ROUND, ROUNDS = 10, 6  # seconds, and how many there are
DOWN, UP = 20, 50  # seconds
NO_ANSWER = "no answer"


@dataclass
class Outage:
    """What came of each round: the dock's reports, and what Ada's map showed."""

    saved: list[list[str]] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)

    def table(self) -> Table:
        """Return a row for each round."""
        rows: list[tuple[str, ...]] = [
            (f"{number * ROUND} s", ", ".join(saved) or NO_ANSWER, shown)
            for number, (saved, shown) in enumerate(
                zip(self.saved, self.maps, strict=True)
            )
        ]
        return Table(("from", "reports saved", "Ada's app shows"), rows)

    @property
    def lost(self) -> str:
        """What wasn't to be had while the service was down."""
        during = slice(DOWN // ROUND, UP // ROUND)
        lost = {
            "reports": not any(self.saved[during]),
            "map": NO_ANSWER in self.maps[during],
        }
        return " and ".join(name for name, gone in lost.items() if gone) or "nothing"


def outage(
    services: Mapping[str, Factory], *, down: str = "stations", map_at: str = "stations"
) -> Recording:
    """Run services, one of them down from 20 s to 50 s; the result is an `Outage`."""

    async def scenario(world: SimulatedWorld) -> Outage:
        world.network.everywhere(latency=0.005)
        found, waiting = Outage(), list[str]()
        for name, make in services.items():
            await world.serve(name, make)
        operator = world.node("operator")
        world.after(DOWN, world.crash, down)
        world.after(UP, lambda: operator.tasks.create_task(world.restart(down)))
        for number in range(ROUNDS):
            await _until(world, number * ROUND + 1)
            waiting.append(f"B{number + 1}")
            found.saved.append(await _report(world, waiting))
            await _until(world, number * ROUND + 8)
            found.maps.append(await _ask(world, map_at))
        return found

    return simulate(scenario, seed=1)


async def _until(world: SimulatedWorld, seconds: float) -> None:
    await world.clock.sleep(seconds - world.clock.monotonic())


async def _report(world: SimulatedWorld, waiting: list[str]) -> list[str]:
    """Report the bikes in their order, and return those that were saved."""
    saved = []
    try:
        while waiting:
            url = f"http://stations/stations/S001/bikes/{waiting[0]}"
            (await world.client("dock").put(url)).raise_for_status()
            saved.append(waiting.pop(0))
    except httpx.HTTPError:
        pass  # the dock tries again in the next round
    return saved


async def _ask(world: SimulatedWorld, map_at: str) -> str:
    """Return what Ada's map says, and how old it is if it says that too."""
    try:
        reply = await world.client("ada").get(f"http://{map_at}/map")
        body = reply.raise_for_status().json()
    except httpx.HTTPError:
        return NO_ANSWER
    count = body.get("bikes", body).get("S001", 0)
    bikes = f"{count} bike{'s' * (count != 1)}"
    if "as_of" not in body:
        return bikes
    age = world.clock.now() - datetime.fromisoformat(body["as_of"])
    return f"{bikes}, {age.total_seconds():.0f} s old (position {body['position']})"
