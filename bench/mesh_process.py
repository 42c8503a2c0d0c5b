"""One process of the mesh that `bench.mesh` measures: `python -m bench.mesh_process`.

It runs on uvicorn alone: a world's own notes of each call would slow every hop.
"""

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Response

from movingparts.bus.memory import MemoryBroker
from movingparts.control_plane import Policy, control_plane
from movingparts.core.node import ASGIApp, Disk, Factory, Node, Scope, Tasks
from movingparts.route import Route
from movingparts.service import service
from movingparts.sidecar import sidecar, through
from movingparts.world.local.clock import RealClock

SERVICE = "availability"


class ByName(httpx.AsyncBaseTransport):
    """Sends what is for a name to the port where it listens."""

    def __init__(
        self, ports: dict[str, int], sockets: httpx.AsyncBaseTransport
    ) -> None:
        self._ports, self._sockets = ports, sockets

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Change the address, not the `host` header."""
        port = self._ports.get(request.url.host)
        if port is not None:
            request.url = request.url.copy_with(host="127.0.0.1", port=port)
        return await self._sockets.handle_async_request(request)


def availability(node: Node) -> FastAPI:
    """Serve a station's bikes."""
    app = service(node, title=SERVICE)

    @app.get("/stations/{station}")
    async def bikes(station: str) -> dict[str, object]:
        return {"station": station, "bikes": len(station)}

    return app


def rides(node: Node) -> FastAPI:
    """Ask availability for the bikes, on behalf of a rider."""
    app = service(node, title="rides")

    @app.get("/stations/{station}")
    async def bikes(station: str) -> Any:
        answer = await node.client.get(f"http://{SERVICE}/stations/{station}")
        return answer.raise_for_status().json()

    return app


def with_a_library(node: Node) -> FastAPI:
    """Do what the sidecar does for a call, in the service's own process."""
    app = service(node, title="rides")
    route = Route(node, Policy())

    @app.get("/stations/{station}")
    async def bikes(station: str) -> Any:
        url = f"http://{SERVICE}/stations/{station}"
        asked = node.client.build_request("GET", url)
        answer = await route.call(asked, [f"http://{SERVICE}"], node.client.send)
        return answer.raise_for_status().json()

    return app


def factory(role: str, at: dict[str, int]) -> Factory:
    """Return what a process of this role serves."""
    app = f"http://127.0.0.1:{at.get('app', 0)}"
    behind = f"http://127.0.0.1:{at.get('sidecar', 0)}"
    roles: dict[str, Factory] = {
        "availability": availability,
        "rides": rides,
        "rides with a library": with_a_library,
        "rides behind ours": through(rides, behind),
        "rides behind Envoy": through(rides, behind),
        "availability sidecar": partial(sidecar, service=SERVICE, app=app),
        "rides sidecar": partial(sidecar, service="rides", app=app),
        "control plane": control_plane,
    }
    return roles[role]


def healthy(app: ASGIApp) -> ASGIApp:
    """Answer that the process is up; a sidecar passes on whatever else there is."""

    async def answer(scope: Scope, receive: Any, send: Any) -> None:
        if scope.get("path") != "/health":
            await app(scope, receive, send)
            return
        await Response()(scope, receive, send)

    return answer


async def serve(role: str, at: dict[str, int]) -> None:
    """Serve until the process is asked to end."""
    tasks = Tasks(lambda what, error: print(what, repr(error), file=sys.stderr))
    clock, bus = RealClock(), MemoryBroker().connect(role, tasks)
    sockets: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport()
    if "sidecar" in role and os.environ.get("TRANSPORT") == "pyreqwest":
        # Imported here, since it takes memory, which is measured.
        from pyreqwest.compatibility.httpx import HttpxTransport

        sockets = HttpxTransport()
    client = httpx.AsyncClient(transport=ByName(at, sockets))
    name = role.replace(" ", "-")
    node = Node(name, client, bus, clock, Random(1), tasks, Disk(Path.cwd))
    app = healthy(factory(role, at)(node))
    port = int(os.environ["PORT"])
    config = uvicorn.Config(app, port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(os.environ["ROLE"], json.loads(os.environ["AT"])))
