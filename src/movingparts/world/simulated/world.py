"""A world in one process and in virtual time, the same for the same seed."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import httpx
from async_solipsism import SleepForeverError
from starlette.applications import Starlette

from movingparts.bus.memory import MemoryBroker
from movingparts.core.asgi import build, refuse_threads
from movingparts.core.clock import EPOCH, VirtualClock, VirtualLoop, run_nested
from movingparts.core.errors import ScenarioStuck, TooManyMessages, WorldError
from movingparts.core.network import Network
from movingparts.core.node import ASGIApp, Factory, Node, check_name
from movingparts.core.random import Random, stream
from movingparts.core.recording import Recorder, Recording
from movingparts.core.stuck import report
from movingparts.world.simulated.life import Fabric, Life
from movingparts.world.simulated.outgoing import client

SCRATCH = "movingparts-simulated-"


def simulate(
    scenario: Callable[[SimulatedWorld], Awaitable[Any]],
    *,
    seed: int,
    until: float | None = None,
    without: Collection[str] = (),
    messages: int | None = None,
) -> Recording:
    """Run a scenario in a fresh simulated world and return what happened.

    The scenario's return value is `recording.result`. `until` ends the run after that
    many virtual seconds, whatever still goes on; `result` is then None. `without`
    names injected faults (`recording.faults`, by key) that are left out of this run.
    Works from a script, from a notebook's cell and in a browser tab.

    Raises `TooManyMessages` where more than `messages` are sent, `ScenarioStuck` when
    nothing can happen any more, and whatever the scenario raises.

    >>> async def scenario(world):
    ...     await world.clock.sleep(600)
    ...     return "ten minutes later"
    >>> simulate(scenario, seed=7).result
    'ten minutes later'

    Source: chapter 01; the loop is async-solipsism's.
    """
    loop = VirtualLoop()
    world = SimulatedWorld(seed, loop=loop, without=without, messages=messages)
    return world.run(scenario, until)


def scratch() -> Path:
    """Make a temporary folder, and remove those of processes that were killed."""
    for old in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        owner = old.name.removeprefix(SCRATCH).partition("-")[0]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))


def _lives(pid: int) -> bool:
    """Return whether a process of this id may be there."""
    if os.name != "posix" or pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # there, and another user's
    return True


async def _drain(loop: VirtualLoop) -> None:
    """Cancel what still runs; a task that refuses to end is left behind in silence."""
    me = asyncio.current_task()
    for _ in range(3):
        left = [task for task in asyncio.all_tasks(loop) if task is not me]
        for task in left:
            # A task that swallows its cancellation is dropped without a warning.
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio's own mark
            task.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
    await loop.shutdown_asyncgens()


class SimulatedService:
    """A service of a simulated world, over all its lives."""

    def __init__(self, fabric: Fabric, name: str, source: Factory | ASGIApp) -> None:
        self._fabric, self.source = fabric, source
        self.name = name
        self.url = f"http://{name}"
        self.life: Life | None = None

    def __repr__(self) -> str:
        state = "up" if self.up else "down"
        return f"<Service {self.name} {state}, {len(self.logs)} lines logged>"

    @property
    def logs(self) -> list[str]:
        """A line for each request and failure, with virtual seconds, oldest first."""
        return self._fabric.logs.setdefault(self.name, [])

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self.life is not None and self.life.alive

    async def stop(self) -> None:
        """Listen no more, finish what has begun, run the shutdown, and end."""
        life, self.life = self.life, None
        if life is not None and life.alive:
            await life.stop()


class SimulatedWorld:
    """Services in one process, a network with faults between, time that is virtual.

    Made by `simulate`, which runs a scenario in it; `network` sets the faults.

    >>> async def scenario(world):
    ...     return world
    >>> simulate(scenario, seed=7).result
    <SimulatedWorld seed=7: no services at 0.000 s>

    Source: chapter 01. Leaves out: CPU time (a handler takes the time that it
    sleeps), TCP's handshakes and retransmissions, streamed bodies.
    """

    def __init__(
        self,
        seed: int,
        *,
        loop: VirtualLoop | None = None,
        without: Collection[str] = (),
        messages: int | None = None,
    ) -> None:
        if loop is None:
            running = asyncio.get_running_loop()
            if not isinstance(running, VirtualLoop):
                raise WorldError(
                    "a simulated world needs its own virtual time:"
                    " run it with simulate(scenario, seed=…)"
                )
            loop = running
        self.seed = seed
        self.random: Random = stream(seed, "scenario")
        self.clock = VirtualClock(loop)
        recorder = Recorder("simulated", seed, EPOCH.isoformat())
        self.network = Network(seed, self.clock, recorder, without=without)
        self.network.attach(self._crash, self._restart)
        self._disk: Path | None = None
        self._services: dict[str, SimulatedService] = {}
        self._fabric = Fabric(
            seed=seed,
            loop=loop,
            clock=self.clock,
            recorder=recorder,
            network=self.network,
            broker=MemoryBroker(self.network),
            folder=self._folder,
            fail=self._fail,
        )
        self._callers: dict[str, Life] = {}
        self._numbers: dict[str, int] = {}
        self._main: asyncio.Task[Recording] | None = None
        self._failure: WorldError | None = None
        if messages is not None:
            recorder.limit(messages, self._flooded)

    def __repr__(self) -> str:
        names = ", ".join(self._services) or "no services"
        now = f"{self.clock.monotonic():.3f} s"
        return f"<SimulatedWorld seed={self.seed}: {names} at {now}>"

    def run(
        self,
        scenario: Callable[[SimulatedWorld], Awaitable[Any]],
        until: float | None = None,
    ) -> Recording:
        """Run one scenario to its end, close the world, return the recording."""
        loop = self._fabric.loop
        main = self._main = loop.create_task(
            self._run(scenario, until), name="the scenario"
        )
        try:
            recording: Recording = run_nested(loop, main)
        except SleepForeverError:
            now = self.clock.monotonic()
            raise ScenarioStuck(report(loop, main, now)) from None
        except asyncio.CancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        else:
            return recording
        finally:
            self._end()
            run_nested(loop, _drain(loop))
            loop.close()
            self._clean()

    @property
    def recording(self) -> Recording:
        """What has happened so far."""
        return self._fabric.recorder.recording(self.clock.time_us())

    async def serve(self, name: str, factory: Factory | ASGIApp) -> SimulatedService:
        """Start a service; one that has the same name is replaced, then stopped.

        The new one takes every request from the moment it is up; the old one finishes
        what it has begun. Raises `ServeError` where the app can't be run.
        """
        check_name(name, self._fabric.broker.name)
        life = await self._begin(name, factory)
        old = self._services.get(name)
        service = SimulatedService(self._fabric, name, factory)
        service.life = life
        self._services[name] = self._fabric.services[name] = service
        self._fabric.recorder.join(name, "service")
        if old is not None and old.up:
            self._moment("deploy", name, f"{name} is replaced")
            await old.stop()
        return service

    def node(self, name: str) -> Node:
        """Return the node of that name; a new one is a caller that serves nothing."""
        return self._life(name).node

    def client(self, caller: str, *, timeout: float | None = 5.0) -> httpx.AsyncClient:
        """Return a client of that node; `timeout` is in seconds, None waits forever."""
        return client(self._life(caller), timeout)

    def note(self, name: str, text: str) -> None:
        """Write a remark at a node into the recording, at this moment.

        >>> async def scenario(world):
        ...     world.note("rider", "is at the dock")
        >>> simulate(scenario, seed=7).moments[0].text
        'is at the dock'
        """
        self._moment("note", name, text)

    def after(
        self, seconds: float, function: Callable[..., object], *arguments: Any
    ) -> None:
        """Call a plain function after so many virtual seconds."""
        at_us = self.clock.time_us() + round(seconds * 1_000_000)
        self.clock.at(at_us, function, *arguments)

    def crash(self, name: str) -> None:
        """Kill a service: its memory and tasks are gone, its disk stays."""
        self.network.crash(name)

    async def restart(self, name: str) -> None:
        """Start a crashed service again, on the same disk."""
        await self.network.restart(name)

    def _life(self, name: str) -> Life:
        service = self._services.get(name)
        if service is not None and service.life is not None:
            return service.life
        if name not in self._callers:
            self._callers[name] = self._born(name)
        return self._callers[name]

    def _born(self, name: str) -> Life:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        life = Life(self._fabric, name, number)
        life.node.client = client(life, 5.0)
        return life

    async def _begin(self, name: str, source: Factory | ASGIApp) -> Life:
        life = self._born(name)
        try:
            app = build(source, life.node, name)
        except BaseException:
            life.end()
            raise
        await life.start(app)
        return life

    def _crash(self, name: str) -> None:
        life = self._known(name).life
        if life is None or not life.alive:
            return
        self._moment("crash", name, f"{name} crashes")
        callers = list(life.inbound)
        life.end()
        life.log("crash")
        for caller in callers:
            caller.reset()

    async def _restart(self, name: str) -> None:
        service = self._known(name)
        if service.up:
            return
        if isinstance(service.source, Starlette):
            raise WorldError(
                f"{name} was served from an app, whose memory would outlive the crash:"
                " serve it from a factory `def make(node) -> FastAPI` to restart it"
            )
        self._moment("restart", name, f"{name} starts again")
        service.life = await self._begin(name, service.source)

    def _known(self, name: str) -> SimulatedService:
        if name == self._fabric.broker.name:
            raise WorldError(
                f"the simulated broker does not crash: cut nodes off from it with"
                f" network.partition(node, {name!r})"
            )
        if name not in self._services:
            known = ", ".join(self._services) or "none yet"
            raise WorldError(f"no service is called {name!r}; services here: {known}")
        return self._services[name]

    def _moment(self, kind: str, name: str, text: str) -> None:
        now = self.clock.time_us()
        self._fabric.recorder.moment(now, kind, (name,), text)

    def _folder(self, name: str) -> Path:
        if self._disk is None:
            self._disk = scratch()
        folder = self._disk / name
        folder.mkdir(exist_ok=True)
        return folder

    def _fail(self, error: WorldError) -> None:
        """End the scenario because of a mistake in how its services are written."""
        if self._failure is None and self._main is not None:
            self._failure = error
            self._main.cancel()

    def _flooded(self) -> None:
        if self._failure is not None:
            return
        sent = self.recording.messages
        counts = Counter(
            f"{m.source} answered {m.status}" if m.status else f"{m.source} sent"
            for m in sent
            if m.copy_of is None
        )
        [(what, count)] = counts.most_common(1)
        text = f"the run was stopped after {len(sent):,} messages; {what} {count:,}"
        self._fail(TooManyMessages(f"{text} times: what repeats a call without end?"))

    async def _run(
        self, scenario: Callable[[SimulatedWorld], Awaitable[Any]], until: float | None
    ) -> Recording:
        refuse_threads()
        result = None
        try:
            async with asyncio.timeout(until) as limit:
                result = await scenario(self)
        except TimeoutError:
            if not limit.expired():
                raise
            text = f"the run ends at {until:g} s, the scenario had not"
            now = self.clock.time_us()
            self._fabric.recorder.moment(now, "until", (), text)
        self._end()
        recording = self._fabric.recorder.seal(self.clock.time_us())
        recording.result = result
        return recording

    def _end(self) -> None:
        """Fence every node: what still runs reaches nothing and records nothing."""
        lives = [s.life for s in self._services.values() if s.life is not None]
        for life in [*lives, *self._callers.values()]:
            if life.alive:
                life.end()

    def _clean(self) -> None:
        if self._disk is not None:
            shutil.rmtree(self._disk, ignore_errors=True)
