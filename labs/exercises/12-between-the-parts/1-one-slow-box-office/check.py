"""Checks exercise 12.1: evenings at the box office, each with trouble of its own."""

import asyncio
from collections import Counter
from functools import partial

from movingparts.check import Check, Law
from movingparts.scenes.ch12.box_office import BoxOffice, Evening, Sale

KINDS = ("slow", "quiet", "errors", "hang-ups", "new", "slow")


async def run(world, answer, run):
    office, busy = BoxOffice(world, KINDS[run.seed]), Counter()
    shop = world.node("shop")

    async def buy(buyer):
        sale, begun = Sale(buyer, list(office.copies)), world.clock.monotonic()
        send = partial(office.send, sale)
        sale.value = await answer.awaited(list(sale.copies), busy, shop.random, send)
        office.took.append(world.clock.monotonic() - begun)
        run.see(sale)

    async def sell(count, gap):
        tasks = []
        for number in range(count):
            await world.clock.sleep(world.random.expovariate(1 / gap))
            late = not office.trouble  # all of them come, or no share is fair
            if late or run.step(f"buyer {number}"):
                buyer = "late " * late + f"buyer {number}"
                tasks.append(shop.tasks.create_task(buy(buyer)))
        await asyncio.gather(*tasks)

    if office.kind != "quiet":
        await sell(150, 0.02)
    office.well()
    await sell(200, 0.1)
    run.see(office.seen())


def sale(seen):
    return isinstance(seen, Sale)


def evening(*kinds):
    return lambda seen: isinstance(seen, Evening) and seen.kind in (kinds or KINDS)


def even(seen):
    return seen.even


LAWS = (
    Law("sold-twice", sale, lambda s: len(s.asked) < 2),
    Law("never-asked", sale, lambda s: s.asked),
    Law("an-old-list", sale, lambda s: s.asked[0] in s.copies),
    Law("another-answer", sale, lambda s: s.value is s.outcome or s.value == s.outcome),
    Law("like-any-other", evening("slow"), lambda s: s.longest <= 10),
    Law("always-the-first", evening("quiet"), even),
    Law("never-again", evening("errors"), even),
    Law("hung-up", evening("hang-ups"), even),
    Law("left-out", evening(), even),
    Law("one-at-a-time", evening(), lambda s: s.median < 0.1),
)
CHECK = Check(
    run=run,
    seeds=range(len(KINDS)),
    laws=LAWS,
    may_raise=(ConnectionError, asyncio.CancelledError),
)
