"""Receipts are asked for all at once, and their database takes few connections.

Docks that were offline report their rides within two seconds. A second function,
`refunds`, asks the same database once a minute.

Source: chapter 11. Leaves out: other users of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from movingparts.core.node import Node
from movingparts.core.random import Constant
from movingparts.function import Invocation, Platform, Profile, Retry, SimulatedBackend
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.database import ClosingBackend, Database
from movingparts.scenes.ch11.day import ends
from movingparts.scenes.ch11.numbers import RECEIPTS
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

REFUND = Profile(start=Constant(0.3), run=Constant(0.0), wait=Constant(0.5))
BEFORE, AFTER, EACH = 30, 330, 60  # seconds: one ride each; a refund every minute
Layer = Callable[[Database], Any]


@dataclass(frozen=True, slots=True)
class Storm:
    """What became of receipts and refunds, and of their database's connections.

    `sent` is when each receipt was asked for, and `open` how many connections there
    were at each second; times are in seconds since the storm broke.
    """

    invocations: tuple[Invocation, ...]
    sent: Mapping[str, float]
    open: tuple[tuple[int, int], ...]
    database: Database

    def count(self, status: str, function: str = "receipts") -> int:
        """Return how many invocations of a function have ended like this."""
        of = [each for each in self.invocations if each.function == function]
        return sum(each.status == status for each in of)

    @property
    def waits(self) -> dict[str, float]:
        """How long it took from asking for a receipt until it was made, by ride."""
        done = [each for each in self.invocations if each.status == "ok"]
        return {
            each.id: each.began - BEFORE + each.took - self.sent[each.id]
            for each in done
            if each.id in self.sent
        }

    @property
    def p99(self) -> float:
        """What 99 of 100 receipts took at most, in seconds."""
        return percentile([*self.waits.values()], 99)

    @property
    def lost(self) -> int:
        """How many receipts were given up."""
        return len(self.sent) - len(self.waits)

    def row(self) -> tuple[str, ...]:
        """Return the counts as text."""
        refused, throttled = self.count("init") + self.count("error"), "throttled"
        refunds = self.count("init", "refunds") + self.count("error", "refunds")
        counts = (self.database.most, refused, self.count(throttled), self.lost)
        return (*map(str, counts), f"{self.p99:.1f} s", str(refunds))


def storm(
    source: str,
    *,
    reports: int = 60,
    after: int = AFTER,
    layer: Layer = lambda database: database,
    seed: int = 1,
    **config: Any,
) -> Storm:
    """Let so many docks report at once, to receipts that are deployed with `config`."""

    async def scenario(world: SimulatedWorld) -> Storm:
        node: Node = world.node("functions")
        database = Database(node.clock)
        profiles = {"receipts": RECEIPTS, "refunds": REFUND}
        layers = {"database": layer(database)}
        backend = SimulatedBackend(node.clock, node.random, profiles, layers)
        platform = Platform(node, ClosingBackend(backend))
        once = Retry(first=1.0)
        await platform.deploy("receipts", source, retry=once, **config)
        await platform.deploy("refunds", source, keep_warm=EACH / 2)
        sent, seen = {}, []
        async with asyncio.TaskGroup() as waiting:
            for each in schedule(node, reports, after):
                await node.clock.sleep(max(0.0, each[0] - node.clock.monotonic()))
                at, what, event = each
                if what == "receipts":
                    sent[event["id"]] = at - BEFORE
                    platform.send(what, event, request_id=event["id"])
                elif what == "refunds":
                    waiting.create_task(platform.invoke(what, event))
                else:
                    seen.append((round(at) - BEFORE, len(database.open)))
        while len(platform.queue):
            await node.clock.sleep(1.0)
        return Storm(tuple(platform.invocations), sent, tuple(seen), database)

    found: Storm = simulate(scenario, seed=seed).result
    return found


def schedule(
    node: Node, reports: int, after: int
) -> list[tuple[float, str, dict[str, Any]]]:
    """Return what happens when: one ride a second, and the storm after `BEFORE`."""
    end = BEFORE + after
    at = [float(second) for second in range(end)]
    at += [BEFORE + 2 * node.random.random() for _ in range(reports)]
    rides = [each.event() for each in ends()[: len(at)]]
    found = [(t, "receipts", ride) for t, ride in zip(sorted(at), rides, strict=True)]
    found += [(t + 0.5, "refunds", rides[0]) for t in range(0, end, EACH)]
    found += [(t + 0.9, "", {}) for t in range(end)]
    return sorted(found, key=lambda each: each[:2])


def table(storms: Mapping[str, Storm]) -> Table:
    """Return what became of some storms, by their names."""
    head = ("design", "most open", "refused", "throttled", "lost", "p99")
    rows = [(name, *each.row()) for name, each in storms.items()]
    return Table((*head, "refunds refused"), rows)
