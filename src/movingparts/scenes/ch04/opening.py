"""Riders open the home screen one after another; each gets it whole, in part, or not.

Source: chapter 04's lab. Leaves out: what an app keeps from the last time, and riders
who open it at the same time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.core.random import Latency, Uniform
from movingparts.measure.latency import percentile
from movingparts.scenes.ch04.asking import NoAnswer, Phone
from movingparts.scenes.ch04.home import SERVICES
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

PHONE = Uniform(0.060, 0.120)  # seconds, one way

App = Callable[[Phone], Awaitable[Mapping[str, Any]]]  # returns the screen's parts


@dataclass
class Screens:
    """How long screens took, in milliseconds, and what became of them.

    >>> Screens(took=[200.0, 300.0], whole=1, partial=1).row()
    ('200 ms', '300 ms', '0', '1', '1', '0')
    """

    took: list[float] = field(default_factory=list)
    again: int = 0  # the app had to ask again for one of its parts
    whole: int = 0
    partial: int = 0
    none: int = 0

    def at(self, percent: float) -> float:
        """Return a percentile of the times."""
        return percentile(self.took, percent)

    def row(self) -> tuple[str, ...]:
        """Return the times and the counts as text."""
        counts = self.again, self.whole, self.partial, self.none
        times = [f"{self.at(percent):,.0f} ms" for percent in (50, 99)]
        return (*times, *map(str, counts))


def table(first: str, runs: Mapping[str, Recording]) -> Table:
    """Return a row for each run; `first` says what distinguishes them."""
    head = (first, "p50", "p99", "asked again", "whole", "in part", "none")
    return Table(head, [(name, *run.result.row()) for name, run in runs.items()])


def slow(name: str, latency: Latency) -> dict[str, Factory]:
    """Return the service of that name, which takes so much longer for each answer."""

    def make(node: Node) -> FastAPI:
        app = SERVICES[name](node)

        @app.middleware("http")
        async def wait(request: Any, call_next: Any) -> Any:
            await node.clock.sleep(latency.draw(node.random) / 1_000_000)
            return await call_next(request)

        return app

    return {name: make}


def opened(
    app: App,
    *,
    count: int = 100,
    services: Mapping[str, Factory] | None = None,
    down: Mapping[str, range] | None = None,
    latency: Latency | float = PHONE,
    loss: float = 0.01,
    seed: int,
) -> Recording:
    """Open so many home screens; the result is `Screens`.

    `services` come beside the six, or in place of some. `down` says during which of
    the screens a service is down. `latency` is between phone and services, one way.
    """

    async def scenario(world: SimulatedWorld) -> Screens:
        world.network.between("app", "*", latency=latency, loss=loss)
        for name, factory in {**SERVICES, **(services or {})}.items():
            await world.serve(name, factory)
        found, phone = Screens(), Phone(world.node("app"))
        for number in range(count):
            for name, when in (down or {}).items():
                if number == when.start:
                    world.crash(name)
                if number == when.stop:
                    await world.restart(name)
            await _open(world, app, phone, found)
        return found

    return simulate(scenario, seed=seed)


async def _open(world: SimulatedWorld, app: App, phone: Phone, found: Screens) -> None:
    begun, before = world.clock.monotonic(), phone.again
    try:
        screen = {k: v for k, v in (await app(phone)).items() if k != "missing"}
        found.partial += None in screen.values()
        found.whole += None not in screen.values()
    except NoAnswer:
        found.none += 1
    found.took.append((world.clock.monotonic() - begun) * 1000)
    found.again += phone.again > before
