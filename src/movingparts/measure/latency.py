"""The tail of latency: percentiles, services to measure it on, and a load.

The services are as small as services get, so that all the time that passes is the
network's, or what `busy` adds.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.core import Clock, Exponential, Node, Recording, World
from movingparts.core.node import ASGIApp, Factory, Scope

Send = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


# --- measuring --------------------------------------------------------------------


def percentile(samples: Iterable[float], percent: float) -> float:
    """Return the least sample that `percent` of all samples do not exceed.

    Raises ValueError without samples, and for a percent outside 0 < percent <= 100.

    >>> percentile([5, 1, 3, 2, 4], 50)
    3

    Leaves out: interpolation, and histograms for more samples than fit in memory.
    """
    ordered = sorted(samples)
    if not ordered or not 0 < percent <= 100:
        raise ValueError(
            f"needs samples and 0 < percent <= 100, got {len(ordered)} and {percent!r}"
        )
    return ordered[math.ceil(percent * len(ordered) / 100) - 1]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The median and the tail of some latencies, in milliseconds.

    >>> Percentiles.of(range(1, 101))
    <Percentiles p50 50.0 ms, p95 95.0 ms, p99 99.0 ms>
    """

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Percentiles:
        """Return the percentiles of samples in milliseconds; raise as `percentile`."""
        kept = list(samples)
        return cls(*(percentile(kept, percent) for percent in (50, 95, 99)))

    def __repr__(self) -> str:
        parts = (f"{name} {getattr(self, name):.1f} ms" for name in self.__slots__)
        return f"<Percentiles {', '.join(parts)}>"


def latencies(recording: Recording, caller: str) -> list[float]:
    """Return how long each call took that a node made, in milliseconds."""
    return [
        (span.end_us - span.start_us) / 1000
        for span in recording.spans
        if span.kind == "client" and span.node == caller and span.end_us is not None
    ]


def calls_made(recording: Recording, node: str) -> list[list[float]]:
    """Return, for each request that a node served, how long its own calls took.

    In milliseconds, in the order in which the calls were made.
    """
    served = {
        span.span_id: list[float]()
        for span in recording.spans
        if span.kind == "server" and span.node == node
    }
    for span in recording.spans:
        if span.kind == "client" and span.parent_id in served and span.end_us:
            served[span.parent_id].append((span.end_us - span.start_us) / 1000)
    return list(served.values())


# --- services ---------------------------------------------------------------------


def asking(*targets: str) -> Factory:
    """Make a service that calls all targets at once, and answers after the slowest.

    Without a target it answers immediately; with one it is a link of a chain.
    """

    def make(node: Node) -> FastAPI:
        app = FastAPI(title="asking")

        @app.get("/")
        async def answer() -> str:
            calls = [
                node.tasks.create_task(node.client.get(f"http://{target}/"))
                for target in targets
            ]
            for call in calls:
                await call
            return node.name

        return app

    return make


def busy(factory: Factory, seconds: float, *, cores: int = 1) -> Factory:
    """Make a service whose every request keeps one of its cores for that long.

    A simulated handler takes only the time that it sleeps, so the wait for a free
    core is a semaphore that the service owns.
    """

    def make(node: Node) -> FastAPI:
        app = factory(node)
        app.add_middleware(_Cores, clock=node.clock, seconds=seconds, cores=cores)
        return app

    return make


class _Cores:
    """ASGI middleware: wait for a core, keep it for a while, then go on."""

    def __init__(
        self, app: ASGIApp, *, clock: Clock, seconds: float, cores: int
    ) -> None:
        self._app, self._clock, self._seconds = app, clock, seconds
        self._free = asyncio.Semaphore(cores)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Taken in now: a server has no body to give once the caller has left.
        received = [await receive()]

        async def receive_again() -> Any:
            return received.pop() if received else await receive()

        async with self._free:
            await self._clock.sleep(self._seconds)
            await self._app(scope, receive_again, send)


def round_robin(targets: Sequence[str]) -> Factory:
    """Make a load balancer: each request goes to the next target in turn.

    Source: chapter 12. Leaves out: health checks, retries, streamed bodies and
    headers other than the content's type.
    """

    def make(node: Node) -> FastAPI:
        app = FastAPI(title="load balancer")
        rotation = itertools.cycle(targets)

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT"])
        async def forward(path: str, request: Request) -> Response:
            url = f"http://{next(rotation)}/{path}?{request.url.query}"
            kind = request.headers.get("content-type", "")
            reply = await node.client.request(
                request.method,
                url,
                content=await request.body(),
                headers={"content-type": kind},
                timeout=30.0,
            )
            kind = reply.headers.get("content-type", "")
            return Response(reply.content, reply.status_code, {"content-type": kind})

        return app

    return make


# --- load -------------------------------------------------------------------------


async def load(
    world: World, caller: str, send: Send, *, count: int, rate: float
) -> list[str]:
    """Send requests at random times and return what became of each.

    `rate` is in requests per second, on average. The load is open: the next request
    does not wait for an answer to the last. An outcome is a status ("200") or the
    name of an error ("ReadTimeout"), in the order of sending.
    """
    node, client = world.node(caller), world.client(caller)
    gap = Exponential(1 / rate)

    async def outcome(number: int) -> str:
        try:
            return str((await send(client, number)).status_code)
        except httpx.TransportError as error:
            return type(error).__name__

    requests = []
    for number in range(count):
        await node.clock.sleep(gap.draw(world.random) / 1_000_000)
        requests.append(node.tasks.create_task(outcome(number)))
    return [await request for request in requests]
