"""The gateway: a screen against the same calls by httpx, a route against a direct call.

The services are a process of their own, so what is measured is what a gateway adds.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

from bench.table import Row, interleaved
from movingparts.core import Node
from movingparts.core.node import ASGIApp
from movingparts.gateway import Part, Route, gateway
from movingparts.world import LocalWorld
from movingparts.world.local.server import loopback_socket

SCREENS, REQUESTS = 200, 600
NAMES = ("rider", "account", "ride", "bikes", "station", "weather")
ASK = b"GET /rides/parts/ride HTTP/1.1\r\nhost: gateway\r\n\r\n"


def city(node: Node) -> FastAPI:
    """Serve all six parts; at `/rides/parts` too, for those who ask directly."""
    app = FastAPI()

    @app.get("/parts/{name}")
    @app.get("/rides/parts/{name}")
    async def part(name: str) -> dict[str, str]:
        return {"name": name}

    return app


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    """Run an app under uvicorn alone; give its port."""
    socket = loopback_socket()
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[socket]))
    while not server.started:
        await asyncio.sleep(0)
    yield socket.getsockname()[1]
    server.should_exit = True
    await task


def door(node: Node) -> FastAPI:
    """Serve the gateway."""
    parts = [Part(name, f"http://city/parts/{name}") for name in NAMES]
    return gateway(node, routes=[Route("/rides", "city")], screens={"/home": parts})


def proxy(url: str, client: httpx.AsyncClient) -> FastAPI:
    """Return the least that passes requests on: no route, no deadline, no errors."""
    app = FastAPI()

    @app.api_route("/rides/{path:path}", methods=["GET", "POST"])
    async def forward(path: str, request: Request) -> Response:
        headers = [(k, v) for k, v in request.headers.items() if k != "host"]
        body = await request.body()
        answer = await client.request(
            request.method, f"{url}/{path}", headers=headers, content=body
        )
        return Response(answer.content, answer.status_code)

    return app


async def of_a_screen(ask: Callable[[], Awaitable[object]]) -> float:
    """Return the microseconds of this process that a screen takes."""
    for _ in range(SCREENS // 10):  # the first few open connections
        await ask()
    begun = time.process_time()
    for _ in range(SCREENS):
        await ask()
    return (time.process_time() - begun) / SCREENS * 1e6


def composed() -> float:
    """A screen from the gateway, which asks for six parts; and the app's own call."""

    async def main() -> float:
        async with LocalWorld() as world, httpx.AsyncClient() as app:
            await world.spawn("city", city)
            url = (await world.serve("gateway", door)).url

            async def screen() -> None:
                if (await app.get(f"{url}/home")).json()["missing"]:
                    raise RuntimeError("a part of the screen is missing")

            return await of_a_screen(screen)

    return asyncio.run(main())


def by_the_app() -> float:
    """The same six parts by httpx alone, all at once."""

    async def main() -> float:
        async with LocalWorld() as world, httpx.AsyncClient() as app:
            url = (await world.spawn("city", city)).url

            async def part(name: str) -> object:
                return (await app.get(f"{url}/parts/{name}")).json()

            return await of_a_screen(lambda: asyncio.gather(*map(part, NAMES)))

    return asyncio.run(main())


async def latency(port: int) -> float:
    """Return microseconds a request, one after the other over one connection.

    The client is a bare socket: httpx would take longer than what is measured.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for count in (REQUESTS // 10, REQUESTS):
        begun = time.perf_counter()
        for _ in range(count):
            writer.write(ASK)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
        seconds = time.perf_counter() - begun
    writer.close()
    await writer.wait_closed()
    return seconds / REQUESTS * 1e6


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def forwarded() -> float:
    """Latency of a request that the gateway passes on."""

    async def main() -> float:
        async with LocalWorld() as world:
            await world.spawn("city", city)
            return await latency(_port((await world.serve("gateway", door)).url))

    return asyncio.run(main())


def passed_on() -> float:
    """The same through the least proxy that FastAPI and httpx make."""

    async def main() -> float:
        async with LocalWorld() as world, httpx.AsyncClient() as client:
            there = await world.spawn("city", city)
            async with serving(proxy(there.url, client)) as port:
                return await latency(port)

    return asyncio.run(main())


def direct() -> float:
    """The same with nobody between."""

    async def main() -> float:
        async with LocalWorld() as world:
            return await latency(_port((await world.spawn("city", city)).url))

    return asyncio.run(main())


def rows() -> list[Row]:
    """Return the comparisons."""
    screen = "a screen of six parts, by the gateway / six calls of httpx at once"
    route = "a route through the gateway"
    return [
        Row(screen, *interleaved(composed, by_the_app), "<= 1.6", "µs of processor"),
        Row(
            f"{route} / FastAPI and httpx",
            *interleaved(forwarded, passed_on),
            "<= 1.3",
            "µs",
        ),
        Row(f"{route} / a direct call", *interleaved(forwarded, direct), "", "µs"),
    ]
