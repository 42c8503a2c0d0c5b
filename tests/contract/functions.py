"""Places to run the same functions in: simulated, spawned, forked, and AWS's own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from movingparts.bus.memory import MemoryBroker
from movingparts.core.clock import Clock
from movingparts.core.node import Disk, Node, Tasks
from movingparts.core.random import Constant
from movingparts.function import (
    Backend,
    Code,
    Config,
    Instance,
    Platform,
    Profile,
    Request,
    Result,
    SimulatedBackend,
)
from movingparts.function.lambda_backend import LambdaBackend
from movingparts.function.local import LocalBackend
from movingparts.world import LocalWorld, SimulatedWorld, World, simulate
from movingparts.world.local.clock import RealClock

QUICK = Profile(start=Constant(0.02), run=Constant(0.000_1))
ECHO = "def handler(event, context):\n    return event\n"


def code(source: str, name: str = "fares", /, **config: Any) -> Code:
    environment = dict(config.get("environment", {}))
    return Code(name, 1, source, Config(**config), environment)


@dataclass
class Place:
    """A node and a backend; `platform` makes a platform of them."""

    node: Node
    backend: Backend
    world: World | None = None
    _begun: list[Instance] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return self.node.clock

    async def start(self, source: str, **config: Any) -> Instance:
        instance = await self.backend.start(code(source, **config))
        self._begun.append(instance)
        return instance

    async def run(self, source: str, event: Any = None, **config: Any) -> Result:
        """Start an instance and run one request in it."""
        instance = await self.start(source, **config)
        return await instance.run(Request("r1", event))

    def platform(self, **options: Any) -> Platform:
        return Platform(self.node, self.backend, **options)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, at most ten seconds of the world's time."""
        for _ in range(2_000):
            if holds():
                return
            await self.clock.sleep(0.005)
        raise AssertionError("it never came to hold")

    async def close(self) -> None:
        for instance in self._begun:
            await instance.close()


Scenario = Callable[[Place], Awaitable[Any]]


def simulated(scenario: Scenario) -> Any:
    async def main(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        profiles = dict.fromkeys(("fares", "receipts"), QUICK)
        backend = SimulatedBackend(node.clock, node.random, profiles)
        return await scenario(Place(node, backend, world))

    return simulate(main, seed=7).result


def in_processes(preload: tuple[str, ...] | None, *, world: bool = False) -> Any:
    """Run on this machine; with a `world`, there is a real broker, too."""

    def run(scenario: Scenario) -> Any:
        async def main() -> Any:
            async with AsyncExitStack() as open_now, asyncio.timeout(30):
                backend = LocalBackend(preload=preload)
                place = await open_now.enter_async_context(
                    in_world(backend) if world else alone(backend)
                )
                open_now.push_async_callback(backend.close)
                return await scenario(place)

        return asyncio.run(main())

    return run


def in_lambda(scenario: Scenario) -> Any:
    """Run with AWS's own runtime."""

    async def main() -> Any:
        backend = LambdaBackend(RealClock())
        async with asyncio.timeout(30), alone(backend) as place:
            try:
                return await scenario(place)
            finally:
                await place.close()

    return asyncio.run(main())


@asynccontextmanager
async def in_world(backend: Backend) -> AsyncIterator[Place]:
    async with LocalWorld(seed=7) as world:
        yield Place(world.node("functions"), backend, world)


@asynccontextmanager
async def alone(backend: Backend) -> AsyncIterator[Place]:
    """A node in real time, whose bus is in memory: no broker has to start."""
    with tempfile.TemporaryDirectory() as folder:
        node = real_node(Path(folder))
        yield Place(node, backend)
        node.tasks.cancel()
        await node.tasks.finished()
        node.disk.close()
        await node.client.aclose()


def real_node(folder: Path) -> Node:
    clock, logs = RealClock(), list[str]()
    tasks = Tasks(lambda what, error: logs.append(f"{what}: {error!r}"))
    bus = MemoryBroker().connect("functions", tasks)
    client, disk = httpx.AsyncClient(), Disk(lambda: folder)
    return Node("functions", client, bus, clock, Random(7), tasks, disk, logs)
