"""Writers who race for one stream of a log that is a service of its own.

How a writer goes about it is up to the page: `way(log, event)` reads the stream of the
code, decides, may append the event, and returns what its rider gets.

Source: chapter 08. Leaves out: the riders' own requests, which start all this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from movingparts.core import Node, Recording
from movingparts.core.random import Uniform
from movingparts.eventstore import (
    NO_STREAM,
    ConcurrencyConflict,
    NewEvent,
    SqliteEventStore,
    StoredEvent,
)
from movingparts.service import problem, service
from movingparts.world.simulated import SimulatedWorld, simulate

CODE = "code-NOON"
COPIES = ("codes-1", "codes-2")
EVENTS = TypeAdapter(list[StoredEvent])


class HttpLog:
    """The log as its clients have it: the `read` and `append` of an event store."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def read(self, stream: str) -> list[StoredEvent]:
        """Return the events of a stream."""
        reply = await self._client.get(f"http://log/{stream}")
        return EVENTS.validate_json(reply.raise_for_status().content)

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none; raise `ConcurrencyConflict`."""
        reply = await self._client.post(
            f"http://log/{stream}",
            params={"expected_version": expected_version},
            json=[{"id": e.id, "type": e.type, "data": e.data} for e in events],
        )
        body = reply.json()
        if reply.status_code == 409:
            raise ConcurrencyConflict(stream, expected_version, body["actual"])
        return int(reply.raise_for_status().json())


Way = Callable[[HttpLog, NewEvent], Awaitable[str]]


def log(node: Node) -> FastAPI:
    """Return the service that keeps the log, in which a code has been issued."""
    app = service(node, title="log")
    store = SqliteEventStore(node.disk.connect(), node.clock)
    with store.transaction():
        issued = NewEvent(node.new_id(), "CodeIssued", {"rides": 1})
        store.add(CODE, [issued], expected_version=NO_STREAM)

    @app.exception_handler(ConcurrencyConflict)
    async def conflict(request: Request, error: Any) -> JSONResponse:
        return problem(409, str(error), actual=error.actual)

    @app.get("/{stream}")
    async def read(stream: str) -> list[StoredEvent]:
        return await store.read(stream)

    @app.post("/{stream}")
    async def append(stream: str, events: list[NewEvent], expected_version: int) -> int:
        return await store.append(stream, events, expected_version=expected_version)

    return app


@dataclass
class Outcome:
    """How many riders got each outcome, and how many appends were sent and refused."""

    outcomes: dict[str, int]
    sent: int
    refused: int


def race(way: Way, writers: int, *, seed: int = 1) -> Recording:
    """Let so many riders send the code at once; the result is an `Outcome`."""

    async def scenario(world: SimulatedWorld) -> dict[str, int]:
        world.network.everywhere(latency=Uniform(0.001, 0.003))
        await world.serve("log", log)
        for copy in COPIES:
            await world.serve(copy, partial(service, title="codes"))
        tasks = [
            world.node("city").tasks.create_task(claim(world, way, number))
            for number in range(writers)
        ]
        return dict(Counter([await task for task in tasks]))

    run = simulate(scenario, seed=seed)
    sent = [s for s in run.spans if (s.kind, s.name[:4]) == ("client", "POST")]
    refused = sum(span.status == 409 for span in sent)
    run.result = Outcome(run.result, len(sent), refused)
    return run


async def claim(world: SimulatedWorld, way: Way, number: int) -> str:
    """Let a copy of `codes` handle one rider's request; return what it answers."""
    copy = world.node(COPIES[number % 2])
    event = NewEvent(copy.new_id(), "CodeUsed", {"rider": f"R{number}"})
    answer = await way(HttpLog(copy.client), event)
    world.note(copy.name, answer)
    return answer
