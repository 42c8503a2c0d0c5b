"""What chapter 12 shows of sidecars: how long a call takes, how many, how much memory.

A rider asks `rides`, and it asks `availability`: directly, with the mechanisms as a
library, through our two sidecars (also with another transport), and through two Envoys.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.mesh import PROCESS, asked, city, rate
from movingparts.measure.latency import percentile
from movingparts.world import LocalWorld

CALLS, ROUNDS = 500, 7


def chapter_12() -> dict[str, Any]:
    """Milliseconds that a rider waits, requests a second, megabytes of a sidecar.

    What is kept is the share of the requests a second without sidecars that are left,
    with eight riders at once.
    """
    return asyncio.run(_measured())


async def _measured() -> dict[str, Any]:
    async with city() as here, city("pyreqwest") as quick, library() as port:
        ways = {
            "no sidecars": here.direct,
            "a library": port,
            "our sidecars": here.ours,
            "ours, with pyreqwest": quick.ours,
            "Envoys": here.envoy,
        }
        times: dict[str, list[list[float]]] = {name: [] for name in ways}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, at in ways.items():
                times[name].append(await asked(at, CALLS))
                rates[name].append(await rate(at))
        sizes = {
            "our sidecars": here.our_bytes,
            "ours, with pyreqwest": quick.our_bytes,
            "Envoys": here.envoy_bytes,
        }
    # The best of each: what else runs here only slows.
    found = {name: min(rounds, key=_median) for name, rounds in times.items()}
    return {
        "milliseconds": {
            name: {f"p{p}": round(percentile(took, p), 2) for p in (50, 99)}
            for name, took in found.items()
        },
        "kept": {
            name: round(max(found) / max(rates["no sidecars"]), 2)
            for name, found in rates.items()
        },
        "megabytes": {name: round(size) for name, size in sizes.items()},
    }


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
