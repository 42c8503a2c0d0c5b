"""A gateway: one address for all services, and one answer for a whole screen.

It routes by path, makes a screen of several services' answers, checks who asks, and
limits how long anything takes. It knows no rule of the business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.core import Node
from movingparts.service import problem, service

TIMEOUT = "timeout-ms"  # a header: how long the caller goes on waiting
RIDER, REQUEST = "x-rider", "x-request-id"
# What belongs to one connection, or is the gateway's own to say.
NOT_PASSED_ON = {"host", "connection", "content-length", "transfer-encoding"}
NOT_PASSED_ON |= {"authorization", TIMEOUT, RIDER, REQUEST}
PASSED_BACK = (
    "content-type",
    "deprecation",
    "etag",
    "location",
    "retry-after",
    "sunset",
)

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
        if path != self.prefix and not path.startswith(f"{self.prefix}/"):
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


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an answer is of use: each call gets what is left, and no more."""

    at: float
    now: Callable[[], float]

    def left(self, most: float) -> float:
        """Return the seconds that a call may take."""
        return max(0.0, min(most, self.at - self.now()))


class Unavailable(Exception):
    """A service did not answer, or not in time; the caller learns no more than that."""

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"{name} is not available")
        self.name, self.status = name, status


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

    Source: chapter 04; Richardson 2018 (API gateway, API composition). Leaves out:
    rate limits and circuit breakers (chapter 12), tokens (chapter 16), web sockets.
    """
    app = service(node, title="gateway")
    door = _Door(node, authenticate, seconds)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> Response:
        return problem(error.status, str(error))

    for path, parts in (screens or {}).items():
        app.get(path)(_screen(door, parts))

    @app.api_route("/{path:path}", methods=["GET", "PUT", "POST", "DELETE"])
    async def forward(path: str, request: Request) -> Response:
        caller = await door.enter(request)
        if isinstance(caller, Response):
            return caller
        for route in routes:
            if (there := route.path(f"/{path}")) is not None:
                return await door.forward(request, caller, route.service, there)
        return problem(404, f"nothing is at /{path}")

    return app


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, under which id, and until when."""

    rider: str
    request_id: str
    deadline: Deadline

    def headers(self, seconds: float) -> dict[str, str]:
        """Return what a service is told about the request."""
        left = str(round(seconds * 1000))
        return {RIDER: self.rider, REQUEST: self.request_id, TIMEOUT: left}


class _Door:
    """Checks who comes in, and calls services on their behalf."""

    def __init__(
        self, node: Node, authenticate: Authenticate | None, seconds: float
    ) -> None:
        self._node, self._authenticate, self._seconds = node, authenticate, seconds

    async def enter(self, request: Request) -> Caller | Response:
        """Return who asks, or the refusal."""
        rider: str | None = "anonymous"
        if self._authenticate is not None:
            _, _, token = request.headers.get("authorization", "").partition(" ")
            rider = await self._authenticate(token)
        if rider is None:
            return problem(401, "the token is not valid")
        now = self._node.clock.monotonic
        patience = request.headers.get(TIMEOUT, "")
        waits = int(patience) / 1000 if patience.isdecimal() else self._seconds
        deadline = Deadline(now() + min(waits, self._seconds), now)
        return Caller(
            rider, request.headers.get(REQUEST) or self._node.new_id(), deadline
        )

    async def forward(
        self, request: Request, caller: Caller, name: str, path: str
    ) -> Response:
        """Pass a request on to a service, and its answer back."""
        kept = {k: v for k, v in request.headers.items() if k not in NOT_PASSED_ON}
        query = f"?{request.url.query}" if request.url.query else ""
        answer = await self.call(
            caller,
            request.method,
            f"http://{name}{path}{query}",
            headers=kept,
            content=await request.body(),
        )
        back = {k: answer.headers[k] for k in PASSED_BACK if k in answer.headers}
        return Response(answer.content, answer.status_code, back)

    async def call(
        self, caller: Caller, method: str, url: str, most: float = 60.0, **more: Any
    ) -> httpx.Response:
        """Call a service for as long as there is time; raise `Unavailable`.

        What went wrong inside is logged here, and is no business of the caller's.
        """
        seconds = caller.deadline.left(most)
        headers = {**more.pop("headers", {}), **caller.headers(seconds)}
        name = httpx.URL(url).host
        try:
            async with asyncio.timeout(seconds):
                answer = await self._node.client.request(
                    method, url, headers=headers, timeout=seconds, **more
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            self._node.logs.append(f"{caller.request_id} {url}: no answer in time")
            raise Unavailable(name, 504) from error
        except httpx.TransportError as error:
            self._node.logs.append(f"{caller.request_id} {url}: {error}")
            raise Unavailable(name, 502) from error
        if answer.is_server_error:
            self._node.logs.append(f"{caller.request_id} {url}: {answer.text}")
            raise Unavailable(name, 502)
        return answer


def _screen(door: _Door, parts: Sequence[Part]) -> Callable[..., Awaitable[Any]]:
    """Return the handler that asks for all parts at once."""

    async def screen(request: Request) -> Any:
        caller = await door.enter(request)
        if isinstance(caller, Response):
            return caller
        values = {**request.path_params, "rider": caller.rider}

        async def ask(part: Part) -> Any:
            url = part.url.format(**values)
            answer = await door.call(caller, "GET", url, part.seconds)
            return answer.raise_for_status().json()

        asked = await asyncio.gather(*map(ask, parts), return_exceptions=True)
        return _composed(parts, asked)

    return screen


def _composed(parts: Sequence[Part], asked: Sequence[Any]) -> Any:
    """Return the screen, with `missing` naming the parts that did not come."""
    found: dict[str, Any] = {}
    for part, value in zip(parts, asked, strict=True):
        failed = isinstance(value, BaseException)
        if failed and part.required:
            status = value.status if isinstance(value, Unavailable) else 502
            return problem(status, f"{part.name} is not available")
        found[part.name] = None if failed else value
    missing = [p.name for p, v in zip(parts, asked, strict=True) if _failed(v)]
    return {**found, "missing": missing}


def _failed(value: Any) -> bool:
    return isinstance(value, BaseException)
