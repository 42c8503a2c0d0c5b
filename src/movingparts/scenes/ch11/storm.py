"""Receipts are asked for all at once, and their database takes few connections.

Docks that were offline report their rides within two seconds. A second function,
`refunds`, asks the same database once a minute.

Source: chapter 11. Leaves out: other users of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from movingparts.core.node import Node
from movingparts.core.random import Constant
from movingparts.function import Platform, Profile, Retry, SimulatedBackend
from movingparts.scenes.ch11.damage import BEFORE, Damage
from movingparts.scenes.ch11.database import ClosingBackend, Database
from movingparts.scenes.ch11.day import ends
from movingparts.scenes.ch11.numbers import RECEIPTS
from movingparts.world.simulated import SimulatedWorld, simulate

REFUND = Profile(start=Constant(0.3), run=Constant(0.0), wait=Constant(0.5))
AFTER, EACH = 330, 60  # seconds: how long it is watched; a refund every minute
Layer = Callable[[Database], Any]


def storm(
    source: str,
    *,
    reports: int = 60,
    after: int = AFTER,
    layer: Layer = lambda database: database,
    seed: int = 1,
    **config: Any,
) -> Damage:
    """Let so many docks report at once, to receipts that are deployed with `config`.

    `layer` makes what the functions know as `database`.
    """

    async def scenario(world: SimulatedWorld) -> Damage:
        node = world.node("functions")
        database = Database(node.clock)
        platform = await deployed(node, source, layer(database), config)
        sent: dict[str, float] = {}
        seen: list[tuple[int, int]] = []
        async with asyncio.TaskGroup() as waiting:
            for at, what, event in schedule(node, reports, BEFORE + after):
                await node.clock.sleep(max(0.0, at - node.clock.monotonic()))
                if what == "receipts":
                    sent[event["id"]] = at
                    platform.send(what, event, request_id=event["id"])
                elif what == "refunds":
                    waiting.create_task(platform.invoke(what, event))
                else:
                    seen.append((int(at), len(database.open)))
        while len(platform.queue):
            await node.clock.sleep(1.0)
        return Damage(tuple(platform.invocations), sent, tuple(seen), database)

    found: Damage = simulate(scenario, seed=seed).result
    return found


async def deployed(
    node: Node, source: str, layer: object, config: dict[str, Any]
) -> Platform:
    """Return a platform that has both functions, made from the same source."""
    profiles = {"receipts": RECEIPTS, "refunds": REFUND}
    layers = {"database": layer}
    backend = SimulatedBackend(node.clock, node.random, profiles, layers)
    platform = Platform(node, ClosingBackend(backend))
    await platform.deploy("receipts", source, retry=Retry(first=1.0), **config)
    await platform.deploy("refunds", source, keep_warm=EACH / 2)
    return platform


def schedule(
    node: Node, reports: int, end: int
) -> list[tuple[float, str, dict[str, Any]]]:
    """Return what happens when: one ride a second, and the storm after `BEFORE`.

    What has no name is a look at the database, late in each second.
    """
    at = [float(second) for second in range(end)]
    at += [BEFORE + 2 * node.random.random() for _ in range(reports)]
    rides = [each.event() for each in ends()[: len(at)]]
    found = [(t, "receipts", ride) for t, ride in zip(sorted(at), rides, strict=True)]
    found += [(t + 0.5, "refunds", rides[0]) for t in range(0, end, EACH)]
    found += [(t + 0.9, "", {}) for t in range(end)]
    return sorted(found, key=lambda each: each[:2])
