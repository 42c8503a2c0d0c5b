"""What runs a function: a request, an event on the bus, or the time of day.

And where its answer goes if nobody waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from movingparts.core.event import Event
from movingparts.core.node import Node
from movingparts.function.contract import TIMEOUT, FunctionError, Invocation
from movingparts.service import Lifespan, Limits, problem, refuses, service

if TYPE_CHECKING:
    from movingparts.function.platform import Platform

STATUS = {"throttled": 429, "timeout": 504}  # the others are 502: a bad answer


class Trigger(Protocol):
    """Something that runs a function whenever it happens."""

    async def connect(self, platform: Platform, function: str) -> None:
        """Have the function run from now on; repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Events on a subject of the bus, which a stream captures.

    An event is acknowledged once the platform has saved it. If the bus delivers it
    again while it waits or runs, it is saved once; if later, it runs again.
    """

    subject: str

    async def connect(self, platform: Platform, function: str) -> None:
        """Subscribe, durably, under the function's name."""

        async def save(event: Event) -> None:
            key = f"{function} {event.source} {event.id}"
            platform.send(function, event.to_body(), request_id=key)

        durable = f"function-{function}"
        await platform.node.bus.subscribe(self.subject, save, durable=durable)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a function's value goes as an event, if it ran asynchronously.

    The event's id is the invocation's, so that an invocation which is run again
    publishes the same event again. `type` is in the past tense.

    Source: AWS Lambda's destination on success, which sends a record of the whole
    invocation.
    """

    subject: str
    type: str

    async def publish(self, node: Node, done: Invocation) -> None:
        """Publish the value of an invocation that succeeded."""
        source = f"/functions/{done.function}"
        time = node.clock.now()
        event = Event(done.id, source, self.type, done.value, time=time)
        await node.bus.publish(self.subject, event)


@dataclass(frozen=True, slots=True)
class Every:
    """A schedule: once in so many seconds.

    A run's id has its number, which a handler can know it by. Leaves out: what was due
    while the platform was down.
    """

    seconds: float

    async def connect(self, platform: Platform, function: str) -> None:
        """Begin with the next whole period."""
        platform.node.tasks.create_task(self._run(platform, function))

    async def _run(self, platform: Platform, function: str) -> None:
        clock, number = platform.node.clock, 0
        while True:
            number = max(number, int(clock.monotonic() / self.seconds)) + 1
            await clock.sleep(number * self.seconds - clock.monotonic())
            event = Event(
                str(number), f"/schedule/{function}", "Scheduled", time=clock.now()
            )
            key = f"{function} schedule {number}"
            platform.send(function, event.to_body(), request_id=key)


def gateway(
    node: Node, platform: Platform, *, lifespan: Lifespan | None = None
) -> FastAPI:
    """Return a service that runs functions: `POST /functions/NAME` with any JSON.

    The answer is the function's value. `Prefer: respond-async` (RFC 7240) saves the
    event instead and answers 202. `lifespan` opens what the platform needs, and closes
    it at the end.

    Source: chapter 11. Leaves out: authentication, and binary bodies.
    """
    limits = Limits(request=TIMEOUT)
    app = service(node, title="functions", lifespan=lifespan, limits=limits)
    refuses(app, FunctionError)

    @app.post("/functions/{name}")
    async def invoke(name: str, request: Request) -> JSONResponse:
        try:
            event: Any = await request.json()
        except ValueError as error:
            return problem(400, f"the event is no JSON: {error}")
        if "respond-async" in request.headers.get("prefer", ""):
            return JSONResponse({"id": platform.send(name, event)}, status_code=202)
        return answered(await platform.invoke(name, event))

    return app


def answered(done: Invocation) -> JSONResponse:
    """Return an invocation as a response: its value, or what went wrong."""
    if done.status == "ok":
        return JSONResponse(done.value)
    status = STATUS.get(done.status, 502)
    answer = problem(status, f"{done.function}: {done.status} {done.error}".strip())
    if status == 429:
        answer.headers["Retry-After"] = "1"
    return answer
