"""The same requests through our gateway and through Envoy, on real sockets.

Source: chapter 04. Leaves out: how fast either is (`bench`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.gateway import Route, gateway
from movingparts.scenes.ch04.envoy import config, identity
from movingparts.scenes.ch04.envoy_process import envoy
from movingparts.scenes.ch04.home import HOME, SERVICES, authenticate
from movingparts.service import service
from movingparts.world import Table
from movingparts.world.local import LocalWorld

ROUTES = (
    Route("/stations", "stations"),
    Route("/billing", "billing"),
    Route("/weather", "weather"),
)
SECONDS = 0.3
ADA = {"authorization": "Bearer token-of-ada"}
# What is asked, where, and with which headers.
REQUESTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a station": ("/stations/stations/harbor", ADA),
    "without a token": ("/stations/stations/harbor", {}),
    "a path that only looks alike": ("/stationsold/harbor", ADA),
    "with a forged x-rider": ("/billing/headers?ride=17", {**ADA, "x-rider": "bob"}),
    "a service that is too slow": ("/billing/slow", ADA),
    "a service that is down": ("/weather/stations/harbor", ADA),
    "a service that fails": ("/billing/fails", ADA),
    "the home screen": ("/screen/harbor", ADA),
}


def billing(node: Node) -> FastAPI:
    """Serve answers that are slow, or fail, or say what came in."""
    app = service(node, title="billing")

    @app.get("/headers")
    async def headers(request: Request) -> dict[str, Any]:
        kept = ("x-rider", "authorization")
        received = {name: request.headers.get(name) for name in kept}
        return {**received, "query": request.url.query}

    @app.get("/slow")
    async def slow() -> None:
        await node.clock.sleep(2 * SECONDS)

    @app.get("/fails")
    async def fails() -> Response:
        return Response("no table 'fares' on db-3", status_code=500)

    return app


def summary(answer: httpx.Response) -> str:
    """Return an answer's status, and what else there is to compare."""
    if "db-3" in answer.text:
        return f"{answer.status_code}, with the service's text"
    if "x-rider" in answer.text:
        found = answer.json()
        token = "no token" if found["authorization"] is None else "the token"
        return f"{answer.status_code}, {found['x-rider']}, {token}, {found['query']}"
    return str(answer.status_code)


async def side_by_side(world: LocalWorld) -> Table:
    """Return what each of the two answers."""
    check = partial(identity, authenticate=authenticate)
    services: dict[str, Factory] = {**SERVICES, "billing": billing, "identity": check}
    running = {name: await world.serve(name, make) for name, make in services.items()}
    ours = await world.serve(
        "gateway",
        partial(
            gateway,
            routes=ROUTES,
            screens={"/screen/{station}": HOME},
            authenticate=authenticate,
            seconds=SECONDS,
        ),
    )
    ports = {name: httpx.URL(each.url).port or 0 for name, each in running.items()}
    await running["weather"].stop()
    rows = []
    async with (
        envoy(config(ROUTES, ports, seconds=SECONDS)) as theirs,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        for what, (path, headers) in REQUESTS.items():
            doors = (ours.url, theirs)
            found = [await client.get(f"{at}{path}", headers=headers) for at in doors]
            rows.append((what, *map(summary, found)))
    return Table(("what is asked", "ours", "Envoy"), rows)
