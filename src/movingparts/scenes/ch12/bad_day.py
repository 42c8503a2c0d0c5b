"""A day on which each answer takes four times as long, and what a gateway can do.

Source: chapter 12.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from movingparts.core import Node, Recording
from movingparts.core.node import ASGIApp, Factory, Scope
from movingparts.core.random import LogNormal
from movingparts.rate_limit import FairLimit, Overloaded
from movingparts.scenes.ch12.clients import SECONDS, api_key, door, rush
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.limited import own
from movingparts.service import problem
from movingparts.world.simulated import SimulatedWorld

SLOW = LogNormal(median=0.080, p99=0.240)  # seconds of work
BEGINS = 0.5  # seconds
PLACES = 8  # requests under way


class Shed:
    """ASGI middleware: answer 503 to what a `FairLimit` doesn't let in."""

    def __init__(self, app: ASGIApp, *, limit: FairLimit, fair: bool) -> None:
        self._app, self._limit, self._fair = app, limit, fair

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it; unless `fair`, all clients are one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = api_key(Request(scope)) if self._fair else "anybody"
        try:
            with self._limit.enter(client):
                await self._app(scope, receive, send)
        except Overloaded as error:
            await problem(503, str(error))(scope, receive, send)


def places(*, fair: bool) -> Factory:
    """Return a gateway that lets in so many requests at once."""

    def factory(node: Node) -> FastAPI:
        app = door(node)
        app.add_middleware(Shed, limit=FairLimit(PLACES), fair=fair)
        return app

    return factory


def bad_day(seed: int = 1) -> dict[str, Recording]:
    """Return a run for each kind of limit."""
    ways = {
        "30 a second": own(1),
        "8 places": places(fair=False),
        "8 fair places": places(fair=True),
    }
    return {way: rush(made, before=_slowing, seed=seed) for way, made in ways.items()}


def so_far(run: Recording, client: str = "riders") -> list[tuple[float, float]]:
    """Return points (second, how many of its requests were answered by then)."""
    ends = [
        each.at + each.took for each in run.result.seen[client].asked if not each.error
    ]
    return [
        (n / 4, float(sum(end <= n / 4 for end in ends)))
        for n in range(SECONDS * 4 + 1)
    ]


async def _slowing(world: SimulatedWorld, copy: Copy) -> None:
    def slow() -> None:
        copy.work = SLOW

    world.after(BEGINS, slow)
