"""Checks exercise 5.2: the same events come again, and processes die in between."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from movingparts.check import Check, Law, always
from movingparts.core.event import Event
from movingparts.scenes.ch05.redelivery import Crash, Process

FIRST = ("again", "restart", "equal rides", "two sources", "failure")
STEPS = 12  # the most statements and commits of a handler that are looked at
KINDS = [(kind, 0) for kind in FIRST]
KINDS += [(kind, n + 1) for n in range(STEPS) for kind in ("crash", "worker")]
CHARGES = "CREATE TABLE charges (source TEXT, id TEXT, rider TEXT, cents INTEGER)"


@dataclass
class Seen:
    """What was done to the handler, and how many charges there are in the end."""

    kind: str
    step: int
    is_async: bool = True
    charges: int = 0
    swallowed: bool = False
    returned: bool = True
    tries: int = 0
    error: str = ""


class ChargeFailed(Exception):
    """The tariff isn't known yet."""


def ended(id, source="/rides"):
    data = {"rider": "ada", "cents": 450}
    return Event(id=id, source=source, type="RideEnded", data=data)


async def run(world, answer, run):
    seen = Seen(*KINDS[run.seed])
    path = world.node("billing").disk.path / "data.sqlite"
    failures = ["the tariff isn't known yet"] * (seen.kind == "failure")

    def charge(db, event):
        row = (event.source, event.id, event.data["rider"], event.data["cents"])
        db.execute("INSERT INTO charges VALUES (?, ?, ?, ?)", row)
        if failures:
            raise ChargeFailed(failures.pop())

    def start():
        return Process(path, lambda db: answer.made(db, charge))

    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(CHARGES)
    processes, event = [start(), start()], ended("ride-17")
    seen.is_async = processes[0].is_async
    if seen.is_async:
        await happen(seen, processes, event, start)
    for process in processes:
        process.kill()
    with closing(sqlite3.connect(path)) as db:
        (seen.charges,) = db.execute("SELECT count(*) FROM charges").fetchone()
    run.see(seen)


async def happen(seen, processes, event, start):
    first, second = processes
    if seen.kind == "crash":
        first.happens(seen.step, first.db.die)
    if seen.kind == "worker":
        first.happens(seen.step, lambda: second.meanwhile(event))
    try:
        done = await first.deliver(event)
    except Crash:
        done = False
    first.db.left = 0
    seen.swallowed = done and seen.kind == "failure"
    others = {"equal rides": ended("ride-18"), "two sources": ended("ride-17", "/vans")}
    if seen.kind in ("crash", "restart"):
        first.kill()
        processes[0] = first = start()
    for each in (event, others.get(seen.kind, event), event):
        seen.returned = seen.returned and await first.deliver(each, times=4)
    seen.tries, seen.error = first.tries, first.error


def of(*kinds):
    return lambda seen: seen.kind in kinds


def once(seen):
    return seen.charges <= 1


LAWS = (
    Law("not-async", always, lambda s: s.is_async),
    Law("keeps-raising", always, lambda s: s.returned),
    Law("never-commits", of("again"), lambda s: s.charges),
    Law("no-memory", of("again"), once),
    Law("by-content", of("equal rides"), lambda s: s.charges > 1),
    Law("by-id-alone", of("two sources"), lambda s: s.charges > 1),
    Law("swallows-the-failure", always, lambda s: not s.swallowed),
    Law("remembers-first", of("failure", "crash", "worker"), lambda s: s.charges),
    Law("in-memory", of("restart"), once),
    Law("keeps-half", of("failure"), once),
    Law("two-transactions", of("crash"), once),
    Law("check-then-act", of("worker"), once),
)
CHECK = Check(run=run, seeds=range(len(KINDS)), laws=LAWS)
