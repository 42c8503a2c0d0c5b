"""Copies of `availability` that come and go, each with an address of its own.

Source: chapter 12. Leaves out: capacity (page 1).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from fastapi import FastAPI

from movingparts.core import Node
from movingparts.discovery import registered
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld

WORK = 0.02  # seconds for an answer
SERVICE = "availability"


async def live(
    node: Node, stopping: asyncio.Event, *, lease: float, drain: float
) -> None:
    """Be listed until `stopping`, then work on while others have an old list."""
    url = f"http://{node.name}"
    async with registered(node, SERVICE, url, seconds=lease):
        await stopping.wait()
    await node.clock.sleep(drain)


@dataclass
class Copies:
    """The copies of the service: each keeps its lease for as long as it runs.

    Those in `broken` can't answer riders, and say so when they are asked whether they
    are ready. Each asks also the service that it `needs`, if there is one.
    """

    world: SimulatedWorld
    lease: float = 3.0  # seconds
    drain: float = 1.5  # seconds
    needs: str = ""
    broken: set[int] = field(default_factory=set)
    _stops: dict[int, asyncio.Event] = field(default_factory=dict)

    async def start(self, number: int) -> None:
        """Start a copy, at an address that was never used before."""
        name, stop = f"{SERVICE}-{number}", asyncio.Event()
        running = await self.world.serve(name, partial(self._copy, number=number))
        node = self.world.node(name)

        async def until_stopped() -> None:
            await live(node, stop, lease=self.lease, drain=self.drain)
            stopping = self.world.node("machine").tasks.create_task(running.stop())
            stopping.set_name(f"stop {name}")

        self._stops[number] = stop
        node.tasks.create_task(until_stopped(), name=f"life of {name}")
        await self.world.clock.sleep(0.01)  # until it is listed

    async def replace(self, old: int, new: int) -> None:
        """Deploy: start a copy, and tell an old one to stop once the new one is known.

        The addresses of both are listed for a while.
        """
        await self.start(new)
        await self.world.clock.sleep(self.drain)
        self._stops[old].set()

    def crash(self, number: int) -> None:
        """End a copy, with no time for a goodbye."""
        self.world.crash(f"{SERVICE}-{number}")

    def _copy(self, node: Node, *, number: int) -> FastAPI:
        async def works() -> None:
            if number in self.broken:
                raise RuntimeError("the bikes can't be read")

        async def reaches() -> None:
            if self.needs:
                await node.client.get(f"http://{self.needs}/health")

        checks = {"bikes": works, "needs": reaches}
        app = service(node, title=node.name, checks=checks)

        @app.get("/stations/{station}")
        async def bikes(station: str) -> dict[str, object]:
            await node.clock.sleep(WORK)
            await works()
            return {"station": station, "bikes": len(station)}

        return app
