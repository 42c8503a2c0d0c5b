"""What stands between services: each mechanism against a peer, sidecars against none.

The sidecars, ours and Envoy's, are processes of their own, and so are the two services
that they stand beside: `rides`, which asks `availability` for each rider.
"""

import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import psutil
from aiolimiter import AsyncLimiter
from purgatory import AsyncCircuitBreakerFactory

from bench.table import Row, interleaved, per_second
from movingparts.balancer import (
    Balancer,
    Pick,
    least_requests,
    round_robin,
    two_choices,
)
from movingparts.breaker import Breaker
from movingparts.rate_limit import TokenBucket
from movingparts.scenes.ch04.envoy import Config, cluster, listener, static
from movingparts.scenes.ch04.envoy_process import envoy
from movingparts.world import LocalWorld

CALLS = 50_000  # of a mechanism, for one figure
RIDERS, EACH = 8, 30  # connections at once, and requests on each, for one figure
ALONE = 100  # requests one after the other, for one figure
COPIES = [f"availability-{number}" for number in range(1, 6)]
ASK = b"GET /stations/harbor HTTP/1.1\r\nhost: rides\r\n\r\n"
PROCESS = [sys.executable, "-m", "bench.mesh_process"]
WHY = (
    "Four processes share two cores. Of a sidecar's 1.4 ms of a core for a call, its"
    " own code takes 0.2, and httpx's transport 0.5 more than one in Rust: with that,"
    " in the rows that follow, they are about at the aim (page 12.6 shows both)."
)


# --- mechanisms -------------------------------------------------------------------


async def work() -> int:
    """Stand in for a call that succeeds at once."""
    return 1


def microseconds(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes."""
    return 1e6 / asyncio.run(per_second(call, CALLS))


def broken() -> float:
    """A call through our breaker."""
    breaker = Breaker(time.monotonic)
    return microseconds(lambda: breaker.call(work))


def purgatory() -> float:
    """The same through purgatory's, by its name, as its documentation says."""
    return microseconds(AsyncCircuitBreakerFactory()("rides")(work))


def bare() -> float:
    """The same call with nothing around it."""
    return microseconds(work)


def choices(pick: Callable[[Random], Pick]) -> float:
    """How often a second a balancer chooses one of five copies."""
    balancer = Balancer(pick(Random(1)))
    begun = time.process_time()
    for _ in range(CALLS):
        with balancer.choose(COPIES):
            pass
    return CALLS / (time.process_time() - begun)


def drawn() -> float:
    """How often a second one is drawn at random, and no request is counted."""
    random = Random(1)
    begun = time.process_time()
    for _ in range(CALLS):
        random.choice(COPIES)
    return CALLS / (time.process_time() - begun)


def taken() -> float:
    """The microseconds in which our bucket gives a token."""
    bucket = TokenBucket(time.monotonic, rate=1e9, burst=1e9)
    begun = time.process_time()
    for _ in range(CALLS):
        bucket.take()
    return (time.process_time() - begun) / CALLS * 1e6


def acquired() -> float:
    """The same of aiolimiter, asked first, since it would wait and not refuse."""

    async def main() -> float:
        limiter = AsyncLimiter(1e9, 1)
        begun = time.process_time()
        for _ in range(CALLS):
            if limiter.has_capacity():
                await limiter.acquire()
        return (time.process_time() - begun) / CALLS * 1e6

    return asyncio.run(main())


# --- sidecars ---------------------------------------------------------------------


@dataclass
class City:
    """Where `rides` listens, and the processes of each pair of sidecars."""

    direct: int
    ours: int
    envoy: int
    our_pids: list[int]
    envoy_pids: list[int]


@asynccontextmanager
async def city(transport: str = "httpx") -> AsyncIterator[City]:
    """Run both services without sidecars, with ours, and with Envoy's.

    Our sidecars call by httpx's own transport, or by "pyreqwest", which is in Rust.
    """
    async with LocalWorld() as world, AsyncExitStack() as stack:

        async def start(role: str, **at: int) -> Any:
            env = {"ROLE": role, "AT": json.dumps(at), "TRANSPORT": transport}
            return await world.spawn(
                role.lower().replace(" ", "-"), command=PROCESS, env=env
            )

        plane = {"control-plane": (await start("control plane")).port}
        app = (await start("availability")).port
        direct = await start("rides", availability=app)
        incoming = await start("availability sidecar", app=app, **plane)
        inner = {"availability-sidecar": incoming.port}
        outgoing = await start("rides sidecar", **inner, **plane)
        ours = await start("rides behind ours", sidecar=outgoing.port)
        door = _port(await stack.enter_async_context(envoy(beside(app))))
        out = _port(await stack.enter_async_context(envoy(beside(door))))
        theirs = await start("rides behind Envoy", sidecar=out)
        pids = [p.pid for p in psutil.Process().children() if p.name() == "envoy"]
        await rate(ours.port), await rate(theirs.port)
        ours_pids = [incoming.pid, outgoing.pid]
        yield City(direct.port, ours.port, theirs.port, ours_pids, pids[-2:])


def beside(port: int) -> Config:
    """Return the configuration of an Envoy that passes all on to a port.

    It has what our sidecar has by default: a second for each call, and a copy that
    fails five times in a row is left out.
    """
    found = cluster("there", port) | {
        "lb_policy": "LEAST_REQUEST",
        "outlier_detection": {
            "consecutive_5xx": 5,
            "base_ejection_time": "5s",
            "max_ejection_percent": 100,
        },
    }
    route = {"match": {"prefix": "/"}, "route": {"cluster": "there", "timeout": "1s"}}
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    door = listener("door", [], route_config={"virtual_hosts": [host]})
    return static([door], [found])


def memory(pids: list[int]) -> float:
    """Return the megabytes that each process shares with no other, on average.

    Two Envoys have most of their code in memory once.
    """
    return statistics.mean(own(psutil.Process(pid)) for pid in pids) / 1e6


def processor(pids: list[int]) -> float:
    """Return the milliseconds of a core that these processes have taken."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return math.fsum(each.user + each.system for each in times) * 1000


def own(process: psutil.Process) -> int:
    """Return the bytes that would be free without this process."""
    found: int = process.memory_full_info().uss
    return found


async def asked(port: int, count: int) -> list[float]:
    """Ask over one connection, one after the other; return the milliseconds of each.

    The riders are bare sockets: httpx would take longer than what is measured.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(ASK)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length))
        took.append((time.perf_counter() - begun) * 1000)
        if b" 200 " not in head:
            raise RuntimeError(f"a rider has no answer: {head!r}")
    writer.close()
    await writer.wait_closed()
    return took


async def rate(port: int) -> float:
    """Return how many riders a second have their answer, with eight at once."""
    begun = time.perf_counter()
    await asyncio.gather(*(asked(port, EACH) for _ in range(RIDERS)))
    return RIDERS * EACH / (time.perf_counter() - begun)


async def alone(port: int) -> float:
    """Return the median of the milliseconds, with one rider at a time."""
    return statistics.median(await asked(port, ALONE))


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def rows() -> list[Row]:
    """Return the comparisons."""
    breaker = "a call through our breaker"
    ways = {
        "round robin": lambda _: round_robin(),
        "least requests": least_requests,
        "two choices": two_choices,
    }
    return [
        Row(
            f"{breaker} / purgatory's", *interleaved(broken, purgatory), "<= 0.5", "µs"
        ),
        Row(f"{breaker} / a bare call", *interleaved(broken, bare), "", "µs"),
        *(
            Row(
                f"choosing a copy, {name} / random.choice",
                *interleaved(partial(choices, pick), drawn),
                "",
                "/s",
            )
            for name, pick in ways.items()
        ),
        Row(
            "a token from our bucket / from aiolimiter",
            *interleaved(taken, acquired),
            "<= 1.0",
            "µs",
        ),
        *sidecars(),
    ]


def sidecars() -> list[Row]:
    """Return the comparisons of sidecars, with all their processes up."""
    return [*pair("httpx"), *pair("pyreqwest")]


def pair(transport: str) -> list[Row]:
    """Return how two services do with sidecars that call by this transport."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        here = runner.run(stack.enter_async_context(city(transport)))

        def against(
            measure: Callable[[int], Any], ours: int, peer: int
        ) -> tuple[float, float, float]:
            return interleaved(
                lambda: runner.run(measure(ours)), lambda: runner.run(measure(peer))
            )

        what, aim = f"our sidecars, by {transport}", ">= 0.6"
        sizes = [memory(pids) for pids in (here.our_pids, here.envoy_pids)]
        try:
            direct = against(rate, here.ours, here.direct)
            return [
                Row(f"{what} / none: throughput", *direct, aim, "/s", WHY),
                Row(
                    f"{what} / Envoy's: throughput",
                    *against(rate, here.ours, here.envoy),
                    "",
                    "/s",
                ),
                Row(
                    f"{what} / none: p50",
                    *against(alone, here.ours, here.direct),
                    "",
                    "ms",
                ),
                Row(
                    f"{what} / Envoy's: p50",
                    *against(alone, here.ours, here.envoy),
                    "",
                    "ms",
                ),
                Row(
                    f"{what} / Envoy's: unshared memory of one",
                    *sizes,
                    sizes[0] / sizes[1],
                    "",
                    "MB",
                ),
            ]
        finally:
            runner.run(stack.aclose())
