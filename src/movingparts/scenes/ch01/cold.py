"""A cold start: the first request to a service takes longer than all others."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from movingparts.core import Clock, Node
from movingparts.core.node import ASGIApp, Factory, Scope


def cold(factory: Factory, seconds: float) -> Factory:
    """Make a service whose first request waits for so many seconds."""

    def make(node: Node) -> FastAPI:
        app = factory(node)
        app.add_middleware(_FirstWaits, clock=node.clock, seconds=seconds)
        return app

    return make


class _FirstWaits:
    """ASGI middleware: hold the first request back for a while."""

    def __init__(self, app: ASGIApp, *, clock: Clock, seconds: float) -> None:
        self._app, self._clock, self._waits = app, clock, [seconds]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not self._waits:
            await self._app(scope, receive, send)
            return
        # Taken in now: a server has no body to give once the caller has left.
        received = [await receive()]

        async def receive_again() -> Any:
            return received.pop() if received else await receive()

        await self._clock.sleep(self._waits.pop())
        await self._app(scope, receive_again, send)
