"""Twenty riders open the home screen while the weather is up, hangs, fails or is down.

Source: chapter 04. Leaves out: a phone's lost messages; page 1 has those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.measure.latency import percentile
from movingparts.scenes.ch04.home import on_the_phone, serve_city
from movingparts.service import Limits, service
from movingparts.upstream import REQUEST
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

STATES = ("is up", "hangs", "fails", "is down")
RIDERS = 20
# What a driver says when its database is away, in the words that it really uses.
TELLS = "forecast-db-2:5432 refused: SELECT celsius FROM forecasts"
HOME_SCREEN = "/screen/harbor"


def weather(state: str) -> Factory:
    """Return the weather service in one of its states."""

    def make(node: Node) -> FastAPI:
        app = service(node, title="weather", limits=Limits(request=60.0))

        @app.get("/stations/{station}")
        async def now(station: str, request: Request) -> Any:
            await node.clock.sleep(30.0 if state == "hangs" else 0.005)
            if state == "fails":
                request_id = request.headers.get(REQUEST, "no id")
                node.logs.append(f"{request_id} {TELLS}")
                raise HTTPException(500, TELLS)
            return {"at": station, "celsius": 14}

        return app

    return make


@dataclass
class Morning:
    """What the riders' phones got, and after how many milliseconds."""

    replies: list[httpx.Response] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def screens(self) -> int:
        """How many riders saw a screen."""
        return sum(reply.is_success for reply in self.replies)

    def logged(self, request_id: str) -> Table:
        """Return the lines about one request, of all services."""
        rows: list[tuple[str, ...]] = [
            (name, line)
            for name, lines in self.logs.items()
            for line in lines
            if request_id in line.split()
        ]
        return Table(("service", "what its log says"), rows)


def morning(
    gateway: Factory, state: str, *, path: str = HOME_SCREEN, seed: int = 1
) -> Recording:
    """Let riders ask for a path, one a second; the result is a `Morning`."""

    async def scenario(world: SimulatedWorld) -> Morning:
        found, app = Morning(), world.node("app")
        await serve_city(world, weather=weather(state), gateway=gateway)
        on_the_phone(world, loss=0.0)
        if state == "is down":
            world.crash("weather")
        for number in range(1, RIDERS + 1):
            begun = world.clock.monotonic()
            about = {"authorization": "Bearer token-of-ada", REQUEST: f"s-{number}"}
            url = f"http://gateway{path}"
            found.replies.append(await app.client.get(url, headers=about, timeout=10))
            found.took.append((world.clock.monotonic() - begun) * 1000)
            await world.clock.sleep(1.0)
        for name in ("gateway", "weather"):
            found.logs[name] = list(world.node(name).logs)
        return found

    return simulate(scenario, seed=seed)


def mornings(
    gateway: Factory, *, path: str = HOME_SCREEN, seed: int = 1
) -> dict[str, Morning]:
    """Return a morning for each state of the weather service."""
    return {
        state: morning(gateway, state, path=path, seed=seed).result for state in STATES
    }


def table(found: dict[str, Morning]) -> Table:
    """Return what riders saw, a row for each state."""
    rows: list[tuple[str, ...]] = [
        (
            state,
            f"{each.screens} of {len(each.replies)}",
            f"{percentile(each.took, 50) / 1000:.1f} s",
            f"{max(each.took) / 1000:.1f} s",
        )
        for state, each in found.items()
    ]
    return Table(("weather …", "riders with a screen", "wait, p50", "longest"), rows)


def phones(found: dict[str, Morning]) -> Table:
    """Return what the first rider's phone got, a row for each state of the weather."""
    rows: list[tuple[str, ...]] = [
        (state, str(each.replies[0].status_code), each.replies[0].text)
        for state, each in found.items()
        if each.replies[0].is_error
    ]
    return Table(("weather …", "status", "what the phone gets"), rows)
