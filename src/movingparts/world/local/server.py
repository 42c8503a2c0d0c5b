"""uvicorn on a free loopback port, as a task of the loop that runs already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import uvicorn

from movingparts.core.errors import ServeError
from movingparts.core.node import summary

GRACE = 5.0  # seconds that a request under way has to finish when its service stops
_log: ContextVar[Callable[[str], None] | None] = ContextVar("service_log", default=None)


class _Server(uvicorn.Server):
    """A server that leaves the kernel's signals to the kernel."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ToService(logging.Filter):
    """Turns uvicorn's lines into lines of the service in whose course they are said."""

    def filter(self, record: logging.LogRecord) -> bool:
        log = _log.get()
        if log is None:
            return True  # somebody's own uvicorn
        if record.levelno >= logging.WARNING:
            error = record.exc_info[1] if record.exc_info else None
            line = record.getMessage().strip().splitlines()[0]
            log(f"{line}: {summary(error)}" if error is not None else line)
        return False


_to_service = _ToService()


class Listener:
    """One app, listening until it is stopped."""

    def __init__(self, app: Any, name: str, log: Callable[[str], None]) -> None:
        self._name, self._log = name, log
        self._socket = loopback_socket()
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            lifespan="off",  # the world runs it, and says by name what failed
            log_config=None,
            access_log=False,  # the door logs each request, with the world's time
            ws="none",
            timeout_keep_alive=75,  # longer than a client keeps a connection for reuse
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Listener of {self._name}>"

    async def start(self) -> None:
        """Listen; raise `ServeError` if that fails."""
        logging.getLogger("uvicorn.error").addFilter(_to_service)
        self._task = asyncio.create_task(self._run(), name=f"{self._name} listens")
        while not self._server.started:
            if self._task.done():
                self._socket.close()
                raise ServeError(
                    f"{self._name} did not start: {self._task.exception()}"
                )
            await asyncio.sleep(0)

    async def stop(self, grace: float) -> None:
        """Take no more requests, let those under way finish, and end.

        A request that is not done after `grace` seconds is cancelled.
        """
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait_for(self._task, timeout=grace + 2)

    def cut(self) -> None:
        """Close the port at once, also when there is no loop any more to stop in."""
        self._server.should_exit = self._server.force_exit = True
        self._socket.close()

    async def _run(self) -> None:
        # Connections are handled in this context, and so log to this service.
        _log.set(self._log)
        try:
            await self._server.serve(sockets=[self._socket])
        except SystemExit:  # in a task it would end the kernel
            raise ServeError("uvicorn gave up") from None


def loopback_socket() -> socket.socket:
    """Return a socket that is bound to a free port of 127.0.0.1.

    asyncio turns Nagle's algorithm off only on sockets whose protocol is given; with
    it on, each call waits 40 ms for a delayed acknowledgment.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock
