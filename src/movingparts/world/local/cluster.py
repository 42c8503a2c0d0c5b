"""Three NATS servers that keep streams together, so that one of them may die.

Source: chapter 05; NATS, JetStream clustering. Leaves out: more than one machine, TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from movingparts.world.local.broker import Broker
from movingparts.world.local.server import loopback_socket
from movingparts.world.local.watchdog import PREFIX, Watchdog

T = TypeVar("T")
AnyClient = TypeVar("AnyClient", bound=Client)
NAMES = ("n1", "n2", "n3")
ASK = 1.0  # seconds that a question waits for its answer
PAUSE = 0.02  # seconds until it is asked again
_MORE = """\
server_name: {name}
cluster {{
  name: larkhaven, listen: "127.0.0.1:{port}", routes: [{routes}]
  authorization {{ user: route, password: "{token}" }}
}}
"""


class Cluster:
    """Three servers on loopback; open it with `async with`.

    Whatever becomes of this process, the watchdog ends them and removes their files.

    >>> Cluster()
    <Cluster: not open>
    """

    def __init__(self) -> None:
        self.servers: dict[str, Broker] = {}
        self._watchdog, self._folder = Watchdog(), Path()
        self._client = Client()

    def __repr__(self) -> str:
        up = [name for name, server in self.servers.items() if server.up]
        return f"<Cluster: {', '.join(up) or 'not open'}>"

    async def __aenter__(self) -> Self:
        """Start the servers, and connect to them."""
        try:
            await self._start()
            await self.connect(self._client)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the servers, and remove their files."""
        await self._close()

    async def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._watchdog.own_folder(self._folder)
        token = Broker(self._folder, self._watchdog).token  # one for all of them
        ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
        routes = ", ".join(
            f'"nats://route:{token}@127.0.0.1:{port}"' for port in ports.values()
        )
        for name, port in ports.items():
            folder = self._folder / name
            folder.mkdir()
            more = _MORE.format(name=name, port=port, routes=routes, token=token)
            self.servers[name] = Broker(folder, self._watchdog, more=more)
            self.servers[name].token = token
        await asyncio.gather(*(server.start() for server in self.servers.values()))

    async def connect(self, client: AnyClient) -> AnyClient:
        """Connect a client to any server that is up, and again when that one dies."""

        async def silent(error: Exception) -> None:
            """Say nothing: what fails is tried again."""

        servers = list(self.servers.values())
        await client.connect(
            [server.url for server in servers],
            token=servers[0].token,
            error_cb=silent,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds; a float works
        )
        return client

    @property
    def jetstream(self) -> JetStreamContext:
        """JetStream, over a connection to any server that is up."""
        return self._client.jetstream(timeout=ASK)

    async def stream(self, name: str, *subjects: str) -> None:
        """Make a stream of which each server has a copy, once there is a leader."""
        copies, given = len(NAMES), list(subjects)
        await self.insist(
            lambda: self.jetstream.add_stream(
                name=name, subjects=given, num_replicas=copies
            )
        )

    async def leader(self, stream: str) -> str:
        """Return the name of the server that leads a stream, once there is one."""
        while True:
            info = await self.insist(lambda: self.jetstream.stream_info(stream))
            leader = info.cluster.leader if info.cluster else None
            if leader is not None and self.servers[leader].up:
                return leader
            await asyncio.sleep(PAUSE)

    async def step_down(self, stream: str) -> None:
        """Ask a stream's leader to let another one lead."""
        ask = f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}"
        await self.insist(lambda: self._client.request(ask, b"", timeout=ASK))

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: without a leader, there is none."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                    return await ask()
                await asyncio.sleep(PAUSE)

    async def _close(self) -> None:
        with contextlib.suppress(Exception):  # the servers may be gone already
            await self._client.close()
        for server in self.servers.values():
            server.kill()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._watchdog.release_folder(self._folder)


def free_ports(count: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens on."""
    sockets = [loopback_socket() for _ in range(count)]
    ports = [int(socket.getsockname()[1]) for socket in sockets]
    for socket in sockets:
        socket.close()
    return ports
