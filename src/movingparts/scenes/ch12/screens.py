"""A city in which riders and test requests open the start screen.

Source: chapter 12. Leaves out: riders who give up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from movingparts.core import Recording
from movingparts.faults import Fault, Injector
from movingparts.scenes.ch12.riders import Riders, come
from movingparts.scenes.ch12.start_screen import WORK, Part, Who, start_screen
from movingparts.world.simulated import SimulatedWorld, simulate

TEST = ("x-test", "yes")  # a header that only test requests have


@dataclass(frozen=True, slots=True)
class Opened:
    """One screen: when it was asked for, how long it took, whether it came.

    Times are in seconds; `hit` says whether a call for it met a fault.
    """

    at: float
    took: float
    came: bool
    hit: bool


@dataclass
class City:
    """The services, and all screens that riders have opened."""

    world: SimulatedWorld
    injector: Injector
    parts: dict[str, Part]
    hit: set[str]
    riders: list[Opened] = field(default_factory=list)
    ids: count[int] = field(default_factory=count)

    @classmethod
    async def served(cls, world: SimulatedWorld, who: Who) -> City:
        """Start all services."""
        hit = set()

        def note(fault: Fault, request: httpx.Request) -> None:
            hit.add(request.headers["x-request-id"])
            world.note("app", f"a fault: {described(fault)}")

        injector = Injector(world.node("experiments"), note=note)
        parts = {name: Part(work) for name, work in WORK.items()}
        for name, part in parts.items():
            await world.serve(name, part)
        await world.serve("app", start_screen(injector, who))
        return cls(world, injector, parts, hit)

    async def open(self, by: str = "rider", **headers: str) -> Opened:
        """Open a screen, and wait for it as long as it takes."""
        key, now = str(next(self.ids)), self.world.clock.monotonic
        headers |= {"authorization": "ada", "x-request-id": key}
        begun, client = now(), self.world.node(by).client
        reply = await client.get(
            "http://app/screen/harbor", headers=headers, timeout=None
        )
        return Opened(begun, now() - begun, reply.is_success, key in self.hit)

    async def probe(self) -> Opened:
        """Open a screen by a test request."""
        return await self.open("test", **dict([TEST]))

    async def come(self, rate: float, seconds: float) -> None:
        """Have riders open screens, so many a second, at random times."""

        async def rider() -> None:
            self.riders.append(await self.open())

        await come(self.world, rider, rate=rate, seconds=seconds, into=Riders())


def in_the_city(
    scenario: Callable[[City], Awaitable[Any]], who: Who, *, seed: int = 1
) -> Recording:
    """Run a scenario with all services up."""

    async def run(world: SimulatedWorld) -> Any:
        return await scenario(await City.served(world, who))

    return simulate(run, seed=seed)


def described(fault: Fault) -> str:
    """Return what a fault does, in a few words."""
    did = f"{fault.delay:g} s late" if fault.delay else f"answers {fault.abort}"
    return f"{fault.service} {did}"
