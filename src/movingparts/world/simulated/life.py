"""One life of a simulated node, from its start to its stop or crash."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from movingparts.bus.memory import MemoryBroker
from movingparts.core.asgi import Headers, Lifespan
from movingparts.core.clock import VirtualClock, VirtualLoop
from movingparts.core.errors import WorldError
from movingparts.core.network import Network
from movingparts.core.node import ASGIApp, Disk, Node, Tasks, summary
from movingparts.core.random import stream
from movingparts.core.recording import Fate, Recorder

Response = tuple[int, Headers, bytes]


class Callee(Protocol):
    """What the network needs to know of a service."""

    @property
    def life(self) -> Life | None:
        """Its present life; None while it is down."""
        ...


class Caller(Protocol):
    """The end of a call at which somebody waits for the reply."""

    def receive(self, response: Response) -> Fate:
        """Take the reply that has arrived; return what became of it."""
        ...

    def reset(self) -> None:
        """Learn that the connection is no more."""
        ...


@dataclass(eq=False)
class Fabric:
    """What all nodes of one simulated world share."""

    seed: int
    loop: VirtualLoop
    clock: VirtualClock
    recorder: Recorder
    network: Network
    broker: MemoryBroker
    folder: Callable[[str], Path]
    fail: Callable[[WorldError], None]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    services: dict[str, Callee] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)


class Life:
    """One incarnation: its node, its app, its tasks; fenced once it has ended."""

    def __init__(self, fabric: Fabric, name: str, number: int) -> None:
        self.fabric, self.name = fabric, name
        self.alive = True
        self.logs = fabric.logs.setdefault(name, [])
        self.requests = Tasks(self._report)
        self.inbound: dict[Caller, None] = {}
        self.app: ASGIApp | None = None
        self.lifespan: Lifespan | None = None
        self.ids = stream(fabric.seed, "node", name, number, "ids")
        tasks = Tasks(self._report)
        self.bus = fabric.broker.connect(name, tasks)
        self.clock = NodeClock(self)
        self.node = Node(
            name=name,
            # Replaced by the world, which knows the calls; bare, it reads TLS roots.
            client=httpx.AsyncClient(transport=httpx.AsyncBaseTransport()),
            bus=self.bus,
            clock=self.clock,
            random=stream(fabric.seed, "node", name, number),
            tasks=tasks,
            disk=Disk(lambda: fabric.folder(name)),
            logs=self.logs,
        )

    def fence(self) -> None:
        """Let nothing of a past life through: raise where it calls on its node."""
        if self.alive:
            return
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError(f"{self.name} has crashed")
        raise httpx.ConnectError(f"this incarnation of {self.name} has ended")

    async def start(self, app: ASGIApp) -> None:
        """Run the app's startup; end at once if it fails."""
        self.app = app
        self.lifespan = Lifespan(app, self.node.tasks, self.name)
        try:
            await self.lifespan.start()
        except BaseException:
            self.end()
            raise

    async def stop(self) -> None:
        """Finish what has begun, run the app's shutdown, and end."""
        await self.requests.finished()
        if self.lifespan is not None:
            await self.lifespan.stop()
        self.end()

    def end(self) -> None:
        """Cut it off from everything, then cancel what it still runs."""
        self.alive = False
        self.bus.disconnect()
        self.node.disk.close()
        self.node.tasks.cancel()
        self.requests.cancel()

    def log(self, text: str) -> None:
        """Add a line to the service's log, with virtual seconds before it."""
        self.logs.append(f"{self.fabric.clock.monotonic():.6f} {text}")

    def _report(self, task: str, error: BaseException) -> None:
        self.log(f"{task}: {summary(error)}")
        if isinstance(error, WorldError):
            self.fabric.fail(error)


class NodeClock(VirtualClock):
    """A node's clock; a life that has ended cannot wait for anything."""

    def __init__(self, life: Life) -> None:
        super().__init__(life.fabric.loop)
        self._life = life

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._life.fence()
        await super().sleep(seconds)
        self._life.fence()
