"""How a world runs an ASGI app: its lifespan, its requests, what it refuses."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from movingparts.core.errors import ServeError
from movingparts.core.node import ASGIApp, Factory, Node, Scope, Tasks, summary

Headers = list[tuple[bytes, bytes]]
OnResponse = Callable[[int, Headers, bytes], None]

_ADVICE = "make it `async def`: a thread pool has no virtual time and no place in a tab"


def build(factory: Factory | ASGIApp, node: Node, name: str) -> FastAPI:
    """Return the app that a factory makes, or the app that was given.

    Raises `ServeError` where it is neither, or where it would need threads.
    """
    app: Any = factory
    if not isinstance(factory, Starlette):
        if not callable(factory):
            raise ServeError(
                f"{name} cannot be served from {factory!r}: give a factory"
                " `def make(node) -> FastAPI` or a FastAPI app"
            )
        app = factory(node)  # type: ignore[call-arg,arg-type]  # an app was ruled out above
    if inspect.iscoroutine(app):
        app.close()
        raise ServeError(f"{name}'s factory is `async def`: make it `def`")
    if not isinstance(app, Starlette):
        kind = type(app).__name__
        raise ServeError(f"{name}'s factory returned {kind}, not a FastAPI app")
    refuse_sync(app, name)
    return app  # type: ignore[return-value]  # Starlette serves as well


def at_start(
    *begin: Callable[[], Awaitable[object]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan that awaits these in turn, before the first request."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for each in begin:
            await each()
        yield

    return lifespan


def refuse_sync(app: Starlette, name: str) -> None:
    """Raise `ServeError` if the app has a function that would run in a thread."""
    for role, function in _functions(app):
        if not _is_async(function):
            called = getattr(function, "__name__", repr(function))
            raise ServeError(f"{name}: {role} `{called}` is `def`; {_ADVICE}")


def _is_async(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(function, "__call__", None)  # noqa: B004  # the method is needed, not the answer
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    if inspect.isclass(function):
        return False
    return any(kind(function) or kind(call) for kind in kinds)


def _functions(app: Starlette) -> Iterator[tuple[str, Any]]:
    for handler in app.exception_handlers.values():
        yield "exception handler", handler
    yield from _of_router(app.router)


def _of_router(router: Any) -> Iterator[tuple[str, Any]]:
    for depends in getattr(router, "dependencies", None) or []:
        yield "dependency", depends.dependency
    for route in router.routes:
        yield from _of_route(route)


def _of_route(route: BaseRoute) -> Iterator[tuple[str, Any]]:
    included = getattr(route, "original_router", None)
    if included is not None:  # how FastAPI keeps a router that was included
        yield from _of_router(included)
    elif isinstance(route, Mount) and isinstance(route.app, Starlette):
        yield from _functions(route.app)
    elif getattr(route, "dependant", None) is not None:
        yield from _of_dependant(route.dependant, "endpoint")  # type: ignore[attr-defined]  # checked above


def _of_dependant(dependant: Any, role: str) -> Iterator[tuple[str, Any]]:
    if dependant.call is not None:
        yield role, dependant.call
    for needed in dependant.dependencies:
        yield from _of_dependant(needed, "dependency")


def refuse_threads(when: Callable[[], bool] = lambda: True) -> None:
    """Make the present loop's thread pool say by name what was sent to it.

    `when` says whether the present code is a service's: a kernel's loop is shared.

    Background tasks can't be found by looking at an app, only when they are started.
    The pool's limiter is asked before a thread is made; its class is swapped since
    anyio offers no hook, and on this loop's own limiter only.
    """
    limiter = anyio.to_thread.current_default_thread_limiter()
    if type(limiter).__name__ == "NoThreads":
        return

    class NoThreads(type(limiter)):  # type: ignore[misc]  # the backend decides the class
        __slots__ = ()

        async def __aenter__(self) -> None:
            if not when():
                return await super().__aenter__()  # type: ignore[no-any-return]  # the same
            function = sys._getframe(1).f_locals.get("func")  # noqa: SLF001  # the only way to name it
            while isinstance(function, functools.partial):
                function = function.args[0] if function.args else function.func
            called = getattr(function, "__name__", "a function")
            raise ServeError(f"`{called}` is `def`; {_ADVICE}")

    limiter.__class__ = NoThreads


class Exchange:
    """One request to an app; it calls `on_response` once the response is complete."""

    __slots__ = ("_body", "_done", "_on_response", "_parts", "headers", "status")

    def __init__(self, body: bytes, on_response: OnResponse) -> None:
        self._body: bytes | None = body
        self._parts: list[bytes] = []
        self._done: asyncio.Event | None = None
        self._on_response: OnResponse | None = on_response
        self.status = 0
        self.headers: Headers = []

    async def run(self, app: ASGIApp, scope: Scope) -> BaseException | None:
        """Run the app to its end and return the exception that it raised, if any."""
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001  # a server survives whatever an app raises
            self._complete(500, [], b"Internal Server Error")
            return error
        self._complete(500, [], b"the app sent no response")
        return None

    async def receive(self) -> dict[str, Any]:
        """Give the app the request's body and, after the response, the disconnect.

        The app never learns that a caller gave up earlier, so the work goes on.
        """
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        if self._on_response is not None:
            self._done = self._done or asyncio.Event()
            await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a part of the response from the app."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._complete(self.status, self.headers, b"".join(self._parts))

    def _complete(self, status: int, headers: Headers, body: bytes) -> None:
        on_response, self._on_response = self._on_response, None
        if on_response is None:
            return
        if self._done is not None:
            self._done.set()
        self.status = status
        on_response(status, list(headers), body)


class Lifespan:
    """An app's start and end, in a task of the node."""

    def __init__(self, app: ASGIApp, tasks: Tasks, name: str) -> None:
        self._app, self._tasks, self._name = app, tasks, name
        self._inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._phase = "startup"
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Run the app's startup; raise `ServeError` with its reason if it fails."""
        self._tasks.create_task(self._run(), name="lifespan")
        await self._send("startup")

    async def stop(self) -> None:
        """Run the app's shutdown."""
        await self._send("shutdown")

    async def _send(self, phase: str) -> None:
        self._phase = phase
        self._inbox.put_nowait({"type": f"lifespan.{phase}"})
        answer = await self._outbox.get()
        if answer["type"] == f"lifespan.{phase}.failed":
            reason = answer.get("message", "").strip().splitlines()[-1:]
            raise ServeError(f"{self._name} failed in its {phase}: {''.join(reason)}")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, self._outbox.put)
        except Exception as error:  # noqa: BLE001  # whatever the app raises is its reason
            kind = f"lifespan.{self._phase}.failed"
            self._outbox.put_nowait({"type": kind, "message": summary(error)})
