"""Two services in a row: rides asks billing for a fare, and each has a deadline.

Billing works on one fare at a time. Source: chapter 04. Leaves out: retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.service import Limits, problem, service
from movingparts.upstream import TIMEOUT, Deadline

LOOKS, WORK = 0.05, 0.20  # how long rides and billing work on a fare, in seconds
MARGIN = 0.03  # what rides keeps for its own answer
PATIENCE = 5.0  # how long anybody waits without a deadline

Until = Callable[[Node, Request], Deadline]


def own(node: Node, request: Request) -> Deadline:
    """Return a deadline that is the same whoever asks."""
    now = node.clock.monotonic
    return Deadline(now() + PATIENCE, now)


def callers(node: Node, request: Request) -> Deadline:
    """Return until when the caller waits, as it says."""
    now, says = node.clock.monotonic, request.headers[TIMEOUT]
    return Deadline(now() + int(says) / 1000, now)


def rides(until: Until) -> Factory:
    """Return a service that finds a rider's last ride, and asks for its fare."""

    def make(node: Node) -> FastAPI:
        app = service(node, title="rides", limits=Limits(request=60.0))

        @app.get("/riders/{rider}/fare")
        async def fare(rider: str, request: Request) -> Any:
            deadline = until(node, request)
            await node.clock.sleep(LOOKS)  # which ride was it?
            left = deadline.left(PATIENCE) - MARGIN
            if left <= 0:
                return problem(504, "no time left to ask billing")
            url, says = f"http://billing/fares/{rider}", f"{left * 1000:.0f}"
            try:
                reply = await node.client.get(
                    url, headers={TIMEOUT: says}, timeout=left
                )
            except httpx.TimeoutException:
                return problem(504, "billing did not answer in time")
            return JSONResponse(reply.json(), reply.status_code)

        return app

    return make


def billing(
    until: Until, worked: Callable[[], object], *, busy: float = 0.0
) -> Factory:
    """Return a service that works out one fare at a time, the first after `busy` s."""

    def make(node: Node) -> FastAPI:
        app = service(node, title="billing", limits=Limits(request=60.0))
        in_turn = asyncio.Lock()

        async def something_else() -> None:
            async with in_turn:
                await node.clock.sleep(busy)

        node.tasks.create_task(something_else())

        @app.get("/fares/{rider}")
        async def fare(rider: str, request: Request) -> Any:
            deadline = until(node, request)
            async with in_turn:  # one fare at a time
                if deadline.left(PATIENCE) < WORK:
                    return problem(504, "no time left to work it out")
                await node.clock.sleep(WORK)
                worked()
            return {"rider": rider, "cents": 280}

        return app

    return make
