"""The function platform against bare processes, and its simulation against itself.

`python -m bench function` prints the ratios; `python -m bench --measure 11` writes what
chapter 11 shows: how long cold starts and warm invocations take here.
"""

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx

from bench.table import Row, interleaved
from movingparts.bus.memory import MemoryBroker
from movingparts.core.node import Disk, Node, Tasks
from movingparts.core.random import Constant, Empirical, Exponential
from movingparts.function import (
    Code,
    Config,
    Invocation,
    Platform,
    Profile,
    Request,
    Result,
    SimulatedBackend,
)
from movingparts.function.instance import LocalInstance
from movingparts.function.local import LocalBackend
from movingparts.function.pool import Pool
from movingparts.measure.latency import percentile
from movingparts.world.local.clock import RealClock
from movingparts.world.simulated import SimulatedWorld, simulate

ECHO = "def handler(event, context):\n    return event\n"
BUSY = (
    "import time\ndef handler(event, context):\n"
    "    until = time.thread_time() + 0.005\n"
    "    while time.thread_time() < until: pass\n"
)
WAITS = "import time\ndef handler(event, context):\n    time.sleep(0.02)\n"
WARM = 2_000  # invocations, for one figure
COLD = 12  # starts, for one figure
DECISIONS = 20_000
SAMPLES = 60  # of each kind of cold start that pages show
ROOMY = {"memory_mb": 1024, "timeout": 30.0}


@asynccontextmanager
async def platform_on(backend: LocalBackend, **options: Any) -> AsyncIterator[Platform]:
    """Give a platform in real time, without the broker that it does not need here."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = Tasks(lambda what, error: print(what, repr(error), file=sys.stderr))
        bus = MemoryBroker().connect("functions", tasks)
        disk, client = Disk(lambda: Path(folder)), httpx.AsyncClient()
        clock = RealClock()
        node = Node("functions", client, bus, clock, Random(1), tasks, disk)
        platform = Platform(node, backend, **options)
        try:
            yield platform
        finally:
            await platform.close()
            await backend.close()
            tasks.cancel()
            await tasks.finished()
            disk.close()
            await client.aclose()


# --- warm -------------------------------------------------------------------------


def warm() -> float:
    """The microseconds of an invocation, from the platform and back to it."""

    async def main() -> float:
        async with platform_on(LocalBackend()) as platform:
            await platform.deploy("echo", ECHO, provisioned=1)
            for _ in range(100):
                await platform.invoke("echo", 1)
            begun = time.perf_counter()
            for _ in range(WARM):
                await platform.invoke("echo", 1)
            return (time.perf_counter() - begun) / WARM * 1e6

    return asyncio.run(main())


BARE = (
    "import json, sys\nfor line in sys.stdin:\n"
    "    print(json.dumps(json.loads(line)), flush=True)\n"
)


def bare_in_a_task() -> float:
    """The same of a bare worker over pipes, asked by a task that has a time limit.

    So asks whoever can't wait forever, and whose caller may give up: the least that a
    platform in one event loop can do.
    """

    async def main() -> float:
        pipe = subprocess.PIPE
        python = (sys.executable, "-I", "-c", BARE)
        worker = await asyncio.create_subprocess_exec(*python, stdin=pipe, stdout=pipe)
        asks, answers = worker.stdin, worker.stdout
        assert asks is not None
        assert answers is not None

        async def ask() -> Any:
            async with asyncio.timeout(3.0):
                asks.write(json.dumps({"event": 1}).encode() + b"\n")
                return json.loads(await answers.readline())

        for number in range(100 + WARM):
            if number == 100:
                begun = time.perf_counter()
            await asyncio.shield(asyncio.create_task(ask()))
        took = (time.perf_counter() - begun) / WARM * 1e6
        asks.close()
        await worker.wait()
        return took

    return asyncio.run(main())


def bare_and_blocking() -> float:
    """The same of a program that does nothing else until the answer is here."""
    pipe = subprocess.PIPE
    python = (sys.executable, "-I", "-c", BARE)
    with subprocess.Popen(python, stdin=pipe, stdout=pipe, bufsize=0) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        answers = os.fdopen(worker.stdout.fileno(), "rb", closefd=False)
        for number in range(100 + WARM):
            if number == 100:
                begun = time.perf_counter()
            worker.stdin.write(json.dumps({"event": 1}).encode() + b"\n")
            json.loads(answers.readline())
        return (time.perf_counter() - begun) / WARM * 1e6


# --- cold -------------------------------------------------------------------------


async def started(backend: LocalBackend, source: str, at_once: int = 1) -> float:
    """The milliseconds from a start, or from some at once, to all first answers."""
    code = Code("cold", 1, source, Config(**ROOMY), {})

    async def answered() -> LocalInstance:
        instance = await backend.start(code)
        await instance.run(Request("r", None))
        return instance

    begun = time.perf_counter()
    instances = await asyncio.gather(*(answered() for _ in range(at_once)))
    took = (time.perf_counter() - begun) * 1000
    for instance in instances:
        await instance.close()
    return took


def cold(preload: tuple[str, ...] | None, at_once: int = 1) -> float:
    """The same, in the median of some."""

    async def main() -> float:
        async with LocalBackend(preload=preload) as backend:
            await started(backend, ECHO)
            return statistics.median(
                [await started(backend, ECHO, at_once) for _ in range(COLD)]
            )

    return asyncio.run(main())


def python_alone() -> float:
    """The milliseconds of a Python that imports json and ends."""
    took = []
    for _ in range(COLD):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", "import json"], check=True, env={})
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


# A fork server that does nothing but fork: its children run the same source and answer,
# with no limits, no folder and no environment of their own.
FORKS = """
import gc, json, os, resource, signal, socket, sys
exec(compile("import sys\\ndef f(event, context): return event", "f.py", "exec"), {})
gc.collect(); gc.freeze()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
control = socket.socket(fileno=int(sys.argv[1]))
control.send(b"ready")
while fds := socket.recv_fds(control, 1, 1)[1]:
    if os.fork() == 0:
        control.close()
        lines, names = os.fdopen(fds[0], "rb", closefd=False), {}
        exec(compile(json.loads(lines.readline()), "f.py", "exec"), names)
        os.write(fds[0], b"ready\\n")
        for line in lines:
            value = names["handler"](json.loads(line), None)
            os.write(fds[0], json.dumps(value).encode() + b"\\n")
        os._exit(0)
    os.close(fds[0])
"""


def fork_alone(at_once: int = 1) -> float:
    """The milliseconds until children of a bare fork server have answered."""
    took = []
    control, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-c", FORKS, str(theirs.fileno())]
    with control, subprocess.Popen(command, pass_fds=[theirs.fileno()]):
        theirs.close()
        control.recv(5)
        for _ in range(COLD + 1):
            begun = time.perf_counter()
            asked = [ask_for_a_child(control) for _ in range(at_once)]
            for ours in asked:
                ours.recv(100)
                ours.send(b"1\n")
            for ours in asked:
                json.loads(ours.recv(100))
            took.append((time.perf_counter() - begun) * 1000)
            for ours in asked:
                ours.close()
        control.shutdown(socket.SHUT_RDWR)
    return statistics.median(took[1:])


def ask_for_a_child(control: socket.socket) -> socket.socket:
    """Send a bare fork server a child's socket; return the other end of it."""
    ours, child = socket.socketpair()
    with child:
        ours.send(json.dumps(ECHO).encode() + b"\n")
        socket.send_fds(control, [b"f"], [child.fileno()])
    return ours


def only_fork(module: str) -> float:
    """The milliseconds of `os.fork` in a server with a module until a child's word."""
    source = f"import {module}\n{FORKS.partition('control =')[0]}{ONLY}"
    found = subprocess.run(
        [sys.executable, "-I", "-c", source, str(COLD)], check=True, capture_output=True
    )
    return float(found.stdout)


ONLY = """
import statistics, time
took = []
for _ in range(int(sys.argv[1])):
    ours, theirs = os.pipe()
    begun = time.perf_counter()
    if os.fork() == 0:
        os.write(theirs, b".")
        os._exit(0)
    os.read(ours, 1)
    took.append((time.perf_counter() - begun) * 1000)
    os.close(ours); os.close(theirs)
print(statistics.median(took))
"""


# --- the scheduler and the simulation ---------------------------------------------


class Nowhere:
    """A backend and instance that does nothing: what is left is the scheduler."""

    async def start(self, code: Code) -> "Nowhere":
        """Be there at once."""
        return self

    async def run(self, request: Request) -> Result:
        """Be done at once."""
        return DONE

    async def close(self) -> None:
        """Leave nothing."""


DONE = Result("ok")


def silent(what: str, error: BaseException) -> None:
    """Report nothing: nothing fails here."""


def decisions(busy: int) -> float:
    """Requests a second of processor that a pool places beside so many busy ones."""

    async def main() -> float:
        tasks = Tasks(silent)
        code = Code("fares", 1, ECHO, Config(), {})
        pool = Pool(code, Nowhere(), RealClock(), tasks)
        for _ in range(busy):
            await pool._start()  # noqa: SLF001  # an instance that stays busy
        begun = time.process_time()
        for _ in range(DECISIONS):
            await pool.invoke(Request("r", None))
        took = time.process_time() - begun
        tasks.cancel()
        await tasks.finished()
        return DECISIONS / took

    return asyncio.run(main())


def tasks_alone() -> float:
    """Tasks a second of processor that do nothing, each owned and shielded."""

    async def nothing() -> Result:
        return DONE

    async def main() -> float:
        tasks, begun = Tasks(silent), time.process_time()
        for _ in range(DECISIONS):
            await asyncio.shield(tasks.create_task(nothing(), name="r"))
        return DECISIONS / (time.process_time() - begun)

    return asyncio.run(main())


def simulated() -> float:
    """Invocations a second of processor in virtual time, all on one function."""

    async def main(world: SimulatedWorld) -> float:
        node = world.node("functions")
        profiles = {"echo": Profile(wait=Exponential(0.05))}
        platform = Platform(node, SimulatedBackend(node.clock, node.random, profiles))
        await platform.deploy("echo", ECHO, timeout=30.0)
        begun = time.process_time()
        await play(platform, "echo", [0.01] * (DECISIONS // 4))
        return DECISIONS / 4 / (time.process_time() - begun)

    found: float = simulate(main, seed=1).result
    return found


def sleeps_alone() -> float:
    """Tasks a second of processor that sleep twice in virtual time."""

    async def main(world: SimulatedWorld) -> float:
        node = world.node("functions")

        async def twice() -> None:
            await node.clock.sleep(0.03)
            await node.clock.sleep(0.03)

        begun = time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(DECISIONS // 4):
                await node.clock.sleep(0.01)
                group.create_task(twice())
        return DECISIONS / 4 / (time.process_time() - begun)

    found: float = simulate(main, seed=1).result
    return found


async def play(platform: Platform, name: str, gaps: list[float]) -> list[Invocation]:
    """Invoke after each gap, whether or not those before have ended."""
    clock, asked = platform.node.clock, []
    async with asyncio.TaskGroup() as group:
        for gap in gaps:
            await clock.sleep(gap)
            asked.append(group.create_task(platform.invoke(name, None)))
    return [each.result() for each in asked]


# --- throughput, and how good the model is ----------------------------------------


def throughput(clients: int) -> float:
    """Invocations a second of a handler that waits 20 ms, for so many clients."""

    async def main() -> float:
        async with platform_on(LocalBackend(preload=())) as platform:
            await platform.deploy("waits", WAITS, provisioned=clients)

            async def ask(ends: float) -> int:
                done = 0
                while time.perf_counter() < ends:
                    await platform.invoke("waits", None)
                    done += 1
                return done

            await asyncio.gather(*(ask(0.0) for _ in range(clients)))
            begun = time.perf_counter()
            asks = (ask(begun + 2.0) for _ in range(clients))
            done = sum(await asyncio.gather(*asks))
            return done / (time.perf_counter() - begun)

    return asyncio.run(main())


EVENTS = 400
BRIEFLY = {"keep_warm": 0.1, "timeout": 30.0}


def gaps(seed: int) -> list[float]:
    """Arrivals at random, 40 a second."""
    rng = Random(seed)
    return [Exponential(0.025).draw(rng) / 1_000_000 for _ in range(EVENTS)]


def for_real(seed: int) -> list[Invocation]:
    """A trace of requests on real processes, which end when idle for 0.1 s."""

    async def main() -> list[Invocation]:
        async with platform_on(LocalBackend()) as platform:
            await platform.deploy("waits", WAITS, **BRIEFLY)
            return await play(platform, "waits", gaps(seed))

    return asyncio.run(main())


def in_the_model(seed: int, measured: list[Invocation]) -> list[Invocation]:
    """The same trace in virtual time, by what another one measured."""
    start = Empirical([each.init for each in measured if each.cold])
    wait = Empirical([each.run for each in measured])
    profile = Profile(start=start, run=Constant(0.0), wait=wait)

    async def main(world: SimulatedWorld) -> list[Invocation]:
        node = world.node("functions")
        backend = SimulatedBackend(node.clock, node.random, {"waits": profile})
        platform = Platform(node, backend)
        await platform.deploy("waits", WAITS_NOT, **BRIEFLY)
        return await play(platform, "waits", gaps(seed))

    found: list[Invocation] = simulate(main, seed=seed).result
    return found


WAITS_NOT = "def handler(event, context):\n    pass\n"  # its profile waits


def modeled() -> list[Row]:
    """How far the model's p50 and p99 are from the real ones, over some traces."""
    real, model = [], []
    measured = for_real(0)
    for seed in range(1, 5):
        real += for_real(seed)
        model += in_the_model(seed, measured)
        measured = real[-EVENTS:]  # a model of the trace before this one
    found = []
    for percent in (50, 99):
        ours, theirs = (
            percentile([each.took * 1000 for each in all_of], percent)
            for all_of in (model, real)
        )
        off = max(ours, theirs) / min(ours, theirs)
        name = f"one trace, p{percent}: simulated against real, the longer / the other"
        found.append(Row(name, ours, theirs, off, "<= 1.2", "ms", MODEL))
    return found


MODEL = "It draws from the trace before: what else runs here in between is not in it."
FORKED = "Copies wait, forked before; the rest is a folder, limits, the watchdog."
LOOP = (
    "On a quiet machine, 75 us: 37 are the process's and its socket's, the rest the"
    " scheduler's, with a task for each request."
)


def rows() -> list[Row]:
    """Return the comparisons."""
    found = [
        Row(
            "warm invocation / bare worker over a pipe, in a task",
            *interleaved(warm, bare_in_a_task),
            "<= 2",
            "us",
            LOOP,
        ),
        Row(
            "warm invocation / bare worker over a pipe, blocking",
            *interleaved(warm, bare_and_blocking),
            "",
            "us",
        ),
        Row(
            "cold start by spawn / python -I -c 'import json'",
            *interleaved(partial(cold, None), python_alone),
            "<= 1.3",
            "ms",
        ),
        Row(
            "cold start by fork server / the same source in a bare one",
            *interleaved(partial(cold, ()), fork_alone),
            "<= 1.3",
            "ms",
            FORKED,
        ),
        Row(
            "cold start by fork server with FastAPI / os.fork alone in such a one",
            *interleaved(partial(cold, ("fastapi",)), partial(only_fork, "fastapi")),
            "<= 1.3",
            "ms",
            FORKED,
        ),
        Row(
            "cold start by fork server without imports / os.fork alone in such a one",
            *interleaved(partial(cold, ()), partial(only_fork, "json")),
            "",
            "ms",
        ),
        Row(
            "16 cold starts at once by fork server / the same source in a bare one",
            *interleaved(partial(cold, (), 16), partial(fork_alone, 16)),
            "",
            "ms",
        ),
        Row(
            "scheduler: requests placed / tasks that do nothing",
            *interleaved(partial(decisions, 0), tasks_alone),
            "",
            "/s of processor",
        ),
        Row(
            "scheduler: beside 100 busy instances / beside none",
            *interleaved(partial(decisions, 100), partial(decisions, 0)),
            "",
            "/s of processor",
        ),
        Row(
            "simulated invocations / tasks that sleep twice",
            *interleaved(simulated, sleeps_alone),
            "",
            "/s of processor",
        ),
    ]
    alone = throughput(1)
    for clients in (4, 16, 64):
        many = throughput(clients)
        name = f"{clients} clients of a handler that waits 20 ms / one, {clients} times"
        ratio = many / alone / clients
        found.append(Row(name, many, alone * clients, ratio, "", "/s"))
    return found + modeled()


# --- what pages show --------------------------------------------------------------

IMPORTS = {"bare": "sys", "pydantic": "pydantic", "fastapi": "fastapi"}


def chapter_11() -> dict[str, Any]:
    """Seconds of cold starts, with what is imported, and of warm invocations.

    A cold start's are from the start of the instance to its first answer.
    """
    return asyncio.run(sampled())


async def sampled() -> dict[str, Any]:
    """Start an instance of each kind in turn, so that all meet the same machine."""
    found: dict[str, dict[str, list[float]]] = {what: {} for what in IMPORTS}
    async with contextlib.AsyncExitStack() as open_now:
        backends = {}
        for what, module in IMPORTS.items():
            for how, preload in (("spawn", None), ("fork server", (module,))):
                backend = LocalBackend(preload=preload)
                backends[what, how] = await open_now.enter_async_context(backend)
                found[what][how] = []
        for number in range(SAMPLES + 1):
            for (what, how), backend in backends.items():
                took = await started(backend, f"import {IMPORTS[what]}\n{ECHO}")
                if number:  # the first one finds nothing in any cache
                    found[what][how].append(round(took / 1000, 6))
    return {"cold": found, "warm": await warm_samples()}


async def warm_samples() -> list[float]:
    """Return the seconds of warm invocations, one after the other."""
    took = []
    async with platform_on(LocalBackend()) as platform:
        await platform.deploy("echo", ECHO, provisioned=1)
        for number in range(SAMPLES + 100):
            done = await platform.invoke("echo", 1)
            if number >= 100:
                took.append(done.run)
    return took
