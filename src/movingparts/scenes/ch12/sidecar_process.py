"""Sidecars as processes of their own: `world.spawn("weather-sidecar", beside)`.

Source: chapter 12. Leaves out: starting one again when it dies (chapter 13).
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI

from movingparts.control_plane import CONTROL_PLANE, Policy, control_plane
from movingparts.core import Node
from movingparts.scenes.ch04.weather.running import script
from movingparts.scenes.ch12.beside import beside
from movingparts.service import service
from movingparts.sidecar import through
from movingparts.world import LocalWorld

EVERY = 0.2  # seconds, so that the page needn't wait
ASKED = 20


def hurried(node: Node) -> FastAPI:
    """Serve the sidecar that its name says; it asks the control plane more often."""
    return beside(node, every=EVERY)


def rides(node: Node) -> FastAPI:
    """Serve what the weather service says, with no code for when it doesn't."""
    app = service(node, title="rides")

    @app.get("/weather")
    async def weather() -> str:
        return (await node.client.get("http://weather/")).raise_for_status().text

    return app


async def larkhaven(world: LocalWorld) -> dict[str, Any]:
    """Start `rides` and Express's hello world as `weather`, each with a sidecar."""
    plane = await world.serve("control-plane", control_plane)
    await world.serve("rides", through(rides, "http://rides-sidecar"))
    spawned = await asyncio.gather(
        world.spawn("weather", command=script("hello.js"), health="/"),
        world.spawn("weather-sidecar", hurried),
        world.spawn("rides-sidecar", hurried),
    )
    await _until(world, ASKED)
    return {each.name: each for each in (plane, *spawned)}


async def asked(world: LocalWorld, url: str = "http://rides-sidecar/weather") -> str:
    """Have riders ask; return how many got an answer."""
    return f"{await _answered(world, url)} of {ASKED}"


async def change(world: LocalWorld, policy: Policy, *, answered: int) -> None:
    """Change the policy of `weather`; return once so many are answered."""
    url = f"{CONTROL_PLANE}/policies/weather"
    answer = await world.client("team").put(url, json=policy.model_dump())
    answer.raise_for_status()
    await _until(world, answered)


async def _answered(world: LocalWorld, url: str) -> int:
    client = world.client("riders")
    found = await asyncio.gather(
        *(client.get(url) for _ in range(ASKED)), return_exceptions=True
    )
    return sum(getattr(answer, "is_success", False) for answer in found)


async def _until(world: LocalWorld, answered: int) -> None:
    async with asyncio.timeout(10):
        while await _answered(world, "http://rides-sidecar/weather") != answered:  # noqa: ASYNC110  # of other processes, no event tells
            await asyncio.sleep(EVERY / 4)
