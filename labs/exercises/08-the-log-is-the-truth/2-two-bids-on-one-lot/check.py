"""Checks exercise 8.2: appends alone, late, to a full disk, and many at once."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

from movingparts.check import Check, Law, always, of
from movingparts.eventstore import ConcurrencyConflict

PATIENCE = 60  # seconds
# The lot's version, the expected one, how many appends, and how many of them to a lot.
PLANS = {
    "The first append to a lot": (0, 0, 1, 1),
    "An append alone": (2, 2, 1, 1),
    "An append that comes late": (3, 2, 1, 1),
    "An append at a version that is to come": (1, 2, 1, 1),
    "A full disk": (1, 1, 1, 1),
    "Appends at once, each to a lot of its own": (1, 1, 4, 1),
    "Two appends at once": (1, 1, 2, 2),
    "Many appends at once": (2, 2, 12, 6),
}
KINDS = [*PLANS, *["Many appends at once"] * 12]


class Database:
    """Transactions take turns; each statement takes a moment."""

    def __init__(self, world, room):
        self.world, self.room, self.turn = world, room, asyncio.Lock()
        self.rows, self.commits = [], []

    async def moment(self):
        await self.world.clock.sleep(0.001 + 0.004 * self.world.random.random())

    async def version(self, stream, new=()):
        await self.moment()
        return sum(lot == stream for lot, _ in (*self.rows, *new))

    @asynccontextmanager
    async def transaction(self):
        async with self.turn:
            new = []
            insert, version = partial(self.insert, new), partial(self.version, new=new)
            yield SimpleNamespace(insert=insert, version=version)
            await self.moment()
            self.rows += new
            self.commits.append([event for _, event in new])

    async def insert(self, new, stream, event):
        await self.moment()
        if len(self.rows) + len(new) >= self.room:
            raise sqlite3.OperationalError("database or disk is full")
        new.append((stream, event))


async def run(world, answer, run):
    kind = KINDS[run.seed]
    before, expected, count, each = PLANS[kind]
    db = Database(world, 2 if kind == "A full disk" else 1_000)
    sent = []

    async def bid(lot, events):
        await world.clock.sleep(0.01 * world.random.random())
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer.awaited(db, lot, list(events), expected)
        except TimeoutError as error:
            return error

    for number in range(count):
        lot, who = f"lot-{17 + number // each}", f"bidder {number + 1}"
        if number % each == 0:
            db.rows += [(lot, f"event {n}") for n in range(before)]
        events = [f"{who}'s event {n}" for n in range(1 + (number + before + 1) % 3)]
        if run.step(who):
            task = world.node("house").tasks.create_task(bid(lot, events))
            sent.append((lot, events, task))
    db.room += len(db.rows)
    await asyncio.gather(*(task for _, _, task in sent))
    won = [lot for lot, own, _ in sent if (lot, own[0]) in db.rows]
    for lot, events, task in sent:
        parts = [[e for e in commit if e in events] for commit in db.commits]
        seen = SimpleNamespace(kind=kind, before=before, expected=expected)
        seen.events, seen.value = events, task.result()
        seen.commits, seen.winners = [part for part in parts if part], won.count(lot)
        seen.part = seen.commits[:1]
        seen.raised = isinstance(seen.value, Exception)
        seen.version = before + len(events)
        run.see(seen)


def may_win(seen):
    return seen.before == seen.expected and seen.kind != "A full disk"


def right_conflict(seen):
    said = [getattr(seen.value, name, None) for name in ("expected", "actual")]
    return said == [seen.expected, seen.before]


LAWS = (
    Law("waits-for-itself", always, lambda s: not isinstance(s.value, TimeoutError)),
    Law("half-a-batch", lambda s: s.part, lambda s: s.commits == [s.events]),
    Law("failure-swallowed", of("A full disk"), lambda s: s.raised),
    Law("last-write-wins", lambda s: s.before != s.expected, lambda s: not s.part),
    Law("check-outside", always, lambda s: s.winners < 2),
    Law("conflict-swallowed", lambda s: not s.part, lambda s: s.raised),
    Law("nobody-wins", may_win, lambda s: s.winners),
    Law("another-conflict", lambda s: s.before != s.expected, right_conflict),
    Law("another-version", lambda s: s.part, lambda s: s.value == s.version),
)
CHECK = Check(
    run=run,
    seeds=range(len(KINDS)),
    laws=LAWS,
    may_raise=(ConcurrencyConflict, sqlite3.OperationalError),
)
