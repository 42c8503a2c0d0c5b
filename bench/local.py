"""The local world: its services against bare uvicorn, its broker against the binary."""

import asyncio
import json
import secrets
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import uvicorn

from bench.table import Row, interleaved
from bench.world import quotes
from movingparts.world import LocalWorld
from movingparts.world.local.broker import Broker, find_server
from movingparts.world.local.server import loopback_socket
from movingparts.world.local.watchdog import PREFIX, Watchdog

REQUESTS = 2_000
STARTS = 31  # in turn, since a start takes longer while the machine is busy
ASK = b"GET /quote?minutes=12 HTTP/1.1\r\nhost: pricing\r\n\r\n"


async def latency(port: int) -> float:
    """Return microseconds a request, one after the other over one connection.

    The client is a bare socket: httpx would take longer than what is measured.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for count in (REQUESTS // 10, REQUESTS):  # the first few warm it up
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


def served() -> float:
    """Latency of a service of a local world, with a full recording and a log."""

    async def run() -> float:
        async with LocalWorld() as world:
            service = await world.serve("pricing", quotes)
            return await latency(int(service.url.rpartition(":")[2]))

    return asyncio.run(run())


def bare_uvicorn() -> float:
    """Latency of the same app under uvicorn alone, without its access log."""

    async def run() -> float:
        socket = loopback_socket()
        config = uvicorn.Config(quotes(None), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[socket]))
        while not server.started:
            await asyncio.sleep(0)
        figure = await latency(socket.getsockname()[1])
        server.should_exit = True
        await task
        return figure

    return asyncio.run(run())


def broker(watchdog: Watchdog) -> float:
    """Milliseconds from nothing to a connection with the world's broker.

    The watchdog is there already: a kernel has one, whatever it starts.
    """

    async def start(folder: Path) -> Callable[[], Awaitable[None]]:
        server = Broker(folder, watchdog)
        await server.start()
        await (await nats.connect(server.url, token=server.token)).close()
        return server.stop

    return asyncio.run(starting(start))


def binary() -> float:
    """Milliseconds from nothing to a connection with a server started by hand."""
    program = find_server()

    async def start(folder: Path) -> Callable[[], Awaitable[None]]:
        token = secrets.token_hex(24)
        command = [
            str(program),
            "-a",
            "127.0.0.1",
            "-p",
            "-1",
            "-js",
            "-sd",
            str(folder),
        ]
        command += ["--auth", token, "--ports_file_dir", str(folder)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        ports = folder / f"{program.stem}_{process.pid}.ports"
        while not (text := ports.read_text() if ports.exists() else ""):
            await asyncio.sleep(0.001)
        url = json.loads(text)["nats"][0]
        await (await nats.connect(url, token=token)).close()

        async def stop() -> None:
            process.terminate()
            process.wait()

        return stop

    return asyncio.run(starting(start))


async def starting(
    start: Callable[[Path], Awaitable[Callable[[], Awaitable[None]]]],
) -> float:
    """Return the milliseconds that one start takes."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        stop = await start(Path(folder))
        taken = (time.perf_counter() - begun) * 1e3
        await stop()
    return taken


def rows() -> list[Row]:
    """Measure; requests are one at a time on both sides."""
    requests = interleaved(served, bare_uvicorn)
    watchdog, kept = Watchdog(), Path(tempfile.mkdtemp(prefix=PREFIX))
    watchdog.own_folder(kept)
    starts = interleaved(lambda: broker(watchdog), binary, rounds=STARTS)
    kept.rmdir()
    watchdog.release_folder(kept)
    serving = "serve, full recording / bare uvicorn, latency"
    beginning = "broker, start to connection / bare nats-server"
    return [
        Row(serving, *requests, "<= 1.5", "µs a request"),
        Row(beginning, *starts, "<= 1.2", "ms"),
    ]
