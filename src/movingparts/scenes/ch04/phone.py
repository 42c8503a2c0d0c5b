"""Riders open the home screen on a phone, again and again, and it is timed.

Source: chapter 04. Leaves out: that a phone first opens a connection to each address,
which takes more round trips, and whatever an app keeps from the last time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.core.random import Latency, Uniform
from movingparts.gateway import Part
from movingparts.measure.latency import percentile
from movingparts.scenes.ch04.home import HOME, SERVICES
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

PHONE = Uniform(0.060, 0.120)  # seconds, one way
PATIENCE = 1.0  # seconds, until the app asks again
RIDER, STATION, TOKEN = "ada", "harbor", "token-of-ada"

Ask = Callable[[str], Awaitable[Any]]
# Gets the parts of a screen by `ask`; a part that nobody has is None.
Way = Callable[[Ask, Sequence[Part]], Awaitable[Sequence[Any]]]


@dataclass
class Screens:
    """How long screens took, in milliseconds, and how many had which trouble."""

    took: list[float] = field(default_factory=list)
    again: int = 0  # the app had to ask again
    incomplete: int = 0

    def at(self, percent: float) -> float:
        """Return a percentile of the times."""
        return percentile(self.took, percent)

    def row(self, name: str) -> tuple[str, ...]:
        """Return the times and the counts as text."""
        times = [f"{self.at(p):,.0f} ms" for p in (50, 95, 99)]
        return (name, *times, str(self.again), str(self.incomplete))


def table(runs: Mapping[str, Recording]) -> Table:
    """Return a row for each way to ask."""
    head = ("the app asks", "p50", "p95", "p99", "asked again", "incomplete")
    return Table(head, [run.result.row(name) for name, run in runs.items()])


def screens(
    way: Way,
    *,
    count: int = 200,
    parts: Sequence[Part] = HOME,
    services: Mapping[str, Factory | None] | None = None,
    latency: Latency | float = PHONE,
    loss: float = 0.01,
    seed: int = 1,
) -> Recording:
    """Open so many home screens, one after another; the result is `Screens`.

    `services` come beside the six, or in place of some; None takes one away. `latency`
    is in seconds, one way, between the app and whatever it asks.
    """

    async def scenario(world: SimulatedWorld) -> Screens:
        world.network.between("app", "*", latency=latency, loss=loss)
        for name, factory in {**SERVICES, **(services or {})}.items():
            if factory is not None:
                await world.serve(name, factory)
        found, app = Screens(), _App(world.node("app"))
        for _ in range(count):
            begun, before = world.clock.monotonic(), app.again
            screen = await way(app.ask, parts)
            found.took.append((world.clock.monotonic() - begun) * 1000)
            found.again += app.again > before
            found.incomplete += None in screen
        return found

    return simulate(scenario, seed=seed)


class _App:
    """Asks for one thing, and asks again after a second without an answer."""

    def __init__(self, node: Node) -> None:
        self._node, self.again = node, 0

    async def ask(self, url: str) -> Any:
        """Return the answer; None if nobody has one."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        address = url.format(rider=RIDER, station=STATION)
        get = self._node.client.get
        while True:
            try:
                answer = await get(address, headers=headers, timeout=PATIENCE)
            except httpx.TimeoutException:
                self.again += 1
            except httpx.ConnectError:
                return None
            else:
                return answer.json() if answer.is_success else None
