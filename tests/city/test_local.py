"""Larkhaven on real sockets: a ride whose service is killed is charged once."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from movingparts.city.larkhaven import CONTEXTS
from movingparts.core import Node
from movingparts.world import LocalWorld
from tests.city.town import Town

RIDES = "movingparts.city.rides.service:rides"


class Quick(Town):
    """A town in which real time passes, so it never waits for long."""

    async def pause(self, seconds: float) -> None:
        """Let a moment pass."""
        await self.world.clock.sleep(0.05)

    async def charges(self) -> list[str]:
        """Wait for a charge; return the rides of all there are a second later."""
        async with asyncio.timeout(30):
            while not self.data("billing.fare-charged"):
                await self.pause(0)
        await self.world.clock.sleep(1.0)
        return [each["ride_id"] for each in self.data("billing.fare-charged")]


@pytest.mark.slow
def test_a_ride_whose_service_is_killed_at_its_pivot_is_charged_once() -> None:
    """Signal 9 ends rides when the dock has let go, before it hears of that."""
    doomed: list[Any] = []

    def stations(node: Node) -> FastAPI:
        app = CONTEXTS["stations"](node)

        @app.middleware("http")
        async def kill(request: Request, call: Any) -> Response:
            reply: Response = await call(request)
            if doomed and request.url.path.endswith("/unlocks"):
                doomed.pop().kill()
            return reply

        return app

    async def live() -> tuple[str, list[str]]:
        async with LocalWorld() as world:
            town = Quick(world)  # type: ignore[arg-type]  # it has what this needs
            await town.open({**CONTEXTS, "stations": stations})
            doomed.append(await world.spawn("rides", RIDES))
            await town.reserve()
            with pytest.raises(httpx.TransportError):
                await town.start()
            await world.spawn("rides", RIDES)
            asked_again = await town.start()
            await town.dock("B1")
            return asked_again.json()["state"], await town.charges()

    assert ("underway", ["r1"]) == asyncio.run(live())
    assert [] == doomed
