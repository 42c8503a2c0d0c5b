"""Pages that make many calls, in exercise 1.6: measured calls, and how long pages take.

Leaves out: HTTP. A call is the time that passes until its reply is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from movingparts.core import Empirical, LogNormal
from movingparts.core.random import stream
from movingparts.world.simulated import simulate

How = Literal["at once", "in a row"]
PAGES = 500
SEED = 3


def measured(seed: int, median: float, p99: float) -> list[int]:
    """Return how long 200 calls took, in milliseconds, from the median up to the tail.

    >>> min(measured(7, median=10, p99=80)) >= 1
    True
    """
    rng, call = stream(seed, "calls"), LogNormal(median, p99)
    return [max(1, round(call.draw(rng) / 1_000_000)) for _ in range(200)]


@lru_cache(maxsize=32)
def pages(times: Sequence[int], calls: int, how: How) -> list[float]:
    """Build pages in virtual time, and return how long each took, in milliseconds.

    >>> sum(pages((10, 20), 2, "in a row")) > sum(pages((10, 20), 2, "at once"))
    True
    """
    call = Empirical([time / 1000 for time in times])

    async def build(world: Any) -> list[float]:
        node, took = world.node("page"), []
        for _ in range(PAGES):
            waits = [call.draw(world.random) / 1_000_000 for _ in range(calls)]
            began = world.clock.monotonic()
            if how == "in a row":
                for wait in waits:
                    await node.clock.sleep(wait)
            else:
                started = [node.tasks.create_task(node.clock.sleep(w)) for w in waits]
                for each in started:
                    await each
            took.append(1000 * (world.clock.monotonic() - began))
        return took

    return list(simulate(build, seed=SEED, until=1e6).result)
