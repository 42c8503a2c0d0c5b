"""Three NATS servers that keep a stream together, so that one of them may die.

Source: chapter 05; NATS, JetStream clustering. Leaves out: more than one machine, TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self, TypeVar

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from movingparts.bus import Event
from movingparts.scenes.ch05.real import SUBJECT, ride_ended
from movingparts.world.local.broker import Broker
from movingparts.world.local.server import loopback_socket
from movingparts.world.local.watchdog import PREFIX, Watchdog

T = TypeVar("T")
NAMES = ("n1", "n2", "n3")
STREAM = "RIDES"
ASK = 1.0  # seconds that a publish waits for its acknowledgment
PAUSE = 0.02  # seconds between two publishes
_MORE = """\
server_name: {name}
cluster {{
  name: larkhaven, listen: "127.0.0.1:{port}", routes: [{routes}]
  authorization {{ user: route, password: "{token}" }}
}}
"""


class Cluster:
    """Three servers on loopback, and a stream of which each has a copy.

    Open it with `async with`. Whatever becomes of this process, the watchdog ends them
    and removes their files.

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
        """Start the servers, and make the stream once they have elected a leader."""
        try:
            await self._start()
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

        async def silent(error: Exception) -> None:
            """Say nothing: what fails is tried again."""

        await self._client.connect(
            [server.url for server in self.servers.values()],
            token=token,
            error_cb=silent,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds; a float works
        )
        await self._insist(
            lambda: self.jetstream.add_stream(
                name=STREAM, subjects=["rides.>"], num_replicas=len(NAMES)
            )
        )

    @property
    def jetstream(self) -> JetStreamContext:
        """JetStream, over a connection to any server that is up."""
        return self._client.jetstream(timeout=ASK)

    async def leader(self) -> str:
        """Return the name of the server that leads the stream, once there is one."""
        while True:
            info = await self._insist(lambda: self.jetstream.stream_info(STREAM))
            leader = info.cluster.leader if info.cluster else None
            if leader is not None and self.servers[leader].up:
                return leader
            await asyncio.sleep(PAUSE)

    async def step_down(self) -> None:
        """Ask the stream's leader to let another one lead."""
        ask = f"$JS.API.STREAM.LEADER.STEPDOWN.{STREAM}"
        await self._insist(lambda: self._client.request(ask, b"", timeout=ASK))

    async def publish(self, number: int) -> None:
        """Publish the event of a ride until the stream has acknowledged it."""
        event = ride_ended(number).to_json()
        await self._insist(lambda: self.jetstream.publish(SUBJECT, event))

    async def kept(self) -> list[str]:
        """Return each ride in the stream, read from its beginning."""
        return await self._insist(self._read)

    async def _read(self) -> list[str]:
        info = await self.jetstream.stream_info(STREAM)
        source = await self.jetstream.subscribe(SUBJECT, ordered_consumer=True)
        try:
            found = [await source.next_msg(5.0) for _ in range(info.state.messages)]
        finally:
            with contextlib.suppress(nats.errors.Error):
                await source.unsubscribe()
        return [str(Event.from_json(message.data).subject) for message in found]

    async def _close(self) -> None:
        with contextlib.suppress(Exception):  # the servers may be gone already
            await self._client.close()
        for server in self.servers.values():
            server.kill()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._watchdog.release_folder(self._folder)

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: without a leader, there is none."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                    return await ask()
                await asyncio.sleep(PAUSE)


class Publisher:
    """Publishes one ride after another, and knows when each was acknowledged."""

    def __init__(self) -> None:
        self.rides: list[str] = []
        self._times: list[float] = []
        self._new = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Publisher: {len(self.rides)} acknowledged>"

    async def publish(self, cluster: Cluster) -> None:
        """Publish until this is cancelled."""
        for number in itertools.count(1):
            await cluster.publish(number)
            self.rides.append(f"ride-{number}")
            self._times.append(asyncio.get_running_loop().time())
            self._new.set()
            await asyncio.sleep(PAUSE)

    async def more(self, count: int) -> None:
        """Wait until so many more rides have been acknowledged."""
        enough = len(self.rides) + count
        while len(self.rides) < enough:
            self._new.clear()
            await self._new.wait()

    def gap(self) -> float:
        """Return the longest time from one acknowledgment to the next, in seconds."""
        return max(later - sooner for sooner, later in itertools.pairwise(self._times))


def free_ports(count: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens on."""
    sockets = [loopback_socket() for _ in range(count)]
    ports = [int(socket.getsockname()[1]) for socket in sockets]
    for socket in sockets:
        socket.close()
    return ports
