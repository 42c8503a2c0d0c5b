"""What chapter 12 shows of sidecars: how long a call takes, and what that costs.

A rider asks `rides`, and it asks `availability`: directly, with the mechanisms as a
library, through our two sidecars (also with another transport), and through two Envoys.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.mesh import PROCESS, asked, city, memory, processor
from movingparts.measure.latency import percentile
from movingparts.world import LocalWorld

CALLS, ROUNDS = 500, 7


def chapter_12() -> dict[str, Any]:
    """Milliseconds that a rider waits, and what a pair of sidecars takes for it.

    That is milliseconds of a core for each request, and megabytes of each sidecar.
    """
    return asyncio.run(_measured())


async def _measured() -> dict[str, Any]:
    async with city() as here, city("pyreqwest") as quick, library() as port:
        ways = {
            "no sidecars": here.direct,
            "a library": port,
            "our sidecars": here.ours,
            "Envoys": here.envoy,
        }
        times: dict[str, list[list[float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, at in ways.items():
                times[name].append(await asked(at, CALLS))
        pairs = {
            "our sidecars": (here.ours, here.our_pids),
            "ours, with pyreqwest": (quick.ours, quick.our_pids),
            "Envoys": (here.envoy, here.envoy_pids),
        }
        sizes = {name: memory(pids) for name, (_, pids) in pairs.items()}
        work = {name: await _work(*each) for name, each in pairs.items()}
    # The best of each: what else runs here only slows.
    found = {name: min(rounds, key=_median) for name, rounds in times.items()}
    return {
        "milliseconds": {
            name: {f"p{p}": round(percentile(took, p), 2) for p in (50, 99)}
            for name, took in found.items()
        },
        "processor": {name: round(each, 2) for name, each in work.items()},
        "megabytes": {name: round(size) for name, size in sizes.items()},
    }


async def _work(port: int, pids: list[int]) -> float:
    """Return the milliseconds of a core that these take for a request, at best."""
    found = []
    for _ in range(ROUNDS):
        before = processor(pids)
        await asked(port, CALLS)
        found.append((processor(pids) - before) / CALLS)
    return min(found)


@asynccontextmanager
async def library() -> AsyncIterator[int]:
    """Run both services, of which the one that asks has the mechanisms in it."""
    async with LocalWorld() as world:

        async def start(role: str, **at: int) -> int:
            env = {"ROLE": role, "AT": json.dumps(at)}
            name = role.replace(" ", "-")
            port = (await world.spawn(name, command=PROCESS, env=env)).port
            assert port is not None  # it has started
            return port

        app = await start("availability")
        yield await start("rides with a library", availability=app)


def _median(took: list[float]) -> float:
    return percentile(took, 50)
