"""A gateway: one address for all services, and one answer for a whole screen.

It routes by path, makes a screen of several services' answers, checks who asks, and
sets how long anything may take. It knows no rule of the business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, HTTPException, Request, Response

from movingparts.core import Node
from movingparts.service import problem, service
from movingparts.upstream import (
    REQUEST,
    RIDER,
    TIMEOUT,
    Caller,
    Deadline,
    Unavailable,
    Upstream,
    filled,
)

METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"]
# What belongs to one connection, or is the gateway's own to say.
NOT_PASSED_ON = {"host", "connection", "content-length", "transfer-encoding"}
NOT_PASSED_ON |= {"keep-alive", "te", "upgrade", "accept-encoding", "traceparent"}
NOT_PASSED_ON |= {"authorization", TIMEOUT, RIDER, REQUEST}
PASSED_BACK = {"content-type", "etag", "deprecation", "sunset", "retry-after"}

# Returns the rider that a token belongs to; None if it belongs to nobody.
Authenticate = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Route:
    """Paths that begin with `prefix` go to `service`, without the prefix.

    >>> Route("/rides", "rides").path("/rides/ride-17")
    '/ride-17'
    """

    prefix: str
    service: str
    strip: bool = True

    def path(self, path: str) -> str | None:
        """Return the path at the service; None if this route isn't for it."""
        inside = path == self.prefix or path.startswith(f"{self.prefix}/")
        if not inside or "/.." in unquote(path):  # which leads out of it again
            return None
        return path.removeprefix(self.prefix) or "/" if self.strip else path


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a screen: its name, where it comes from, and for how long to wait.

    `url` may have `{rider}` and the screen's own parameters in it. Without a
    `required` part there is no screen; any other is `None` when it does not come.

    >>> Part("weather", "http://weather/now").required
    False
    """

    name: str
    url: str
    seconds: float = 1.0
    required: bool = False


def gateway(
    node: Node,
    *,
    routes: Sequence[Route] = (),
    screens: Mapping[str, Sequence[Part]] | None = None,
    authenticate: Authenticate | None = None,
    seconds: float = 2.0,
) -> FastAPI:
    """Return the service that all apps talk to.

    `screens` are paths, such as `/screen/{station}`, with their parts. `seconds` is how
    long any request may take; a caller that waits for less says so in `timeout-ms`.
    When a service fails, the answer has an `x-request-id`; the log has it too, and why.

    Source: chapter 04; Richardson 2018 (API gateway, API composition). Leaves out:
    rate limits and circuit breakers (chapter 12), tokens (chapter 16), redirects,
    streamed bodies, web sockets.
    """
    app = service(node, title="gateway")
    door = _Door(Upstream(node), authenticate, seconds)
    for path, parts in (screens or {}).items():
        app.get(path)(_screen(door, parts))

    @app.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
    async def forward(request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")  # as it was sent
        caller = await door.enter(request)
        for route in routes:
            if (there := route.path(path)) is not None:
                return await door.forward(request, caller, route.service, there)
        return problem(404, f"nothing is at {path}")

    return app


@dataclass(frozen=True, slots=True)
class _Door:
    """Checks who comes in, and calls services on their behalf."""

    upstream: Upstream
    authenticate: Authenticate | None
    seconds: float

    async def enter(self, request: Request) -> Caller:
        """Return who asks; raise a 401 if nobody knows."""
        now = self.upstream.node.clock.monotonic
        patience = request.headers.get(TIMEOUT, "")
        waits = int(patience) / 1000 if patience.isdecimal() else self.seconds
        deadline = Deadline(now() + min(waits, self.seconds), now)
        rider: str | None = "anonymous"
        if self.authenticate is not None:
            _, _, token = request.headers.get("authorization", "").partition(" ")
            rider = await self.authenticate(token)
        if rider is None:
            how = {"www-authenticate": "Bearer"}
            raise HTTPException(401, "the token is not valid", how)
        request_id = request.headers.get(REQUEST) or self.upstream.node.new_id()
        return Caller(rider, request_id, deadline)

    async def forward(
        self, request: Request, caller: Caller, name: str, path: str
    ) -> Response:
        """Pass a request on to a service, and its answer back."""
        kept = {k: v for k, v in request.headers.items() if k not in NOT_PASSED_ON}
        url = f"http://{name}{path}?{request.url.query}".removesuffix("?")
        answer = await self.upstream.call(
            caller, request.method, url, headers=kept, content=await request.body()
        )
        back = {k: v for k, v in answer.headers.items() if k in PASSED_BACK}
        return Response(answer.content, answer.status_code, back)


def _screen(door: _Door, parts: Sequence[Part]) -> Callable[..., Awaitable[Any]]:
    """Return the handler that asks for all parts at once."""

    async def screen(request: Request) -> Any:
        caller = await door.enter(request)
        values = {**request.path_params, "rider": caller.rider}

        async def ask(part: Part) -> Any:
            url = filled(part.url, values)
            return await door.upstream.read(caller, url, part.seconds)

        asked = await asyncio.gather(*map(ask, parts), return_exceptions=True)
        return _composed(parts, asked)

    return screen


def _composed(parts: Sequence[Part], asked: Sequence[Any]) -> Any:
    """Return the screen, with `missing` naming the parts that did not come."""
    found: dict[str, Any] = {}
    missing = []
    for part, value in zip(parts, asked, strict=True):
        if not isinstance(value, BaseException):
            found[part.name] = value
        elif isinstance(value, Unavailable) and not part.required:
            found[part.name] = None
            missing.append(part.name)
        else:
            raise value
    return {**found, "missing": missing}
