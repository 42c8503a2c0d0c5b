"""The gateway and the weather as processes of their own, which the lab kills.

Source: chapter 04's lab. Leaves out: a second gateway beside the first (chapter 12).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.core.errors import WorldError
from movingparts.gateway import gateway
from movingparts.scenes.ch04.asking import HEADERS
from movingparts.scenes.ch04.home import HOME, SERVICES, authenticate
from movingparts.scenes.ch04.weather import twin
from movingparts.scenes.ch04.weather.rig import Sensors
from movingparts.scenes.ch04.weather.running import script
from movingparts.world import LocalWorld


def front_door(node: Node) -> FastAPI:
    """Serve the gateway with the home screen."""
    screens = {"/screen/{station}": HOME}
    return gateway(node, screens=screens, authenticate=authenticate)


async def serve_the_rest(world: LocalWorld) -> str:
    """Serve all but the gateway and the weather; return where the sensors are."""
    for name, factory in SERVICES.items():
        if name != "weather":
            await world.serve(name, factory)
    return (await world.serve("sensors", Sensors())).url


async def python(world: LocalWorld) -> Any:
    """Start the weather service in Python; return it once it answers."""
    return await world.spawn("weather", twin.weather)


async def javascript(world: LocalWorld, sensors: str) -> Any:
    """Start the one in JavaScript, or where that can't be, the one in Python again."""
    try:
        command = script("weather.js")
    except WorldError as missing:
        world.node("app").logs.append(str(missing))
        return await python(world)
    return await world.spawn("weather", command=command, env={"SENSORS": sensors})


@dataclass
class Opened:
    """What became of screens: their parts, and the seconds that they took."""

    screens: list[Any] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    def row(self) -> tuple[str, ...]:
        """Return how many were whole, in part, and none, as text."""
        of = len(self.screens)
        whole = sum(s is not None and not s["missing"] for s in self.screens)
        none = self.screens.count(None)
        return tuple(f"{n} of {of}" for n in (whole, of - whole - none, none))


async def opened(world: LocalWorld, count: int = 10, *, direct: bool = False) -> Opened:
    """Open home screens; `direct` is the app that asks each service by itself."""
    app, found = world.client("app", timeout=10.0), Opened()
    for _ in range(count):
        begun = world.clock.monotonic()
        found.screens.append(await (_each(app) if direct else _one(app)))
        found.took.append(world.clock.monotonic() - begun)
    return found


async def _one(app: httpx.AsyncClient) -> Any:
    try:
        reply = await app.get("http://gateway/screen/harbor", headers=HEADERS)
    except httpx.TransportError:
        return None
    return reply.json() if reply.is_success else None


async def _each(app: httpx.AsyncClient) -> Any:
    screen: dict[str, Any] = {"missing": []}
    for part in HOME:
        reply = await app.get(part.url.format(rider="ada", station="harbor"))
        screen[part.name] = reply.raise_for_status().json()
    return screen
