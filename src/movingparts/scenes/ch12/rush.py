"""A few seconds in which riders ask gateways, which share copies of a service.

Source: chapter 12.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from movingparts.balancer import Balancer, Pick
from movingparts.core import Node, Recording
from movingparts.core.random import LogNormal, Random
from movingparts.scenes.ch12.copies import WORK, Copy
from movingparts.scenes.ch12.riders import Ask, Riders, come
from movingparts.world.simulated import SimulatedWorld, simulate

Way = Callable[[Random], Pick]  # how to pick, once it has its randomness
STEP = 0.2  # seconds from one count of the requests at each copy to the next
PATIENT = 60  # seconds that a rider waits: long enough to see every wait


@dataclass
class Rush:
    """What riders saw, and how many requests each copy had at which second."""

    copies: dict[str, Copy]
    riders: Riders = field(default_factory=Riders)
    counts: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def at(self, percent: float) -> float:
        """Return a percentile of the answers' times, in milliseconds."""
        return self.riders.at(percent)

    def row(self, name: str) -> tuple[str, ...]:
        """Return the counts and the times as text."""
        return self.riders.row(name)

    @property
    def last_share(self) -> float:
        """Which share of the answers came from the last copy."""
        served = [copy.served for copy in self.copies.values()]
        return served[-1] / sum(served)

    @property
    def most(self) -> int:
        """The most requests that were counted at one copy."""
        return int(max(n for counts in self.counts.values() for _, n in counts))

    @property
    def failed(self) -> float:
        """Which share of the riders got an error."""
        return 1 - self.riders.answered / len(self.riders.asked)

    def count(self, second: float) -> None:
        """Note how many requests each copy has."""
        for name, copy in self.copies.items():
            self.counts.setdefault(name, []).append((second, copy.waiting))


def slow(times: float) -> Copy:
    """Return a copy that takes so many times as long as others."""
    work = LogNormal(median=WORK.median * times, p99=WORK.p99 * times)
    return Copy(work=work, at_once=1)


def rush(
    pick: Way,
    last: Copy | None = None,
    *,
    copies: int = 3,
    gateways: int = 1,
    reports: float | None = None,
    rate: float = 40,
    seconds: float = 8,
    seed: int = 1,
) -> Recording:
    """Run riders, `rate` a second, who ask gateways in turn; the result is a `Rush`.

    The copies answer one request at a time; `last` is the last of them. Gateways pick
    by their own counts, or by what copies report every `reports` seconds.
    """
    names = [f"availability-{number + 1}" for number in range(copies)]

    async def scenario(world: SimulatedWorld) -> Rush:
        found = Rush({name: slow(1) for name in names})
        found.copies[names[-1]] = last or slow(1)
        for name, copy in found.copies.items():
            await world.serve(name, copy)
        for tick in range(int(seconds / STEP) + 1):
            world.after(tick * STEP, found.count, tick * STEP)
        chosen = pick if reports is None else reported(pick, found, world, reports)
        nodes = [world.node(f"gateway-{number + 1}") for number in range(gateways)]
        turns = itertools.cycle([gateway(node, chosen, names) for node in nodes])
        ask = lambda: next(turns)()  # noqa: E731, PLW0108 - each rider takes a turn
        await come(world, ask, rate=rate, seconds=seconds, into=found.riders)
        return found

    return simulate(scenario, seed=seed)


def gateway(node: Node, pick: Way, copies: list[str]) -> Ask:
    """Return what a gateway does for a rider."""
    balancer = Balancer(pick(node.random))

    async def ask() -> None:
        with balancer.choose(copies) as copy:
            url = f"http://{copy}/stations/harbor"
            reply = await node.client.get(url, timeout=PATIENT)
        reply.raise_for_status()

    return ask


def reported(pick: Way, found: Rush, world: SimulatedWorld, every: float) -> Way:
    """Return a way to pick by the counts that copies reported last."""
    known: dict[str, int] = {}

    def report() -> None:
        known.update({name: copy.waiting for name, copy in found.copies.items()})
        world.after(every, report)

    def by_reports(random: Random) -> Pick:
        choose = pick(random)
        return lambda copies, _: choose(copies, known)

    report()
    return by_reports
