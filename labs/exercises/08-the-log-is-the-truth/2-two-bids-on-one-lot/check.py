"""Checks exercise 8.2: appends alone, late, to a full disk, and many at once."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass

from movingparts.check import Check, Law, always
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
        self.lots, self.commits = {}, []

    async def moment(self):
        await self.world.clock.sleep(0.001 + 0.004 * self.world.random.random())

    async def version(self, stream):
        await self.moment()
        return len(self.lots.get(stream, ()))

    @asynccontextmanager
    async def transaction(self):
        async with self.turn:
            opened = Transaction(self)
            yield opened
            await self.moment()
            for stream, event in opened.new:
                self.lots[stream].append(event)
            self.commits.append(opened.new)


class Transaction:
    """What was inserted, and isn't committed yet."""

    def __init__(self, db):
        self.db, self.new = db, []

    async def version(self, stream):
        own = sum(lot == stream for lot, _ in self.new)
        return await self.db.version(stream) + own

    async def insert(self, stream, event):
        await self.db.moment()
        self.db.room -= 1
        if self.db.room < 0:
            raise sqlite3.OperationalError("database or disk is full")
        self.new.append((stream, event))


@dataclass
class Seen:
    """What became of one append, and of its rivals for the same version."""

    kind: str
    before: int
    expected: int
    events: list[str]
    value: object  # or what was raised
    commits: list[list[str]]  # its events, by commit
    winners: int

    @property
    def part(self):
        return self.commits[0] if self.commits else []

    @property
    def raised(self):
        return isinstance(self.value, Exception)

    @property
    def version(self):
        return self.before + len(self.events)


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
        db.lots[lot] = [f"event {n}" for n in range(before)]
        events = [f"{who}'s event {n}" for n in range(1 + (number + before + 1) % 3)]
        if run.step(who):
            task = world.node("house").tasks.create_task(bid(lot, events))
            sent.append((lot, events, task))
    await asyncio.gather(*(task for _, _, task in sent))
    for lot, events, task in sent:
        parts = [[e for _, e in commit if e in events] for commit in db.commits]
        winners = sum(own[0] in db.lots[lot] for at, own, _ in sent if at == lot)
        saved = [part for part in parts if part]
        run.see(Seen(kind, before, expected, events, task.result(), saved, winners))


def may_win(seen):
    return seen.before == seen.expected and seen.kind != "A full disk"


def right_conflict(seen):
    said = [getattr(seen.value, name, None) for name in ("expected", "actual")]
    return said == [seen.expected, seen.before]


LAWS = (
    Law("waits-for-itself", always, lambda s: not isinstance(s.value, TimeoutError)),
    Law("half-a-batch", lambda s: s.part, lambda s: s.commits == [s.events]),
    Law("failure-swallowed", lambda s: s.kind == "A full disk", lambda s: s.raised),
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
