"""Three clients of one city: what each shows, and what its screen brings.

Source: chapter 04. Leaves out: a gateway for each client as a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request

from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.gateway import Part, Route, gateway
from movingparts.scenes.ch04.home import authenticate, serve_city
from movingparts.service import service
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

# What each client shows; it can do without none of them.
SHOWS: Mapping[str, Sequence[str]] = {
    "app": ("rider", "account", "ride", "bikes", "station", "weather"),
    "kiosk": ("bikes", "station"),
    "partner": ("bikes",),
}
ADA = {"authorization": "Bearer token-of-ada"}
SEEN = ("x-rider", "authorization")

Screens = Mapping[str, Sequence[Part]]  # of each client


def visits(screens: Screens, seed: int = 1) -> dict[str, bool]:
    """Return for each client whether it can show all that it shows.

    The app's team changes its app and its screen together, so the app shows what its
    screen has.
    """
    shows = {**SHOWS, "app": [part.name for part in screens["app"]]}

    async def scenario(world: SimulatedWorld) -> dict[str, bool]:
        await serve_city(world)
        at = {f"/{client}/{{station}}": parts for client, parts in screens.items()}
        await world.serve(
            "gateway", partial(gateway, screens=at, authenticate=authenticate)
        )
        found = {}
        for client, names in shows.items():
            url = f"http://gateway/{client}/harbor"
            answer = (await world.node(client).client.get(url, headers=ADA)).json()
            found[client] = all(answer.get(name) is not None for name in names)
        return found

    found: dict[str, bool] = simulate(scenario, seed=seed).result
    return found


def changed(
    screens: Screens, change: Callable[[Sequence[Part]], Sequence[Part]]
) -> Screens:
    """Change the screen of the app, and so of each client that has the same one."""
    own = screens["app"]
    return {
        client: change(parts) if parts is own else parts
        for client, parts in screens.items()
    }


def compared(shared: Screens, own: Screens, change: Any) -> Table:
    """Return how many calls each screen takes, and who still works after a change."""
    works = [visits(changed(screens, change)) for screens in (shared, own)]
    rows: list[tuple[str, ...]] = [
        (
            client,
            *(str(len(screens[client])) for screens in (shared, own)),
            *("works" if each[client] else "broken" for each in works),
        )
        for client in SHOWS
    ]
    head = ("client", "calls: one for all", "own", "after: one for all", "own")
    return Table(head, rows)


def forged(headers: Mapping[str, str], *, factory: Factory, seed: int = 1) -> Table:
    """Send headers to billing through a gateway and past it; return what arrives."""

    async def scenario(world: SimulatedWorld) -> Table:
        await world.serve("billing", headers_seen)
        await world.serve("gateway", factory)
        ask = world.node("bob").client
        rows: list[tuple[str, ...]] = []
        for way, url in (
            ("through the gateway", "http://gateway/billing/seen"),
            ("straight to billing", "http://billing/seen"),
        ):
            seen: dict[str, Any] = (await ask.get(url, headers=headers)).json()
            rows.append((way, *(str(seen[name] or "-") for name in SEEN)))
        return Table(("Bob's request goes", *SEEN), rows)

    found: Table = simulate(scenario, seed=seed).result
    return found


def headers_seen(node: Node) -> FastAPI:
    """Serve billing, which answers what it received about the caller."""
    app = service(node, title="billing")

    @app.get("/seen")
    async def seen(request: Request) -> dict[str, str | None]:
        return {name: request.headers.get(name) for name in SEEN}

    return app


def door(routes: Sequence[Route]) -> Factory:
    """Return a gateway with these routes, which knows the tokens of this chapter."""
    return partial(gateway, routes=routes, authenticate=authenticate)
