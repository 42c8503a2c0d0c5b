"""What goes wrong in the lab's morning, and what those who ask see of it.

Source: chapter 12's lab. Leaves out: faults of the network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from movingparts.core.random import Constant, LogNormal
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.riders import Riders, come
from movingparts.world.simulated import SimulatedWorld

COPIES = tuple(f"http://availability-{number}" for number in (1, 2, 3))
WORK = LogNormal(median=0.1, p99=0.3)  # seconds for an answer, one after another
BEGINS, SECONDS = 3, 15  # when things go wrong, and how long riders come

Ask = Callable[[str], Awaitable[object]]  # for a client: "riders" or "partner"
# Starts a copy, and returns the names of what would crash with it.
Start = Callable[[SimulatedWorld, str, Copy], Awaitable[Sequence[str]]]


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
