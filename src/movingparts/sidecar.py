"""A sidecar: a proxy beside each copy of a service, through which all its calls go.

The service itself has no code for balancing, retries, breakers, limits or faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.balancer import NoCopies
from movingparts.breaker import CircuitOpen
from movingparts.control_plane import CONTROL_PLANE, Configuration, Mesh
from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.discovery import registered
from movingparts.forwarding import failed, moved, passed_back, passed_on
from movingparts.rate_limit import PerClient
from movingparts.route import Route, Send
from movingparts.service import problem

CALLER = "x-mesh-caller"  # a header: the service that calls, as its sidecar says
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]


class Outbound:
    """The half of a sidecar that its service's own calls go through.

    A request's `host` names the service that it is for. `send` brings it to a copy;
    without it, `node.client` does.
    """

    def __init__(self, node: Node, service: str, send: Send | None = None) -> None:
        self._node, self._service = node, service
        self._send = send or node.client.send
        self._routes: dict[str, Route] = {}

    async def forward(self, request: Request, mesh: Mesh) -> Response:
        """Pass a request on to a copy of the service that it is for."""
        name = request.headers.get("host", "").partition(":")[0]
        policy = mesh.policy(name)
        route = self._routes.get(name)
        if route is None or route.policy != policy:
            route = self._routes[name] = Route(self._node, policy)
        call = await passed_on(request, f"http://{name}", {CALLER: self._service})
        try:
            copies = mesh.copies.get(name, ())
            return passed_back(await route.call(call, copies, self._send))
        except (httpx.HTTPError, TimeoutError, CircuitOpen, NoCopies) as error:
            return failed(self._node, name, error)


class Inbound:
    """The half of a sidecar that the calls to its service come in by.

    It passes them on to `app`, its service's URL. `caller_of` says who calls; without
    it, the header that a sidecar sets does, which anyone can make up.
    """

    def __init__(
        self,
        node: Node,
        service: str,
        app: str,
        caller_of: Callable[[Request], str] | None = None,
    ) -> None:
        self._node, self._service, self._app = node, service, app
        self._caller_of = caller_of or (lambda request: request.headers.get(CALLER, ""))
        self._limit: tuple[float, PerClient] | None = None

    async def forward(self, request: Request, mesh: Mesh) -> Response:
        """Pass a request on to the service, if its caller may call it now."""
        policy, caller = mesh.policy(self._service), self._caller_of(request)
        who = caller or "nobody"
        if policy.callers is not None and caller not in policy.callers:
            return problem(403, f"{who} may not call {self._service}")
        if policy.rate is not None and (wait := await self._wait(policy.rate, caller)):
            answer = problem(429, f"{who} calls {self._service} too often")
            answer.headers["retry-after"] = str(int(wait) + 1)
            return answer
        try:
            async with asyncio.timeout(policy.seconds):
                call = await passed_on(request, self._app, {})
                return passed_back(await self._node.client.send(call))
        except (httpx.HTTPError, TimeoutError) as error:
            return failed(self._node, self._service, error)

    async def _wait(self, rate: float, caller: str) -> float:
        """Return the seconds until the caller may call; 0 if it may now."""
        if self._limit is None or self._limit[0] != rate:
            now, burst = self._node.clock.monotonic, max(rate, 1.0)
            self._limit = rate, PerClient(now, rate=rate, burst=burst)
        return await self._limit[1].take(caller)


def outbound(
    node: Node,
    configuration: Configuration,
    *,
    service: str,
    send: Send | None = None,
) -> FastAPI:
    """Return a proxy that is `Outbound` alone."""
    return _proxy(node, configuration, Outbound(node, service, send).forward)


def inbound(
    node: Node,
    configuration: Configuration,
    *,
    service: str,
    app: str,
    copy: str,
    caller_of: Callable[[Request], str] | None = None,
) -> FastAPI:
    """Return a proxy that is `Inbound` alone, and registers as `copy`, its own URL."""
    lease = registered(node, service, copy, at=CONTROL_PLANE)
    forward = Inbound(node, service, app, caller_of).forward
    return _proxy(node, configuration, forward, lease)


def sidecar(node: Node, *, service: str, app: str, every: float = 1.0) -> FastAPI:
    """Return a proxy with both halves, for a copy of a service that is at `app`.

    What is for the sidecar's own name comes in, and all else goes out. `every` is in
    seconds: how often it asks the control plane for what is new.

    Source: chapter 12. Leaves out: streamed bodies, web sockets, gRPC, and whether
    `app` is healthy. Anyone who reaches it can call others in its service's name.
    """
    comes_in, goes_out = Inbound(node, service, app), Outbound(node, service)

    async def forward(request: Request, mesh: Mesh) -> Response:
        half = comes_in if request.headers.get("host") == node.name else goes_out
        return await half.forward(request, mesh)

    lease = registered(node, service, f"http://{node.name}", at=CONTROL_PLANE)
    return _proxy(node, Configuration(node, every=every), forward, lease)


def through(factory: Factory, sidecar: str) -> Factory:
    """Return the service with all its calls going to its sidecar, at that URL.

    The service's own code stays as it is.
    """

    async def to_sidecar(request: httpx.Request) -> None:
        request.url = moved(httpx.URL(sidecar), request.url)  # not `host`

    def make(node: Node) -> FastAPI:
        node.client.event_hooks = {"request": [to_sidecar]}
        return factory(node)

    return make


def _proxy(
    node: Node,
    configuration: Configuration,
    forward: Callable[[Request, Mesh], Awaitable[Response]],
    lease: AbstractAsyncContextManager[None] | None = None,
) -> FastAPI:
    """Return an app that forwards whatever comes, once it knows the mesh."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await configuration.refresh()
        following = node.tasks.create_task(configuration.follow(), name="the mesh")
        async with lease or nullcontext():
            yield
        following.cancel()

    async def pass_on(request: Request) -> Response:
        if configuration.mesh is None:  # then it can't know who may call either
            return problem(503, "this sidecar has no configuration yet")
        return await forward(request, configuration.mesh)

    app = FastAPI(lifespan=lifespan, openapi_url=None)  # no path of its own
    app.add_route("/{path:path}", pass_on, methods=METHODS)
    return app
