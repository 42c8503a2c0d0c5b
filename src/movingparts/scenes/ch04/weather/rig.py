"""What the contract is checked with: sensors that note traces, and a way to stop."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request

from movingparts.core import Node
from movingparts.core.node import parse_traceparent
from movingparts.service import service
from movingparts.world import LocalWorld

CELSIUS = {"harbor": 14, "museum": 15, "lighthouse": 12}
SLOW = 0.3  # seconds that the sensor of the lighthouse takes


class Sensors:
    """The service that `weather` asks; it notes what it was asked, and in which trace.

    Leaves out: real sensors.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.trace, self.url = "none", ""

    def __call__(self, node: Node) -> FastAPI:
        """Return the service."""
        app = service(node, title="sensors")

        @app.get("/{station}")
        async def measure(station: str, request: Request) -> Any:
            self.asked.append(station)
            trace, _ = parse_traceparent(request.headers.get("traceparent", ""))
            self.trace = trace or "none"
            if station not in CELSIUS:
                raise HTTPException(404, f"no sensor at {station}")
            if station == "lighthouse":
                await node.clock.sleep(SLOW)
            return {"celsius": CELSIUS[station]}

        return app


class Rig:
    """A world's service `weather`, whatever it is written in, and its `sensors`."""

    def __init__(self, world: LocalWorld, sensors: Sensors, service: Any) -> None:
        self.sensors = sensors
        self._service, self._caller = service, world.node("gateway test")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a path; `timeout_ms` is the header `timeout-ms`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        client = self._caller.client
        return await client.get(f"http://weather{path}", headers=named)

    async def stopped_while_asked(
        self, path: str
    ) -> tuple[httpx.Response | None, float]:
        """Stop the service in the middle of an answer; return it and the seconds.

        Without an answer, what it returns is None.
        """
        clock, asked = self._caller.clock, len(self.sensors.asked)
        call = self._caller.tasks.create_task(self.get(path))
        while not call.done() and len(self.sensors.asked) == asked:
            await clock.sleep(0.01)
        begun = clock.monotonic()
        await self._service.stop()
        seconds = clock.monotonic() - begun
        try:
            return await call, seconds
        except httpx.TransportError:
            return None, seconds
