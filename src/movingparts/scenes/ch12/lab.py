"""The lab's morning: riders ask three copies of a service, and things go wrong.

Source: chapter 12's lab. Leaves out: faults of the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from movingparts.core import Node, Recording
from movingparts.core.random import Constant, LogNormal
from movingparts.discovery import registered, registry
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.riders import Riders, come
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

COPIES = tuple(f"http://availability-{number}" for number in (1, 2, 3))
WORK = LogNormal(median=0.1, p99=0.3)  # seconds for an answer, one after another
BEGINS, SECONDS = 3, 15  # when things go wrong, and how long riders come
PATIENCE = 1.0  # seconds that a caller waits for an answer

Ask = Callable[[str], Awaitable[object]]  # for a client: "riders" or "partner"
# Starts a copy, and returns the names of what would crash with it.
Start = Callable[[SimulatedWorld, str, Copy], Awaitable[Sequence[str]]]
Caller = Callable[[Node], Ask]


@dataclass(frozen=True)
class Morning:
    """What goes wrong; without arguments, nothing does.

    The last copy is `slow` times as slow as the others. In second 3, the copy that is
    `dead` crashes, and another one starts in second 5; or all copies take a second for
    each answer, in a `spell` of so many seconds; or a `partner` begins to ask, so often
    a second. Copies keep leases of `lease` seconds.
    """

    slow: float = 1.0
    dead: bool = False
    spell: float = 0.0
    partner: float = 0.0
    lease: float = 2.0
    rate: float = 12.0  # riders a second


@dataclass
class Seen:
    """What clients saw, and the copies that worked for them."""

    copies: dict[str, Copy]
    riders: Riders = field(default_factory=Riders)
    partner: Riders = field(default_factory=Riders)

    def row(self, name: str) -> tuple[str, ...]:
        """Return what riders saw, and how many requests the copies took."""
        seen = self.riders
        shares = (f"{seen.share(*span):.0%}" for span in ((0, SECONDS), (10, SECONDS)))
        work = sum(copy.served + copy.waiting for copy in self.copies.values())
        return (name, *shares, *(f"{seen.at(p):,.0f} ms" for p in (50, 99)), f"{work}")


def table(what: str, runs: Mapping[str, Recording]) -> Table:
    """Return a row for each run."""
    head = (what, "answered", "from 10 s on", "p50", "p99", "requests")
    return Table(head, [run.result.row(name) for name, run in runs.items()])


async def get(node: Node, copy: str) -> None:
    """Ask a copy for the bikes at a station; raise if there is no good answer."""
    url = f"{copy}/stations/harbor"
    (await node.client.get(url, timeout=PATIENCE)).raise_for_status()


def morning(caller: Caller, what: Morning | None = None, *, seed: int = 1) -> Recording:
    """Have `app` ask for riders as `caller` says; the result is what was seen."""
    what = what or Morning()

    async def scenario(world: SimulatedWorld) -> Seen:
        await world.serve("registry", registry)
        seen = await opened(world, what, partial(leased, seconds=what.lease))
        ask = caller(world.node("app"))
        await come_and_ask(world, what, seen, ask)
        return seen

    return simulate(scenario, seed=seed)


async def leased(
    world: SimulatedWorld, name: str, copy: Copy, *, seconds: float
) -> Sequence[str]:
    """Start a copy that keeps its lease for as long as it runs."""
    await world.serve(name, copy)
    node, url = world.node(name), f"http://{name}"

    async def live() -> None:
        async with registered(node, "availability", url, seconds=seconds):
            await asyncio.Event().wait()

    node.tasks.create_task(live(), name=f"lease of {name}")
    return [name]


async def opened(world: SimulatedWorld, what: Morning, start: Start) -> Seen:
    """Start the copies, and see to it that things go wrong."""
    names = [copy.removeprefix("http://") for copy in COPIES]
    seen = Seen({name: Copy(work=WORK, at_once=1) for name in names})
    slow = LogNormal(median=WORK.median * what.slow, p99=WORK.p99 * what.slow)
    seen.copies[names[-1]].work = slow
    dying: list[str] = []
    for name, copy in seen.copies.items():
        parts = await start(world, name, copy)
        dying = dying or [*parts]
        if what.spell:
            world.after(BEGINS, setattr, copy, "work", Constant(1.0))
            world.after(BEGINS + what.spell, setattr, copy, "work", copy.work)

    async def replace() -> None:
        await world.clock.sleep(BEGINS)
        for name in dying:
            world.crash(name)
        await world.clock.sleep(2)
        fresh = seen.copies["availability-4"] = Copy(work=WORK, at_once=1)
        await start(world, "availability-4", fresh)

    if what.dead:
        world.node("machine").tasks.create_task(replace(), name="a copy dies")
    return seen


async def come_and_ask(
    world: SimulatedWorld, what: Morning, seen: Seen, ask: Ask
) -> None:
    """Have the riders come, and the partner; return when all riders have come."""

    async def partner() -> None:
        await world.clock.sleep(BEGINS)
        rate, left = what.partner, SECONDS - BEGINS
        its = partial(ask, "partner")
        await come(world, its, rate=rate, seconds=left, into=seen.partner)

    if what.partner:
        world.node("partner").tasks.create_task(partner(), name="the partner")
    rider = partial(ask, "riders")
    await come(world, rider, rate=what.rate, seconds=SECONDS, into=seen.riders)
