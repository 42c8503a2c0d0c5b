"""Backends whose instances do as a test says, and a node in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from movingparts.core.clock import Clock
from movingparts.function import (
    Code,
    Config,
    InitError,
    Platform,
    Profile,
    Request,
    Result,
    SimulatedBackend,
)
from movingparts.function.pool import Pool
from movingparts.world.simulated import SimulatedWorld, simulate

ECHO = "def handler(event, context):\n    return event\n"
FAILS = "def handler(event, context):\n    raise ValueError('no tariff')\n"


@dataclass
class Scripted:
    """Starts in a second; each request takes as many seconds as its event says.

    A negative event raises in the instance; `failures` starts fail.
    """

    clock: Clock
    failures: int = 0
    closing: float = 0.0
    closed: list[int] = field(default_factory=list)
    started: int = 0

    async def start(self, code: Code) -> ScriptedInstance:
        await self.clock.sleep(1.0)
        if self.failures:
            self.failures -= 1
            raise InitError("no room")
        self.started += 1
        return ScriptedInstance(self, self.started)


@dataclass
class ScriptedInstance:
    backend: Scripted
    number: int

    async def run(self, request: Request) -> Result:
        if request.event < 0:
            raise RuntimeError("the backend is broken")
        await self.backend.clock.sleep(request.event)
        return Result("ok", self.number)

    async def close(self) -> None:
        await self.backend.clock.sleep(self.backend.closing)
        self.backend.closed.append(self.number)


def code(source: str = ECHO, **config: Any) -> Code:
    return Code("fares", 1, source, Config(**config), {})


def in_pool(
    scenario: Callable[[Pool, Scripted, Clock], Awaitable[Any]],
    *,
    failures: int = 0,
    closing: float = 0.0,
    **config: Any,
) -> Any:
    """Run with a pool of scripted instances; return what the scenario returns."""

    async def main(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        backend = Scripted(node.clock, failures, closing)
        pool = Pool(code(**config), backend, node.clock, node.tasks)
        return await scenario(pool, backend, node.clock)

    return simulate(main, seed=1).result


def on_platform(
    scenario: Callable[[Platform], Awaitable[Any]],
    profiles: dict[str, Profile] | None = None,
    **options: Any,
) -> Any:
    """Run with a platform on a simulated backend."""

    async def main(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        backend = SimulatedBackend(node.clock, node.random, profiles or {})
        return await scenario(Platform(node, backend, **options))

    return simulate(main, seed=1).result
