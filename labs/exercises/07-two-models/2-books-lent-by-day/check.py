"""Checks exercise 7.2: a bus loses and repeats events, and processes die."""

import sqlite3
from asyncio import CancelledError
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from movingparts.check import Check, Law
from movingparts.eventstore import StoredEvent
from movingparts.scenes.ch05.redelivery import Database

TABLES = """
    PRAGMA synchronous = OFF;  -- quick: it is the process that dies, not the machine
    CREATE TABLE IF NOT EXISTS lent (day TEXT PRIMARY KEY, books INTEGER);
    CREATE TABLE IF NOT EXISTS checkpoint (position INTEGER);
    INSERT INTO checkpoint SELECT 0 WHERE NOT EXISTS (SELECT * FROM checkpoint);
"""
LOG = [
    StoredEvent(n, f"B{n}", 1, f"E{n}", what, {"at": f"2024-03-0{4 + n // 4}T09:40"})
    for n, what in enumerate(["BookLent", "BookLent", "BookReturned"] * 3, 1)
][:8]
LENT = Counter(each.data["at"][:10] for each in LOG if each.type == "BookLent")
ORDERS = {
    "plain": [1, 2, 3, 4, 5, 6, 7, 8],
    "again": [1, 1, 2, 3, 2, 4, 5, 1, 6, 7, 8, 8, 4],
    "late": [1, 3, 2, 4, 7, 5, 6, 8, 7],
    "gap": [1, 3, 4, 7, 8],
    "rebuild": [8],
}
RUNS = [(kind, 0, 0) for kind in ORDERS] + [("gap", 3, 0), ("late", 3, 0)]
RUNS += [(kind, 0, n) for n in range(1, 13) for kind in ("plain", "rebuild")]


class Log:
    def __init__(self):
        self.newest = 0

    async def read_all(self, *, from_position=0):
        return LOG[from_position : self.newest]


@dataclass
class Seen:
    """What the bus did, before which step the process died (0: never), and the view."""

    kind: str
    step: int
    view: dict[str, int]

    def __post_init__(self):
        self.view = {day: books for day, books in self.view.items() if books}
        self.total, self.due = sum(self.view.values()), LENT.total()
        self.is_now = any(str(day) > "2025" for day in self.view)


async def run(world, answer, run):
    kind, ahead, step = RUNS[run.seed]
    path, log = world.node("library").disk.path / "view.sqlite", Log()
    db = connect(path, step)
    for position in ORDERS[kind]:
        log.newest = max(log.newest, min(position + ahead, len(LOG)))
        try:
            await answer.awaited(db, log, LOG[position - 1])
        except CancelledError:
            db.close()
            db = connect(path)
            await answer.awaited(db, log, LOG[position - 1])
    db.close()
    with closing(connect(path)) as db:
        run.see(Seen(kind, step, dict(db.execute("SELECT * FROM lent"))))


def connect(path, step=0):
    db = sqlite3.connect(path, factory=Database)
    db.executescript(TABLES)
    db.left, db.happen = step, lambda: die(db)
    return db


def die(db):
    db.dead = True
    raise CancelledError


def of(*kinds, dies=False):
    return lambda s: s.kind in kinds and bool(s.step) == dies


CRASH = of("plain", "rebuild", dies=True)
GAP = of("gap", "late", "rebuild")
LAWS = (
    Law("reads-the-clock", of("plain"), lambda s: not s.is_now),
    Law("other-counts", of("plain"), lambda s: s.view == LENT),
    Law("counts-again", of("again"), lambda s: s.total <= s.due),
    Law("skips-a-gap", GAP, lambda s: s.total >= s.due),
    Law("counts-the-log-twice", GAP, lambda s: s.total <= s.due),
    Law("checkpoint-first", CRASH, lambda s: s.total >= s.due),
    Law("checkpoint-last", CRASH, lambda s: s.total <= s.due),
)
CHECK = Check(run=run, seeds=range(len(RUNS)), laws=LAWS)
