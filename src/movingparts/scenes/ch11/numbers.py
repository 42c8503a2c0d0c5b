"""Receipts with numbers: which receipts of a few rides have the same number.

Source: chapter 11. Leaves out: the receipt's text, and the mail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from movingparts.core.node import Node
from movingparts.core.random import Constant, Uniform
from movingparts.function import Invocation, Platform, Profile, SimulatedBackend
from movingparts.scenes.ch11.database import ClosingBackend, Database
from movingparts.scenes.ch11.day import End, between, ends, serve_day
from movingparts.world import Table

# Seconds. A receipt is written and mailed, which is waiting for others.
RECEIPTS = Profile(start=Constant(0.3), run=Constant(0.0), wait=Uniform(1.5, 2.5))


@dataclass(frozen=True, slots=True)
class Numbered:
    """What was invoked, and the database that was there to be asked."""

    invocations: tuple[Invocation, ...]
    database: Database

    @property
    def numbers(self) -> list[int]:
        """The numbers on the receipts, in the order in which they were done."""
        return [each.value["number"] for each in self.invocations]

    @property
    def shared(self) -> int:
        """How many receipts have a number that another has too."""
        return sum(n for n in Counter(self.numbers).values() if n > 1)

    @property
    def instances(self) -> int:
        """How many instances have made receipts."""
        return len({each.instance for each in self.invocations})


def serve(source: str, rides: Sequence[End], *, seed: int = 1) -> Numbered:
    """Make a receipt for each ride that ends, by a function's source."""
    found: list[Database] = []

    async def deploy(node: Node) -> Platform:
        database = Database(node.clock)
        found.append(database)
        backend = SimulatedBackend(
            node.clock, node.random, {"receipts": RECEIPTS}, {"database": database}
        )
        platform = Platform(node, ClosingBackend(backend))
        await platform.deploy("receipts", source)
        return platform

    served = serve_day(deploy, ended=rides, seed=seed)
    return Numbered(served.invocations, found[-1])


def rides_of(start: float, end: float) -> list[End]:
    """Return the rides that end between two times, in hours since midnight."""
    return between(start * 3600, end * 3600)


def apart(seconds: Sequence[float]) -> list[End]:
    """Return rides that end so many seconds after one another."""
    found, at = [], 0.0
    for gap, each in zip(seconds, ends(), strict=False):
        at += gap
        found.append(End(at, each.ride))
    return found


def table(runs: Mapping[str, Numbered]) -> Table:
    """Return the outcome of some runs, by their names."""
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{len(run.numbers):,}",
            str(run.instances),
            f"{max(run.numbers):,}",
            f"{run.shared:,}",
        )
        for name, run in runs.items()
    ]
    head = ("run", "receipts", "instances", "highest number", "share a number")
    return Table(head, rows)
