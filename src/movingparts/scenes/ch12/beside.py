"""Services that ask `availability`, each in its own way, without a mesh and with one.

Source: chapter 12. Leaves out: a gateway before the services.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.control_plane import Mesh, Policy, control_plane
from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.core.random import Constant
from movingparts.forwarding import moved
from movingparts.scenes.ch12.copies import Copy
from movingparts.service import Limits, service
from movingparts.sidecar import sidecar, through
from movingparts.world.simulated import SimulatedWorld

COPIES = ("availability-1", "availability-2", "availability-3")
SLOW = Constant(2.0)  # seconds that the first copy takes for each answer
SETTLED = 2.0  # seconds until every sidecar knows every copy


def asks(seconds: float | None, attempts: int = 1) -> Factory:
    """Return a service that waits so long for `availability`, and asks so often."""

    def make(node: Node) -> FastAPI:
        app = service(node, title=node.name, limits=Limits(request=60))

        @app.get("/stations/{station}")
        async def bikes(station: str) -> object:
            url = f"http://availability/stations/{station}"
            for _ in range(attempts):
                try:
                    answer = await node.client.get(url, timeout=seconds)
                    return answer.raise_for_status().json()
                except httpx.HTTPError as error:
                    node.logs.append(repr(error))
            raise HTTPException(503, "availability has not answered")

        return app

    return make


class InTurn(httpx.AsyncBaseTransport):
    """Sends what is for `availability` to its copies in turn, as DNS would."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._turns = client, itertools.cycle(COPIES)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the next copy."""
        there = httpx.URL(f"http://{next(self._turns)}")
        request.url = moved(there, request.url)
        return await self._client.send(request)


def _in_turn(factory: Factory) -> Factory:
    def make(node: Node) -> FastAPI:
        client = httpx.AsyncClient(transport=InTurn(node.client))
        return factory(replace(node, client=client))

    return make


async def serve(
    world: SimulatedWorld,
    services: Mapping[str, Factory],
    policy: Policy | None,
    copies: Mapping[str, Copy],
) -> None:
    """Serve all; with a policy for `availability`, each has a sidecar."""
    if policy is not None:
        patient = {name: Policy(seconds=60) for name in services}
        mesh = Mesh(policies={**patient, "availability": policy})
        await world.serve("control-plane", partial(control_plane, mesh=mesh))
    for name, copy in copies.items():
        await world.serve(name, copy)
        if policy is not None:
            await world.serve(f"{name}-sidecar", beside)
    for name, factory in services.items():
        if policy is None:
            await world.serve(name, _in_turn(factory))
        else:
            await world.serve(name, through(factory, f"http://{name}-sidecar"))
            await world.serve(f"{name}-sidecar", beside)
    await world.clock.sleep(SETTLED)


def beside(node: Node, every: float = 1.0) -> FastAPI:
    """Return the sidecar that its name says: `rides-1-sidecar` is of a copy of rides.

    `every` is how often it asks the control plane, in seconds.
    """
    copy = node.name.removesuffix("-sidecar")
    name = re.sub(r"-\d+$", "", copy)
    return sidecar(node, service=name, app=f"http://{copy}", every=every)
