"""A world on this machine: real sockets, a real broker, real time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg

from movingparts.bus.nats import connect
from movingparts.core.asgi import refuse_threads
from movingparts.core.errors import WorldError
from movingparts.core.node import ASGIApp, Factory, Node, check_name, current_span
from movingparts.core.random import Random
from movingparts.core.recording import Recorder, Recording
from movingparts.world.local.broker import Broker, gone
from movingparts.world.local.bus import Line
from movingparts.world.local.clock import RealClock
from movingparts.world.local.directory import Directory
from movingparts.world.local.ledger import REPORTS, Ledger, settling
from movingparts.world.local.server import GRACE
from movingparts.world.local.site import Life, Site, chance
from movingparts.world.local.spawned import SpawnedService, check_target
from movingparts.world.local.watchdog import PREFIX, Watchdog

_watchdog = Watchdog()


class LocalService:
    """A service on a loopback port, in the kernel's own loop."""

    def __init__(self, life: Life, ended: Callable[[], None]) -> None:
        self._life, self._ended = life, ended

    def __repr__(self) -> str:
        state = "up" if self.up else "down"
        return f"<Service {self.name} {state}, {len(self.logs)} lines logged>"

    @property
    def name(self) -> str:
        """The name that others reach it by."""
        return self._life.name

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._life.port}"

    @property
    def app(self) -> ASGIApp | None:
        """The app that the factory made."""
        return self._life.app

    @property
    def life(self) -> Life:
        """The node's life that this service is."""
        return self._life

    @property
    def logs(self) -> list[str]:
        """A line for each request and failure, with the world's seconds."""
        return self._life.node.logs

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self._life.alive

    async def stop(self, *, grace: float = GRACE) -> None:
        """Listen no more, finish what has begun, run the shutdown, and end.

        A request that takes more than `grace` seconds longer is cancelled.
        """
        if self.up:
            self._ended()
            await self._life.stop(grace=grace)


class LocalWorld:
    """Services on loopback ports, a NATS server of their own, and real time.

    `async with LocalWorld() as world:` in a script; in a notebook, `world = await
    LocalWorld.open()` in one cell and `await world.close()` in another, and running
    the first again closes the old world. `seed` gives each node's `random` a stream of
    its own; without it they draw from the system.

    Whatever becomes of the process that opened it, nothing of it is left: no process,
    no port, no folder.

    >>> LocalWorld()
    <LocalWorld: not open>

    Source: chapter 01. Leaves out: faults on the network (a `SimulatedWorld` has
    them), more than one machine, Windows.
    """

    _opened: LocalWorld | None = None

    def __init__(self, *, seed: int | None = None) -> None:
        self.seed = seed
        self._state = "not open"
        self._clock = RealClock()
        self._recorder = Recorder("local", seed, self._clock.now().isoformat())
        self._ledger = Ledger(self._recorder)
        self._random = chance(seed, "scenario")
        self._lives: dict[str, Life] = {}
        self._services: dict[str, LocalService | SpawnedService] = {}
        self._old: list[SpawnedService] = []
        self._logs: dict[str, list[str]] = {}
        self._numbers: dict[str, int] = {}
        self._settling: dict[str, asyncio.Future[None]] = {}
        self._folder: Path | None = None
        self._nats: Client | None = None
        self._broker: Broker | None = None
        self._site: Site | None = None
        self._watching: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        if self._state != "open":
            return f"<LocalWorld: {self._state}>"
        names = ", ".join(n for n, s in self._services.items() if s.up) or "no services"
        return f"<LocalWorld: {names}; {self._broker!r}>"

    # --- from opening to closing ----------------------------------------------

    @classmethod
    async def open(cls, *, seed: int | None = None) -> Self:
        """Open a world; the one that this process had opened before is closed."""
        if LocalWorld._opened is not None:
            await LocalWorld._opened.close()
        world = cls(seed=seed)
        LocalWorld._opened = world
        return await world.__aenter__()

    async def __aenter__(self) -> Self:
        """Start the broker and connect to it."""
        if self._state != "not open":
            raise WorldError(f"this world is {self._state}: open a new one")
        if sys.platform == "win32":
            raise WorldError(
                "LocalWorld runs on Linux and macOS. On Windows nothing would end its"
                " processes when the kernel is killed (that takes a Job Object):"
                " use WSL, or a SimulatedWorld"
            )
        self._state, self._loop = "open", asyncio.get_running_loop()
        refuse_threads(when=lambda: current_span.get() is not None)
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Stop the services and the broker and remove the folder; repeatable.

        Interrupting the cell that waits for it does not end it half-way.
        """
        if self._state == "open":
            self._state = "closed"
            here = self._loop is asyncio.get_running_loop()
            self._closing = asyncio.create_task(self._close(in_order=here))
        if self._closing is not None:
            await asyncio.shield(self._closing)

    async def _close(self, *, in_order: bool) -> None:
        try:
            if in_order:  # a loop that has ended can stop nothing
                await self._stop()
        finally:
            self._end()

    async def _start(self) -> None:
        self._folder = folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        _watchdog.own_folder(folder)
        self._broker = broker = Broker(folder, _watchdog)
        await broker.start()
        self._site = Site(
            folder=folder,
            directory=Directory(folder / "services.json"),
            clock=self._clock,
            notes=self._ledger,
            seed=self.seed,
            line=Line(
                broker.url,
                broker.token,
                self._recorder,
                self._clock.time_us,
                broker.why,
            ),
        )
        self._nats = await connect(broker.url, token=broker.token, name="kernel")
        await self._nats.subscribe(REPORTS, cb=self._reported)
        self._watching = asyncio.create_task(self._watch(), name="LocalWorld watches")

    async def _stop(self) -> None:
        """Let everything end in good order."""
        if self._watching is not None:
            self._watching.cancel()
        stopping = [service.stop() for service in self._services.values()]
        await asyncio.gather(*stopping, return_exceptions=True)
        await self.settle()
        for life in self._lives.values():
            if life.alive:
                await life.end()
        if self._nats is not None:
            with contextlib.suppress(Exception):  # it may have gone with the broker
                await self._nats.close()
        if self._broker is not None:
            await self._broker.stop()

    def _end(self) -> None:
        """Make sure that nothing is left, whatever happened before."""
        for service in [*self._services.values(), *self._old]:
            if isinstance(service, SpawnedService):
                service.end()
            else:
                service.life.cut()
        if self._broker is not None:
            self._broker.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            _watchdog.release_folder(self._folder)

    # --- what every world has --------------------------------------------------

    @property
    def clock(self) -> RealClock:
        """The world's clock; its seconds count from when the world was made."""
        return self._clock

    @property
    def random(self) -> Random:
        """Chance for the scenario itself."""
        return self._random

    @property
    def recording(self) -> Recording:
        """What has happened so far; after `settle`, also in spawned services."""
        return self._recorder.recording(self._clock.time_us())

    async def serve(self, name: str, factory: Factory | ASGIApp) -> LocalService:
        """Start a service on a free loopback port, in this process.

        One that has the same name is replaced: the new one listens first, then the old
        one finishes what it has begun and ends. Raises `ServeError` where the app
        cannot be run, with the reason.
        """
        self._check_name(name)
        life = self._born(name)
        await life.serve(factory)
        self._ledger.reports(name, reports=True)
        service = LocalService(life, lambda: self._ended(service, "stopped"))
        await self._replace(name, service, life.port)
        return service

    async def spawn(
        self,
        name: str,
        target: str | Factory | None = None,
        *,
        command: Sequence[str | Path] = (),
        env: Mapping[str, str] | None = None,
        health: str = "/health",
    ) -> SpawnedService:
        """Start a service as a process of its own, from `"module:factory"`.

        The module must be importable from a file. The service has the same disk as an
        earlier one of its name, and replaces it as `serve` does. Raises `ServeError`
        with its last lines where it does not start.

        Instead of a factory, `command` starts a program in any language: it must
        listen on 127.0.0.1 at the port that its variable `PORT` names, and is ready
        once it answers a GET of `health` with success. `env` are more variables.
        """
        self._check_name(name)
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        service = SpawnedService(name, self._here.folder, _watchdog, self._ended)
        if command:
            await service.start_command(command, env or {}, health=health)
        else:
            await service.start(self._settings(name, number, target))
        self._ledger.reports(name, reports=service.reports)
        await self._replace(name, service, service.port)
        return service

    def _settings(self, name: str, number: int, target: object) -> dict[str, Any]:
        """Return what the process of a factory must know."""
        broker = self._reachable()
        return {
            "name": name,
            "target": check_target(target),
            "folder": str(self._here.folder),
            "origin_ns": self._clock.origin_ns,
            "nats": broker.url,
            "token": broker.token,
            "seed": self.seed,
            "number": number,
            "path": _search_path(),
        }

    def node(self, name: str) -> Node:
        """Return the node of that name; a new one is a caller that serves nothing."""
        return self._life(name).node

    def client(self, caller: str, *, timeout: float | None = 5.0) -> httpx.AsyncClient:
        """Return a client of that node; `timeout` is in seconds, None waits forever."""
        return self._life(caller).client(timeout)

    # --- what only this one has ------------------------------------------------

    @property
    def nats(self) -> Client:
        """The connection of nats-py to this world's broker."""
        self._reachable()
        assert self._nats is not None  # an open world has one
        return self._nats

    @property
    def broker(self) -> Broker:
        """The NATS server's process."""
        self._check_open()
        assert self._broker is not None  # an open world has one
        return self._broker

    async def restart_broker(self) -> None:
        """Start the broker again, on the same port and store, and reconnect to it."""
        broker = self.broker
        await broker.stop()
        await broker.start()
        self._moment("restart", "bus", "the broker starts again")
        for _ in range(250):
            if self._reconnected() and await self._settled(0.2):
                return
            await asyncio.sleep(0.02)
        raise WorldError("the NATS server is up again, but not everyone is back on it")

    async def settle(self, *, timeout: float = 2.0) -> None:
        """Wait until spawned services have reported all that they have seen so far."""
        if self._nats is not None and self._nats.is_connected:
            await self._settled(timeout)

    # --- inside ----------------------------------------------------------------

    @property
    def _here(self) -> Site:
        self._check_open()
        assert self._site is not None  # an open world has one
        return self._site

    def _check_open(self) -> None:
        if self._state != "open":
            raise WorldError(
                f"this world is {self._state}: use `async with LocalWorld() as world`,"
                " or `world = await LocalWorld.open()` in a notebook"
            )

    def _check_name(self, name: str) -> None:
        self._check_open()
        check_name(name, "bus", "outside")

    def _reachable(self) -> Broker:
        """Return the broker if it runs; say how to fix it if it does not."""
        broker = self.broker
        if broker.why():
            raise WorldError(gone(broker.why()))
        return broker

    def _born(self, name: str) -> Life:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        return Life(self._here, name, self._logs.setdefault(name, []), number)

    def _life(self, name: str) -> Life:
        self._check_open()
        service = self._services.get(name)
        if isinstance(service, LocalService) and service.up:
            return service.life
        if name not in self._lives:
            self._lives[name] = self._born(name)
            self._recorder.join(name, "caller")
        return self._lives[name]

    async def _replace(
        self, name: str, service: LocalService | SpawnedService, port: int | None
    ) -> None:
        """Send calls of that name to a service that listens; stop the one before."""
        old = self._services.get(name)
        self._services[name] = service
        self._here.directory.put(name, port)
        self._recorder.join(name, "service")
        if old is not None and old.up:
            self._moment("deploy", name, f"{name} is replaced")
            if isinstance(old, SpawnedService):
                self._old.append(old)
            await old.stop()

    def _ended(self, service: LocalService | SpawnedService, how: str) -> None:
        """Take note that a service has ended; calls to it are refused from now on."""
        if self._services.get(service.name) is not service:
            return  # it has been replaced
        if self._state == "open":
            self._here.directory.put(service.name, None)
            kind = "stop" if how == "stopped" else "crash"
            self._moment(kind, service.name, f"{service.name} {how}")

    def _moment(self, kind: str, name: str, text: str) -> None:
        self._recorder.moment(self._clock.time_us(), kind, (name,), text)

    def _reconnected(self) -> bool:
        served = [
            s.life for s in self._services.values() if isinstance(s, LocalService)
        ]
        lives = [life for life in [*served, *self._lives.values()] if life.alive]
        return self.nats.is_connected and all(life.connected for life in lives)

    async def _settled(self, timeout: float) -> bool:
        """Ask the spawned services to report; say whether all did in time."""
        waiting = []
        for name, service in self._services.items():
            reports = isinstance(service, SpawnedService) and service.reports
            if reports and service.up:
                waiting.append(asyncio.get_running_loop().create_future())
                self._settling[name] = waiting[-1]
                if self._nats is not None:
                    await self._nats.publish(settling(name))
        try:
            async with asyncio.timeout(timeout):
                for future in waiting:
                    await future
        except TimeoutError:
            return False
        return True

    async def _reported(self, message: Msg) -> None:
        for report in json.loads(message.data):
            if "settled" in report:
                future = self._settling.pop(report["settled"], None)
                if future is not None and not future.done():
                    future.set_result(None)
            else:
                self._ledger.take(report)

    async def _watch(self) -> None:
        """Notice ten times a second what has ended by itself."""
        broker_was_up = True
        while True:
            await asyncio.sleep(0.1)
            for service in self._services.values():
                if isinstance(service, SpawnedService):
                    service.look()
            if broker_was_up and not self.broker.up:
                self._moment("crash", "bus", f"the broker is gone: {self.broker.why()}")
            broker_was_up = self.broker.up


def _search_path() -> list[str]:
    """Return where this process imports from, for one that starts elsewhere."""
    return [str(Path(entry).absolute()) for entry in sys.path]
