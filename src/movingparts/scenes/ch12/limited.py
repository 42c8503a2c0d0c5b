"""One bucket counted, three gateways that share a limit, and a bad day.

Source: chapter 12. Leaves out: limits that differ from client to client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.rate_limit import (
    PerClient,
    RateLimit,
    SharedLimit,
    TokenBucket,
    shared_limits,
)
from movingparts.scenes.ch12.clients import CLIENTS, api_key, door, rush
from movingparts.scenes.ch12.copies import Copy
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld

RATE, BURST, DOORS = 30, 15, 3  # of a client, in all
KIOSKS = {**CLIENTS, "kiosks": 20}

Points = list[tuple[float, int]]


def counted(rate: float, burst: float, *, most: int = 10) -> tuple[Points, Points]:
    """Return what has been asked and what has passed, up to each moment.

    An idle client sends 100 requests in second 2, and 50 a second from then on.
    """
    now = 0.0
    bucket = TokenBucket(lambda: now, rate=rate, burst=burst)
    asked, passed = [(0.0, 0), (2.0, 0)], [(0.0, 0), (2.0, 0)]
    for at in [2.0] * 100 + [2 + n / 50 for n in range(1, 50 * (most - 2) + 1)]:
        now = at
        asked.append((at, asked[-1][1] + 1))
        passed.append((at, passed[-1][1] + (bucket.take() == 0)))
    return _corners(asked), _corners(passed)


def _corners(points: Points) -> Points:
    """Keep the points at each half second, first and last."""
    last = {at: count for at, count in points if at * 2 == int(at * 2)}
    return [points[0], (2.0, 0), *((at, n) for at, n in last.items() if at >= 2)]


def own(share: float) -> Factory:
    """Return a gateway whose buckets have this share of each client's limit."""

    def factory(node: Node) -> FastAPI:
        app = door(node)
        now = node.clock.monotonic
        buckets = PerClient(now, rate=RATE * share, burst=BURST * share)
        app.add_middleware(RateLimit, take=buckets.take, client_of=api_key)
        return app

    return factory


def shared(node: Node) -> FastAPI:
    """Return a gateway that asks the service `limits`, or falls back to a third."""
    app, now = door(node), node.clock.monotonic
    third = PerClient(now, rate=RATE / DOORS, burst=BURST / DOORS)
    limit = SharedLimit(node, fallback=third.take)
    app.add_middleware(RateLimit, take=limit.take, client_of=api_key)
    return app


async def limits(world: SimulatedWorld, copy: Copy) -> None:
    """Serve the limits that gateways share."""
    await world.serve("limits", lambda n: shared_limits(n, rate=RATE, burst=BURST))


async def cut_off(world: SimulatedWorld, copy: Copy) -> None:
    """Serve them where no gateway can reach them."""
    await limits(world, copy)
    doors = [f"gateway-{n}" for n in range(1, DOORS + 1)]
    world.network.partition("limits", doors)


def three_doors(seed: int = 1) -> dict[str, Recording]:
    """Return a run through three gateways for each way to limit."""
    ways: dict[str, tuple[Factory, Any]] = {
        "a bucket each": (own(1), None),
        "a third each": (own(1 / DOORS), None),
        "shared buckets": (shared, limits),
        "shared, cut off": (shared, cut_off),
    }
    return {
        way: rush(made, KIOSKS, gateways=DOORS, before=before, seed=seed)
        for way, (made, before) in ways.items()
    }


def answered(runs: Mapping[str, Recording]) -> Table:
    """Return a row for each run: how much of what was asked was answered, how soon."""
    rows = []
    for way, run in runs.items():
        seen = run.result.seen
        counts = (f"{each.answered} of {len(each.asked)}" for each in seen.values())
        rows.append((way, *counts, f"{seen['riders'].at(50):,.0f} ms"))
    return Table(("limits", *KIOSKS, "riders' p50"), rows)
