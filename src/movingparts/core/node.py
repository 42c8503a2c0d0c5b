"""A node: all that ties a service to the world that it runs in."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import traceback
import uuid
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx

from movingparts.core.clock import Clock
from movingparts.core.errors import WorldError
from movingparts.core.random import Random
from movingparts.core.recording import Recording, Span

if TYPE_CHECKING:
    from fastapi import FastAPI

    from movingparts.core.bus import Bus

T = TypeVar("T")
SUMMARY = 1000  # characters of what an error says that go into a log or a recording
Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Any, Any], Awaitable[None]]
Factory = Callable[["Node"], "FastAPI"]

# The piece of work in whose course the present code runs; None outside of any.
current_span: ContextVar[Span | None] = ContextVar("current_span", default=None)


def check_name(name: str, *taken: str) -> None:
    """Raise `WorldError` if a service cannot have this name in a world."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in taken:
        raise WorldError(
            f"{name!r} cannot name a service: use a-z, 0-9 and -,"
            f" not {' or '.join(map(repr, taken))}"
        )


class Tasks:
    """The owner of a node's background work: it ends with the node.

    A task that raises does not end the node; `report` gets the exception.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._running: dict[asyncio.Task[Any], None] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._running)

    def __repr__(self) -> str:
        names = ", ".join(task.get_name() for task in self._running) or "none"
        return f"<Tasks: {names}>"

    def create_task(
        self,
        work: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """Start a coroutine that the node owns, as `asyncio.create_task` would."""
        if self._closed:
            work.close()
            raise asyncio.CancelledError("this node has ended")
        task = asyncio.create_task(work, name=name, context=context)
        self._running[task] = None
        task.add_done_callback(self._ended)
        return task

    @property
    def closed(self) -> bool:
        """Whether the node has ended, and takes no more."""
        return self._closed

    def report(self, what: str, error: BaseException) -> None:
        """Tell the node's log of a failure that ended no task."""
        self._report(what, error)

    def cancel(self) -> list[asyncio.Task[Any]]:
        """Cancel all in the order of their making, take no more, return them."""
        self._closed = True
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        return tasks

    async def finished(self) -> None:
        """Wait until all that runs now has ended."""
        for task in list(self._running):
            await ended(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._report(task.get_name(), error)


class Disk:
    """A node's folder: what is on it survives a crash, what is open does not.

    `path` is made at first use. Connections from `connect` are closed, and their
    open transactions rolled back, when the node crashes.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._open: list[sqlite3.Connection] = []
        self._closed = False

    def __repr__(self) -> str:
        return f"<Disk: {len(self._open)} connections open>"

    @property
    def path(self) -> Path:
        """The folder; a crashed node's is out of its reach."""
        if self._closed:
            raise WorldError("this node has crashed: its disk is out of reach")
        return self._folder()

    def connect(self, filename: str = "data.sqlite") -> sqlite3.Connection:
        """Open an SQLite file in the folder, rows by column name, in WAL mode."""
        connection = sqlite3.connect(self.path / filename, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        # Survives a killed process, not a power cut; without an fsync at each commit.
        connection.execute("PRAGMA synchronous=NORMAL")
        self._open.append(connection)
        return connection

    def close(self) -> None:
        """Roll back what is open and let no more of this incarnation through."""
        self._closed = True
        for connection in self._open:
            try:
                connection.rollback()
            except sqlite3.ProgrammingError:
                continue  # the service has closed it itself
            connection.close()
        self._open.clear()


@dataclass(eq=False)
class Node:
    """What a service gets from its world; the same code runs wherever it is real.

    `client` reaches other services by name (`http://pricing/quote`). `tasks` owns
    background work. `disk` outlives a crash. `random` and `new_id` are the only
    sources of chance, `clock` the only one of time.
    """

    name: str
    client: httpx.AsyncClient
    bus: Bus
    clock: Clock
    random: Random
    tasks: Tasks
    disk: Disk
    logs: list[str] = field(default_factory=list, repr=False)

    def new_id(self) -> str:
        """Return a fresh id in the form of a version 4 UUID, from `random`."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def __repr__(self) -> str:
        return f"<Node {self.name}: {len(self.tasks)} tasks>"


class Service(Protocol):
    """A running service. `logs` holds a line for each request and each failure."""

    @property
    def name(self) -> str:
        """The name that others reach it by."""
        ...

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        ...

    @property
    def logs(self) -> list[str]:
        """What it did, a line each, oldest first."""
        ...

    async def stop(self) -> None:
        """Let it finish what it has begun, run its shutdown, and end."""
        ...


class World(Protocol):
    """A place in which services run: simulated, local, or a cluster."""

    @property
    def clock(self) -> Clock:
        """The world's clock."""
        ...

    @property
    def random(self) -> Random:
        """Chance for the scenario itself; each node has a stream of its own."""
        ...

    @property
    def recording(self) -> Recording:
        """What has happened so far."""
        ...

    async def serve(self, name: str, factory: Factory | ASGIApp) -> Service:
        """Start a service; one that has the same name is stopped and replaced."""
        ...

    def node(self, name: str) -> Node:
        """Return the node of that name; a new one is a caller that serves nothing."""
        ...

    def client(self, caller: str, *, timeout: float | None = 5.0) -> httpx.AsyncClient:
        """Return a client of that node; `timeout` is in seconds, None waits forever."""
        ...


async def ended(task: asyncio.Task[Any], *, timeout: float | None = None) -> None:
    """Wait until a task has ended, however it ends, or for `timeout` seconds.

    A caller that is cancelled while it waits, as by a timeout, leaves the task alone.
    """
    await asyncio.wait([task], timeout=timeout)  # a set of one task has one order


def summary(error: BaseException) -> str:
    """Return an exception in one line: what it says and where it was raised.

    An error may say a lot, for example all that it was given; of that, the beginning.
    """
    what = traceback.format_exception_only(error)[-1].strip()
    if len(what) > SUMMARY:
        what = f"{what[:SUMMARY]}…"
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{what} (in {frames[-1].name}, line {frames[-1].lineno})" if frames else what
    )


def traceparent(span: Span) -> str:
    """Return a span's W3C Trace Context header."""
    return f"00-{span.trace_id}-{span.span_id}-01"


@lru_cache(maxsize=1024)  # of an event, it is asked for at each of its hops
def parse_traceparent(text: str | None) -> tuple[str, str]:
    """Return trace id and parent span id from a header; empty where there is none.

    Leaves out: the version, the flags, and the check that ids are lower-case hex.
    """
    parts = (text or "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return "", ""
    return parts[1], parts[2]
