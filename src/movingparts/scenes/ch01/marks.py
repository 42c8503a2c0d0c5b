"""Marks in a figure: each charge that `pricing` writes is noted in the recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node
from movingparts.core.node import ASGIApp, Factory, Scope
from movingparts.scenes.ch01.one_ride import charges
from movingparts.world.simulated import SimulatedWorld

Scenario = Callable[[Any], Awaitable[Any]]


def marked(scenario: Scenario) -> Scenario:
    """Return the same scenario, with a mark for each charge that `pricing` writes."""

    async def run(world: SimulatedWorld) -> Any:
        return await scenario(_Marking(world))

    return run


class _Marking:
    """A world that watches `pricing`."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    async def serve(self, name: str, factory: Factory) -> Any:
        if name == "pricing":
            factory = self._watched(factory)
        return await self._world.serve(name, factory)

    def _watched(self, factory: Factory) -> Factory:
        def make(node: Node) -> FastAPI:
            app = factory(node)
            app.add_middleware(_Watch, node=node, note=self._world.note)
            return app

        return make


class _Watch:
    """ASGI middleware: after each request, note the charges that were added."""

    def __init__(
        self, app: ASGIApp, *, node: Node, note: Callable[[str, str], None]
    ) -> None:
        self._app, self._node, self._note = app, node, note

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = len(charges(self._node))
        await self._app(scope, receive, send)
        for number in range(before + 1, len(charges(self._node)) + 1):
            self._note(self._node.name, f"charge {number}")
