"""Phones in the field: each shows bikes once a day, with whatever app it has.

Source: chapter 04. We assume that 60 % of the phones update within two weeks. Leaves
out: phones that are off, and everything else on the screen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.core.random import Constant
from movingparts.gateway import Route, gateway
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

PHONES, DAYS, DAY = 20, 42, 24 * 3600
READS = {1: "bikes", 2: "bikes_available"}  # the field that each app shows
WITHIN, SHARE = 14, 0.6  # by this day, so many phones have the new app


def updates(phone: int) -> int:
    """Return the day on which a phone gets the new app."""
    waits = WITHIN / math.log(1 / (1 - SHARE))
    return math.ceil(-waits * math.log(1 - (phone + 0.5) / PHONES))


@dataclass(frozen=True, slots=True)
class Screen:
    """What a phone showed on one day, and for how many milliseconds it waited."""

    day: int
    app: int
    bikes: int | None
    took: float


@dataclass
class Weeks:
    """All screens of six weeks."""

    screens: list[Screen] = field(default_factory=list)

    def broken(self, day: int | None = None) -> int:
        """Return how many screens had no bikes, of one day or of all."""
        days = range(DAYS) if day is None else (day,)
        return sum(each.bikes is None and each.day in days for each in self.screens)

    def table(self) -> Table:
        """Return each week's screens."""
        weeks = [[s for s in self.screens if s.day // 7 == w] for w in range(DAYS // 7)]
        rows = [
            (n, len(w), sum(s.app == 1 for s in w), sum(s.bikes is None for s in w))
            for n, w in enumerate(weeks, 1)
        ]
        head = ("week", "screens", "on the old app", "without bikes")
        return Table(head, [tuple(map(str, row)) for row in rows])


ONE_PATH = {1: "/availability", 2: "/availability"}


def six_weeks(
    services: Mapping[str, Factory],
    *,
    routes: Sequence[Route] = (Route("/availability", "availability"),),
    paths: Mapping[int, str] = ONE_PATH,
    back: tuple[int, Factory] | None = None,
    seed: int = 1,
) -> Recording:
    """Release services on day 0, and let all phones ask through the gateway.

    `paths` says where each app asks. `back` puts another `availability` into use at
    the beginning of a day. The result is a `Weeks`.
    """

    async def scenario(world: SimulatedWorld) -> Weeks:
        now = dict(services)
        world.network.everywhere(latency=Constant(0.001))
        for name in services:
            await world.serve(name, lambda node: now[node.name](node))
        await world.serve("gateway", lambda node: gateway(node, routes=routes))
        phones, weeks = world.node("phones"), Weeks()
        for day in range(DAYS):
            if back is not None and day == back[0]:
                now["availability"] = back[1]
                world.crash("availability")
                await world.restart("availability")
            for phone in range(PHONES):
                app = 2 if day >= updates(phone) else 1
                weeks.screens.append(await _show(phones, day, app, paths[app]))
            await world.clock.sleep(DAY)
        return weeks

    return simulate(scenario, seed=seed)


async def _show(phones: Node, day: int, app: int, path: str) -> Screen:
    """Ask for the bikes at the harbor, and show what the app finds in the answer."""
    begun = phones.clock.monotonic()
    answer = await phones.client.get(f"http://gateway{path}/stations/harbor")
    took = (phones.clock.monotonic() - begun) * 1000
    return Screen(day, app, answer.json().get(READS[app]), round(took, 3))
