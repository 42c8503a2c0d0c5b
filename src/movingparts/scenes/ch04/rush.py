"""Riders ask for their fares, one every quarter of a second, and then a train arrives.

The app waits for 1 s. Source: chapter 04; Ulrich 2016 (deadline propagation). Leaves
out: riders who ask again, which chapter 12 adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import httpx
from fastapi import Request

from movingparts.core import Node, Recording
from movingparts.core.random import Uniform
from movingparts.gateway import Route, gateway
from movingparts.scenes.ch04.fares import PATIENCE, Until, billing, rides
from movingparts.scenes.ch04.home import on_the_phone
from movingparts.upstream import REQUEST, TIMEOUT, Deadline
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

APP_WAITS = 1.0  # seconds
GAP = Uniform(0.2, 0.3)  # seconds between two riders
TRAIN, GETS_OFF, LASTS = 12, 3.0, 2.0  # riders, and when they ask
ENDS = 20.0


@dataclass
class Rush:
    """When each rider asked, in seconds, and whether the fare was there in time."""

    asked: list[tuple[float, bool]] = field(default_factory=list)
    worked: int = 0  # fares that billing worked out

    @property
    def shown(self) -> int:
        """How many fares reached a rider."""
        return sum(seen for _, seen in self.asked)

    def by(self, second: float) -> int:
        """Return how many of those who had asked by then saw their fare."""
        return sum(seen for at, seen in self.asked if at <= second)

    def row(self, who: str) -> tuple[str, ...]:
        """Return the counts as text."""
        counts = len(self.asked), self.worked, self.shown, self.worked - self.shown
        return (who, *map(str, counts))


def fares(found: dict[str, Rush]) -> Table:
    """Return what billing worked for, a row for each rush."""
    head = ("who goes by the deadline", "asked", "worked out", "shown", "for nobody")
    return Table(head, [each.row(who) for who, each in found.items()])


async def serve(
    world: SimulatedWorld, until: Until, found: Rush, *, busy: float = 0.0
) -> None:
    """Start the chain, with marks for the time each was given and for each fare."""

    def noted(node: Node, request: Request) -> Deadline:
        deadline = until(node, request)
        world.note(node.name, f"{deadline.left(PATIENCE) * 1000:,.0f} ms")
        return deadline

    def worked() -> None:
        found.worked += 1
        world.note("billing", "fare")

    routes = [Route("/rides", "rides")]
    await world.serve("gateway", partial(gateway, routes=routes, seconds=PATIENCE))
    await world.serve("rides", rides(noted))
    await world.serve("billing", billing(noted, worked, busy=busy))
    on_the_phone(world, loss=0.0)


async def ask(world: SimulatedWorld, found: Rush, says: int | None) -> None:
    """Ask for a fare as the app does, and wait for a second."""
    begun, app = world.clock.monotonic(), world.node("app")
    limit = {} if says is None else {TIMEOUT: str(says)}
    headers = {REQUEST: f"f-{len(found.asked) + 1}", **limit}
    url = "http://gateway/rides/riders/ada/fare"
    try:
        reply = await app.client.get(url, headers=headers, timeout=APP_WAITS)
    except httpx.TimeoutException:
        found.asked.append((begun, False))
    else:
        found.asked.append((begun, reply.is_success))


def alone(until: Until, *, says: int | None = None, busy: float = 3.0) -> Recording:
    """Let one rider ask while billing is busy with something else."""

    async def scenario(world: SimulatedWorld) -> Rush:
        found = Rush()
        await serve(world, until, found, busy=busy)
        await ask(world, found, says)
        await world.clock.sleep(busy)
        return found

    return simulate(scenario, seed=1)


def rush(
    until: Until, *, says: int | None = None, train: int = TRAIN, seed: int = 1
) -> Rush:
    """Let riders ask, and a train arrive; `says` is what the app says, in ms.

    It says less than it waits, since the phone's network may need 240 ms.
    """

    async def scenario(world: SimulatedWorld) -> Rush:
        found, app = Rush(), world.node("app")
        await serve(world, until, found)

        def come() -> None:
            app.tasks.create_task(ask(world, found, says))

        for number in range(train):
            world.after(GETS_OFF + number * LASTS / train, come)
        while world.clock.monotonic() < ENDS:
            await world.clock.sleep(GAP.draw(world.random) / 1_000_000)
            come()
        await world.clock.sleep(2 * PATIENCE)  # until the last work has ended
        return found

    found: Rush = simulate(scenario, seed=seed).result
    return found
