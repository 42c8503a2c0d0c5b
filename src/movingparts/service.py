"""A template for a service: what each one needs apart from its own work.

It reports whether it is alive and ready, returns errors as problem details, limits
how long anything takes, and shuts down cleanly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from movingparts.core import Node
from movingparts.core.node import ASGIApp, Scope

Check = Callable[[], Awaitable[object]]  # raises while something is missing
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds.

    `request` is for a whole request to this service; `connect`, `read` and `pool` are
    for each call that it makes itself.

    >>> Limits(request=2.0).request
    2.0
    """

    request: float = 5.0
    connect: float = 0.5
    read: float = 2.0
    pool: float = 0.5


def service(
    node: Node,
    *,
    title: str,
    checks: Mapping[str, Check] | None = None,
    lifespan: Lifespan | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Return an app with everything but its own routes.

    `checks` must all return before the service is ready for requests; `lifespan` opens
    what it needs and closes it after its last request.

    Source: chapter 01; problem details are RFC 9457's. Leaves out: authentication
    (chapter 16), metrics and traces (chapter 14), deadlines passed on to callees, and
    `/ready` that says no before a shutdown: uvicorn closes its port first.
    """
    limits = limits or Limits()
    app = FastAPI(title=title, lifespan=_readiness(lifespan))
    node.client.timeout = httpx.Timeout(
        limits.read, connect=limits.connect, pool=limits.pool
    )
    app.add_middleware(_TimeLimit, seconds=limits.request)
    _report_problems(app)
    _report_health(app, checks or {})
    return app


def _readiness(inner: Lifespan | None) -> Lifespan:
    """Be ready only between the end of the start and the beginning of the end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (inner or _nothing)(app):
            app.state.ready = True
            yield
            app.state.ready = False

    return lifespan


@asynccontextmanager
async def _nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


def _report_health(app: FastAPI, checks: Mapping[str, Check]) -> None:
    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        """Answer: a process that cannot even do this should be started again."""
        return {"status": "up"}

    @app.get("/ready", include_in_schema=False)
    async def ready() -> dict[str, str]:
        """Return whether requests should be sent here; if not, start nothing again."""
        if not getattr(app.state, "ready", False):
            raise HTTPException(503, "starting or ending")
        for name, check in checks.items():
            try:
                await check()
            except Exception as error:
                raise HTTPException(503, f"{name}: {error}") from error
        return {"status": "ready"}


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """Return an error as RFC 9457 problem details.

    >>> problem(404, "no ride 'ride-9' has ended").media_type
    'application/problem+json'
    """
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    kind = "application/problem+json"
    return JSONResponse({**body, **more}, status_code=status, media_type=kind)


def refuses(app: FastAPI, *kinds: type[Exception]) -> None:
    """Have the app answer 409 to a refused command, and 404 for what is not there.

    Both say that this service saved nothing; what it asked of others may be done. A
    kind of `LookupError` is a 404.
    """

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return problem(404 if isinstance(error, LookupError) else 409, str(error))

    for kind in kinds:
        app.add_exception_handler(kind, refused)


def _report_problems(app: FastAPI) -> None:
    @app.exception_handler(AnyHTTPException)
    async def raised(request: Request, error: AnyHTTPException) -> JSONResponse:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"at": ".".join(map(str, each["loc"])), "what": each["msg"]}
            for each in error.errors()
        ]
        return problem(422, "the request is not valid", errors=errors)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        """Answer that the request may have been done; the log has the reason."""
        return problem(500, "unexpected: this may have been done, in whole or in part")


class _TimeLimit:
    """ASGI middleware: end a request that takes too long, and say what that means."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, receive, watched)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            text = f"took over {self._seconds:g} s: this may have been done in part"
            await problem(503, text)(scope, receive, send)
