"""The start screen of the riders' app: one service, and the four that it asks.

Source: chapter 12. Leaves out: who a token belongs to, and what the services answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request

from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.core.random import Latency, LogNormal
from movingparts.faults import FaultyTransport, Injector
from movingparts.service import Limits, service

# Seconds of work for an answer.
WORK = {
    "identity": LogNormal(median=0.002, p99=0.006),
    "availability": LogNormal(median=0.020, p99=0.060),
    "weather": LogNormal(median=0.060, p99=0.150),
    "billing": LogNormal(median=0.030, p99=0.090),
}
PASSED_ON = ("x-test", "x-request-id")  # from a screen's request to all that it causes


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that one screen needs."""

    client: httpx.AsyncClient
    headers: Mapping[str, str]

    async def get(self, url: str, timeout: float | None) -> Any:
        """Return what is at a URL; raise httpx's errors."""
        reply = await self.client.get(url, headers=self.headers, timeout=timeout)
        return reply.raise_for_status().json()

    async def part(self, url: str) -> Any:
        """Return a part of the screen, or None for a gap."""
        try:
            return await self.get(url, timeout=0.3)
        except httpx.HTTPError:
            return None


Who = Callable[[Calls, str], Awaitable[str]]


async def who_asks(calls: Calls, token: str) -> str:
    """Return the rider whose token it is."""
    try:
        return str(await calls.get(f"http://identity/{token}", timeout=None))
    except httpx.HTTPError:
        return "guest"


def start_screen(injector: Injector, who: Who = who_asks) -> Factory:
    """Return the service that makes the screen; its calls meet the injector's faults.

    Without a number of bikes there is no screen.
    """

    def app(node: Node) -> FastAPI:
        app = service(node, title="app", limits=Limits(request=3600))
        transport = FaultyTransport(node.client, injector)
        client = httpx.AsyncClient(transport=transport, trust_env=False)

        @app.get("/screen/{station}")
        async def screen(station: str, request: Request) -> dict[str, Any]:
            calls = Calls(client, passed_on(request))
            rider = await who(calls, request.headers["authorization"])
            bikes, weather, card = await asyncio.gather(
                calls.part(f"http://availability/{station}"),
                calls.part(f"http://weather/{station}"),
                calls.part(f"http://billing/{rider}"),
            )
            if bikes is None:
                raise HTTPException(503, "nobody knows where the bikes are")
            return {"bikes": bikes, "weather": weather, "pass": card}

        return app

    return app


def passed_on(request: Request) -> dict[str, str]:
    """Return the headers that all calls for this request get."""
    return {k: v for k, v in request.headers.items() if k in PASSED_ON}


@dataclass
class Part:
    """One of the four; how long it works may be changed during a run."""

    work: Latency

    def __call__(self, node: Node) -> FastAPI:
        """Return the service."""
        app = service(node, title=node.name, limits=Limits(request=3600))

        @app.get("/{what:path}")
        async def answer(what: str) -> str:
            await node.clock.sleep(self.work.draw(node.random) / 1_000_000)
            return what

        return app
