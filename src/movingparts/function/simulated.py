"""Instances in virtual time: the source runs here, its times are drawn."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType, coroutine
from typing import Any

from movingparts.core.clock import Clock
from movingparts.core.node import summary
from movingparts.core.random import Constant, Latency, Random
from movingparts.function.contract import Code, InitError, Request, Result

NO_HANDLER = "the source has no handler(event, context)"
FULL_CPU_MB = 1769  # where a Lambda function has one whole CPU: docs, "memory"


NONE, START, RUN = Constant(0.0), Constant(0.02), Constant(0.01)
KILLED = Result("killed", error="its process is gone", alive=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """How long a function takes, in seconds, and how much memory it needs.

    `start` is until its process runs. `init` and `run` are CPU times on one whole
    CPU, and grow where `memory_mb` buys less; `wait` is for others, and doesn't.
    Of so many invocations, the share `dies` ends with a killed instance.

    >>> Profile(run=Constant(0.1)).run.seconds
    0.1
    """

    start: Latency = START
    init: Latency = NONE
    run: Latency = RUN
    wait: Latency = NONE
    needs_mb: int = 32
    dies: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler knows of its invocation, under AWS Lambda's names."""

    aws_request_id: str
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    invoke: Callable[[str, Any], Any] | None
    remaining: Callable[[], int]

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of its time is left."""
        return self.remaining()


@dataclass(eq=False)
class SimulatedBackend:
    """Runs each instance's source in a namespace of its own, in virtual time.

    `profiles` has the times of each function. `layers` are names that every source
    finds, as if it had imported them: fakes of what real functions reach by network.
    A handler's effects happen halfway through its time, so one that is ended before
    its end may have done them, or not.

    Source: chapter 11. Leaves out: what a handler's own code costs, and isolation: an
    endless loop in it never ends, so its profile has to say so.
    """

    clock: Clock
    random: Random
    profiles: Mapping[str, Profile] = field(
        default_factory=lambda: MappingProxyType({})
    )
    layers: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def profile(self, code: Code) -> Profile:
        """Return a function's times, with CPU times as its memory makes them."""
        return self.profiles.get(code.name, Profile())

    async def start(self, code: Code) -> SimulatedInstance:
        """Wait as long as an instance takes to start, and run its source."""
        profile = self.profile(code)
        if profile.needs_mb > code.config.memory_mb:
            raise InitError(f"needs {profile.needs_mb} MB of {code.config.memory_mb}")
        init = self.seconds(profile.init) / share(code)
        await self.clock.sleep(self.seconds(profile.start) + init)
        names = {**self.layers, "__name__": code.name}
        environment = dict(code.environment)
        try:
            with environ(environment):
                exec(compiled(code), names)  # noqa: S102  # the source is what was deployed
        except (Exception, SystemExit) as error:
            raise InitError(summary(error)) from error
        if not callable(names.get("handler")):
            raise InitError(NO_HANDLER)
        return SimulatedInstance(self, code, names["handler"], environment)

    def seconds(self, latency: Latency) -> float:
        """Draw a time."""
        return latency.draw(self.random) / 1_000_000


@dataclass(eq=False)
class SimulatedInstance:
    """One namespace; requests that it has at once share its CPU."""

    backend: SimulatedBackend
    code: Code
    handler: Callable[[Any, Context], Any]
    environment: dict[str, str]
    busy: dict[asyncio.Timeout, None] = field(default_factory=dict)
    ended: bool = False

    async def run(self, request: Request) -> Result:
        """Take the time that is drawn, and call the handler in its middle."""
        limit = asyncio.timeout(self.code.config.timeout)
        self.busy[limit] = None
        try:
            async with limit:
                return await self._work(request)
        except TimeoutError as error:
            return self._late(error, limit)
        except MemoryError:
            return Result("memory", error="out of memory", alive=False)
        except (SystemExit, KeyboardInterrupt):
            return KILLED
        except Exception as error:  # noqa: BLE001  # whatever a function raises is its result
            return Result("error", error=summary(error))
        finally:
            del self.busy[limit]

    def _late(self, error: TimeoutError, limit: asyncio.Timeout) -> Result:
        if self.ended:
            return KILLED
        if limit.expired():
            over = f"over {self.code.config.timeout:g} s"
            return Result("timeout", error=over, alive=False)
        return Result("error", error=summary(error))

    async def _work(self, request: Request) -> Result:
        backend, profile = self.backend, self.backend.profile(self.code)
        half = backend.seconds(profile.run) / share(self.code) * len(self.busy) / 2
        half += backend.seconds(profile.wait) / 2
        dies = backend.random.random() < profile.dies
        late = dies and backend.random.random() < 0.5
        await backend.clock.sleep(half)
        if dies and not late:
            return KILLED
        event = json.loads(json.dumps(request.event))
        with environ(self.environment):
            value = self.handler(event, self._context(request))
        if inspect.iscoroutine(value):
            value = await inside(self.environment, value)
        if late:
            return KILLED
        await backend.clock.sleep(half)
        return Result("ok", json.loads(json.dumps(value)), peak_mb=profile.needs_mb)

    def _context(self, request: Request) -> Context:
        clock, config = self.backend.clock, self.code.config
        ends = clock.monotonic() + config.timeout
        return Context(
            request.id,
            self.code.name,
            str(self.code.version),
            str(config.memory_mb),
            request.invoke,
            lambda: max(0, round((ends - clock.monotonic()) * 1000)),
        )

    async def close(self) -> None:
        """End whatever it still runs."""
        self.ended = True
        now = asyncio.get_running_loop().time()
        for limit in [each for each in self.busy if not each.expired()]:
            limit.reschedule(now)


def compiled(code: Code) -> Any:
    """Compile a source under its own rules: this module's `annotations` aren't its."""
    return compile(code.source, f"{code.name}.py", "exec", dont_inherit=True)


@contextmanager
def environ(variables: dict[str, str]) -> Iterator[None]:
    """Let `os.environ` be an instance's own while its source runs."""
    before = os.environ
    os.environ = variables  # type: ignore[assignment]  # noqa: B003  # for a moment
    try:
        yield
    finally:
        os.environ = before  # noqa: B003  # and back


@coroutine
def inside(variables: dict[str, str], work: Any) -> Generator[Any, Any, Any]:
    """Await a handler, which finds its own `os.environ` whenever it goes on."""
    go_on, what = work.send, None
    while True:
        try:
            with environ(variables):
                waits_for = go_on(what)
        except StopIteration as done:
            return done.value
        try:
            what, go_on = (yield waits_for), work.send
        except BaseException as error:  # noqa: BLE001  # a cancellation is the handler's
            what, go_on = error, work.throw


def share(code: Code) -> float:
    """Return how much of a CPU a function's memory buys, one at most.

    Leaves out: more than one CPU, which a handler in one thread can't use.
    """
    return min(1.0, code.config.memory_mb / FULL_CPU_MB)
