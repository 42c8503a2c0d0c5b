"""A sidecar: a proxy beside each copy of a service, through which all its calls go.

The service itself has no code for balancing, retries, breakers, limits or faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.balancer import (
    Balancer,
    NoCopies,
    Pick,
    least_requests,
    round_robin,
    two_choices,
)
from movingparts.breaker import Breaker, CircuitOpen
from movingparts.control_plane import CONTROL_PLANE, Configuration, Policy
from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.discovery import registered
from movingparts.faults import Injector
from movingparts.rate_limit import PerClient
from movingparts.retry import Budget, Retry, safe_to_repeat
from movingparts.service import problem

CALLER = "x-mesh-caller"  # a header: the service that calls, as its sidecar says
METHODS = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]
# What belongs to one connection, and is not passed on.
HOP = {"connection", "content-length", "keep-alive", "te", "transfer-encoding"}
HOP |= {"accept-encoding", "content-encoding", "traceparent", "upgrade"}

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Forward = Callable[[Request], Awaitable[Response]]


class Route:
    """How to call one service, by the policy that it has."""

    def __init__(self, node: Node, policy: Policy) -> None:
        self.policy, self._now = policy, node.clock.monotonic
        self._balancer = Balancer(_pick(policy, node))
        self._breakers: dict[str, Breaker] = {}  # one for each copy
        self._injector = Injector(node, policy.faults)
        self._retry = Retry(
            node.clock,
            node.random,
            attempts=policy.attempts,
            budget=Budget(ratio=policy.retry_ratio),
        )

    async def call(
        self, request: httpx.Request, copies: Sequence[str], send: Send
    ) -> httpx.Response:
        """Return an answer that is not a 5xx, or raise what the last attempt did."""
        breakers = {copy: self._breaker(copy) for copy in copies}

        async def attempt() -> httpx.Response:
            status = await self._injector.inject(request.url.host, request)
            if status is not None:
                return _success(httpx.Response(status, request=request))
            # A copy that keeps failing is left out, unless all of them do.
            ready = [copy for copy in copies if breakers[copy].ready] or copies
            with self._balancer.choose(ready) as copy:
                return await breakers[copy].call(lambda: asked(copy))

        async def asked(copy: str) -> httpx.Response:
            async with asyncio.timeout(self.policy.seconds):
                return await _sent(request, copy, send)

        def again(error: Exception) -> bool:
            return safe_to_repeat(request.method, error)

        return await self._retry.call(attempt, again=again)

    def _breaker(self, copy: str) -> Breaker:
        if copy not in self._breakers:
            most, seconds = self.policy.failures, self.policy.open_seconds
            breaker = Breaker(self._now, failures=most, seconds=seconds)
            self._breakers[copy] = breaker
        return self._breakers[copy]


def outbound(
    node: Node,
    configuration: Configuration,
    *,
    service: str,
    send: Send | None = None,
) -> FastAPI:
    """Return the half of a sidecar that its service's own calls go through.

    A request's `host` names the service that it is for. `send` brings it to a copy;
    without it, `node.client` does.

    Source: chapter 12. Leaves out: streamed bodies, web sockets, gRPC.
    """
    routes: dict[str, Route] = {}
    send = send or node.client.send

    async def forward(request: Request) -> Response:
        mesh, name = configuration.mesh, request.headers["host"]
        policy = mesh.policy(name)
        if name not in routes or routes[name].policy != policy:
            routes[name] = Route(node, policy)
        call = await _call(request, f"http://{name}", **{CALLER: service})
        try:
            return _back(await routes[name].call(call, mesh.copies.get(name, ()), send))
        except (httpx.HTTPError, TimeoutError, CircuitOpen, NoCopies) as error:
            return _failed(node, name, error)

    return _proxy(forward, configuration, node)


def inbound(
    node: Node,
    configuration: Configuration,
    *,
    service: str,
    app: str,
    copy: str,
    caller_of: Callable[[Request], str] | None = None,
) -> FastAPI:
    """Return the half of a sidecar that the calls to its service come in by.

    It registers as `copy`, its own URL, and passes requests on to `app`, its
    service's. `caller_of` says who calls; without it, the header that a sidecar sets
    does, which anyone can make up.

    Source: chapter 12. Leaves out: whether `app` is healthy.
    """
    limits: dict[float, PerClient] = {}

    async def refused(request: Request) -> Response | None:
        policy = configuration.mesh.policy(service)
        caller = caller_of(request) if caller_of else request.headers.get(CALLER, "")
        if policy.callers is not None and caller not in policy.callers:
            return problem(403, f"{caller or 'nobody'} may not call {service}")
        if (rate := policy.rate) is not None:
            if rate not in limits:
                limits[rate] = PerClient(node.clock.monotonic, rate=rate, burst=rate)
            if await limits[rate].take(caller):
                return problem(429, f"{caller or 'nobody'} calls {service} too often")
        return None

    async def forward(request: Request) -> Response:
        refusal = await refused(request)
        if refusal is not None:
            return refusal
        try:
            return _back(await node.client.send(await _call(request, app)))
        except httpx.HTTPError as error:
            return _failed(node, service, error)

    lease = registered(node, service, copy, at=CONTROL_PLANE)
    return _proxy(forward, configuration, node, lease)


def through(factory: Factory, sidecar: str) -> Factory:
    """Return the service with all its calls going to its sidecar, at that URL.

    The service's own code stays as it is.
    """

    def make(node: Node) -> FastAPI:
        client = httpx.AsyncClient(transport=ToSidecar(node.client, sidecar))
        return factory(replace(node, client=client))

    return make


class ToSidecar(httpx.AsyncBaseTransport):
    """Sends every request to one address; `host` still names the one it is for."""

    def __init__(self, client: httpx.AsyncClient, sidecar: str) -> None:
        self._client, self._sidecar = client, httpx.URL(sidecar)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the sidecar."""
        request.url = request.url.copy_with(
            scheme=self._sidecar.scheme,
            host=self._sidecar.host,
            port=self._sidecar.port,
        )
        await request.aread()
        return await self._client.send(request)


def _pick(policy: Policy, node: Node) -> Pick:
    if policy.balancer == "round robin":
        return round_robin()
    return {"least requests": least_requests, "two choices": two_choices}[
        policy.balancer
    ](node.random)


async def _call(request: Request, base: str, **more: str) -> httpx.Request:
    """Return the request as it is passed on to `base`."""
    kept = {k: v for k, v in request.headers.items() if k not in HOP | {"host"}}
    path = request.scope["raw_path"].decode("latin-1")  # as it was sent
    url = f"{base}{path}?{request.url.query}".removesuffix("?")
    body = await request.body()
    return httpx.Request(request.method, url, headers=kept | more, content=body)


async def _sent(request: httpx.Request, copy: str, send: Send) -> httpx.Response:
    """Send a request to a copy; raise an exception if the answer is a 5xx."""
    there, name = httpx.URL(copy), request.url.host
    url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
    headers = {k: v for k, v in request.headers.items() if k != "host"}
    # The copy's certificate, where there is one, has the service's name in it.
    more: dict[str, Any] = {"sni_hostname": name}
    sent = httpx.Request(
        request.method, url, headers=headers, content=request.content, extensions=more
    )
    return _success(await send(sent))


def _success(answer: httpx.Response) -> httpx.Response:
    return answer.raise_for_status() if answer.is_server_error else answer


def _back(answer: httpx.Response) -> Response:
    headers = {k: v for k, v in answer.headers.items() if k not in HOP}
    return Response(answer.content, answer.status_code, headers)


def _failed(node: Node, name: str, error: Exception) -> Response:
    """Answer for a service that couldn't."""
    node.logs.append(f"{name}: {error!r}")
    if isinstance(error, httpx.HTTPStatusError):
        return _back(error.response)
    late = isinstance(error, (TimeoutError, httpx.TimeoutException))
    return problem(504 if late else 503, f"{name} has not answered")


def _proxy(
    forward: Forward,
    configuration: Configuration,
    node: Node,
    lease: AbstractAsyncContextManager[None] | None = None,
) -> FastAPI:
    """Return an app that forwards whatever comes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await configuration.refresh()
        following = node.tasks.create_task(configuration.follow(), name="the mesh")
        async with lease or nullcontext():
            yield
        following.cancel()

    app = FastAPI(lifespan=lifespan, openapi_url=None)  # no path of its own
    app.api_route("/{path:path}", methods=METHODS)(forward)
    return app
