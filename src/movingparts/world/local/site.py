"""What the nodes of one process share, and the life of one node there."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from movingparts.core.asgi import Lifespan, build
from movingparts.core.node import ASGIApp, Disk, Factory, Node, Tasks, summary
from movingparts.core.random import Random, stream
from movingparts.world.local.bus import Line, LocalBus
from movingparts.world.local.clock import RealClock
from movingparts.world.local.directory import Directory
from movingparts.world.local.incoming import Door
from movingparts.world.local.ledger import Notes
from movingparts.world.local.outgoing import LocalTransport
from movingparts.world.local.server import GRACE, Listener


@dataclass(slots=True)
class Site:
    """One process of a local world: the kernel, or a spawned service's own."""

    folder: Path
    directory: Directory
    clock: RealClock
    notes: Notes
    seed: int | None
    line: Line
    numbers: dict[str, int] = field(default_factory=dict)

    def disk(self, name: str) -> Path:
        """Return a node's folder; a later life of the name finds what is in it."""
        folder = self.folder / "disk" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def chance(seed: int | None, *names: object) -> Random:
    """Return a seeded stream, or the system's randomness without a seed."""
    return random.SystemRandom() if seed is None else stream(seed, *names)


class Life:
    """One life of a node, from its start to its stop."""

    def __init__(self, site: Site, name: str, logs: list[str], number: int) -> None:
        self._site, self.name, self._logs = site, name, logs
        self._transport = LocalTransport(name, site.directory, site.clock, site.notes)
        self._listener: Listener | None = None
        self._lifespan: Lifespan | None = None
        self.app: ASGIApp | None = None
        self.alive = True
        tasks = Tasks(self._report)
        ids = chance(site.seed, "node", name, number, "ids")
        self._bus = LocalBus(name, tasks, site.line, ids)
        self.node = Node(
            name=name,
            client=self.client(5.0),
            bus=self._bus,
            clock=site.clock,
            random=chance(site.seed, "node", name, number),
            tasks=tasks,
            disk=Disk(lambda: site.disk(name)),
            logs=logs,
        )

    def __repr__(self) -> str:
        return f"<Life of {self.name}>"

    @property
    def port(self) -> int | None:
        """Where it listens; None for a caller that serves nothing."""
        return self._listener.port if self._listener is not None else None

    @property
    def connected(self) -> bool:
        """Whether its bus could publish now."""
        return self._bus.connected

    def client(self, timeout: float | None) -> httpx.AsyncClient:
        """Return a client that calls in this node's name."""
        return httpx.AsyncClient(transport=self._transport, timeout=timeout)

    async def serve(self, factory: Factory | ASGIApp) -> None:
        """Make the app, run its startup and listen; raise `ServeError` if one fails."""
        try:
            self.app = build(factory, self.node, self.name)
            door = Door(
                self.name, self.app, self._site.clock, self._site.notes, self.log
            )
            self._lifespan = Lifespan(self.app, self.node.tasks, self.name)
            await self._lifespan.start()
            door.state = self._lifespan.state
            self._listener = Listener(door, self.name, self.log)
            await self._listener.start()
        except BaseException:
            await self.end()
            raise

    async def stop(self, *, grace: float = GRACE) -> None:
        """Finish what has begun, for up to `grace` seconds, and run the shutdown."""
        try:
            if self._listener is not None:
                await self._listener.stop(grace)
            if self._lifespan is not None:
                await self._lifespan.stop()
        finally:
            await self.end()

    async def end(self) -> None:
        """Cut it off from everything, then cancel what it still runs."""
        self.alive = False
        await self._bus.close()
        self.node.disk.close()
        self.node.tasks.cancel()
        await self._transport.shut()

    def cut(self) -> None:
        """Listen no more, at once; what else it holds goes with its process."""
        if self._listener is not None:
            self._listener.cut()

    def log(self, text: str) -> None:
        """Add a line to the service's log, with the seconds since the world began."""
        self._logs.append(f"{self._site.clock.monotonic():.6f} {text}")

    def _report(self, task: str, error: BaseException) -> None:
        self.log(f"{task}: {summary(error)}")
