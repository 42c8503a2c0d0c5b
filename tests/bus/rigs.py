"""Three places to run the same bus scenario in: bare, simulated, and on NATS."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movingparts.bus import Event
from movingparts.bus.memory import MemoryBroker
from movingparts.bus.nats import NatsBus, connect
from movingparts.core.clock import VirtualClock, VirtualLoop
from movingparts.core.network import Network
from movingparts.core.node import Tasks
from movingparts.core.random import LogNormal
from movingparts.core.recording import Recorder
from movingparts.world.local.broker import find_server

TOKEN = "a token of the tests"


def event(number: int | str, **rest: Any) -> Event:
    return Event(str(number), "/rides", "RideEnded", {"ride": number}, **rest)


@dataclass
class Seen:
    """A handler that notes what it gets, and fails as often as it is told to."""

    failures: int = 0
    events: list[Event] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()
        if self.failures > 0:
            self.failures -= 1
            raise ValueError("the meter is broken")

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    async def reach(self, number: int) -> None:
        """Wait until so many events have come."""
        async with asyncio.timeout(10):
            while len(self.events) < number:
                self._changed.clear()
                await self._changed.wait()


class Node:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        self.tasks = Tasks(lambda what, error: log.append(f"{what}: {error!r}"))
        self.bus: Any = None


class Rig:
    """What a scenario gets: nodes by name, each with a bus, and a way to crash one."""

    real = False

    def __init__(self) -> None:
        self.log: list[str] = []
        self.nodes: list[Node] = []

    async def bus(self, name: str) -> Any:
        node = Node(name, self.log)
        node.bus = await self._bus(node)
        self.nodes.append(node)
        return node.bus

    async def _bus(self, node: Node) -> Any:
        raise NotImplementedError

    async def crash(self, bus: Any) -> None:
        node = next(node for node in self.nodes if node.bus is bus)
        bus.disconnect()
        node.tasks.cancel()
        await asyncio.sleep(0)

    async def close(self) -> None:
        for node in self.nodes:
            node.bus.disconnect()
            node.tasks.cancel()


class Bare(Rig):
    def __init__(self, network: Network | None = None) -> None:
        super().__init__()
        self.network = network
        self.broker = MemoryBroker(network)

    async def _bus(self, node: Node) -> Any:
        return self.broker.connect(node.name, node.tasks)


class OnNats(Rig):
    real = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    async def _bus(self, node: Node) -> Any:
        connection = await connect(self.url, token=TOKEN, name=node.name)
        return NatsBus(connection, node.name, node.tasks)

    async def crash(self, bus: Any) -> None:
        await super().crash(bus)
        await bus.connection.close()

    async def close(self) -> None:
        for node in self.nodes:
            if not node.bus.connection.is_closed:
                await node.bus.close()
        await super().close()


Scenario = Callable[[Any], Awaitable[None]]


def run_bare(scenario: Scenario, folder: Path | None = None) -> None:
    _run_virtually(scenario, None)


def run_simulated(scenario: Scenario, folder: Path | None = None) -> Recorder:
    """Run over a network with latency, and return what it recorded."""
    loop = VirtualLoop()
    recorder = Recorder("simulated", 7, "")
    network = Network(7, VirtualClock(loop), recorder)
    network.everywhere(latency=LogNormal(median=0.004, p99=0.030))
    _run_virtually(scenario, network, loop)
    return recorder


def _run_virtually(
    scenario: Scenario, network: Network | None, loop: VirtualLoop | None = None
) -> None:
    loop = loop or VirtualLoop()

    async def main() -> None:
        rig = Bare(network)
        try:
            await scenario(rig)
        finally:
            await rig.close()
            await asyncio.sleep(0.1)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


def run_on_nats(scenario: Scenario, folder: Path) -> None:
    async def main() -> None:
        with nats_server(folder) as url:
            rig = OnNats(url)
            try:
                await scenario(rig)
            finally:
                await rig.close()

    asyncio.run(main())


@contextmanager
def nats_server(
    folder: Path, port: int = -1, *, jetstream: bool = True
) -> Iterator[str]:
    """Run a server with JetStream on a free port of 127.0.0.1."""
    process = start_server(folder, port, jetstream=jetstream)
    try:
        yield address(folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(5)


def start_server(
    folder: Path, port: int = -1, *, jetstream: bool = True
) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(find_server(), "-a", "127.0.0.1", "-p", str(port)),
                *("--ports_file_dir", folder, "--auth", TOKEN),
                *(("-js", "-sd", folder) if jetstream else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    ports = folder / f"nats-server_{process.pid}.ports"
    for _ in range(100_000):
        if ports.exists() and (text := ports.read_text()):
            found: str = json.loads(text)["nats"][0]
            return found
        if process.poll() is not None:
            raise RuntimeError((folder / "server.log").read_text())
        os.sched_yield()
    raise RuntimeError("the server names no port")
