"""Checks exercise 5.2: the same events come again, and processes die in between."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass

from movingparts.check import Check, Law, always, of
from movingparts.core.event import Event
from movingparts.scenes.ch05.redelivery import CHARGES, Crash, Process

KINDS = [(kind, 0) for kind in ("again", "restart", "equal", "sources", "failure")]
KINDS += [(kind, n) for n in range(1, 13) for kind in ("crash", "worker")]


@dataclass
class Seen:
    """What was done to a handler, how it ended, and how many charges there are."""

    kind: str
    step: int
    charges: int = 0
    is_async: bool = True
    swallowed: bool = False
    returned: bool = True
    tries: int = 0
    error: str = ""

    @property
    def what(self):
        other = {"failure": "`charge` raised", "crash": "the process died"}
        return other.get(self.kind, "another process handled the same event")


async def run(world, answer, run):
    seen = Seen(*KINDS[run.seed])
    path = world.node("billing").disk.path / "data.sqlite"
    failures = [LookupError("no tariff is known yet")] * (seen.kind == "failure")

    def charge(db, event):
        row = (event.source, event.id, event.data["rider"], event.data["cents"])
        db.execute("INSERT INTO charges VALUES (?, ?, ?, ?)", row)
        if failures:
            raise failures.pop()

    def start():
        return Process(path, lambda db: answer.made(db, charge))

    with closing(sqlite3.connect(path)) as db:
        db.executescript(CHARGES)
        processes = [start(), start()]
        seen.is_async = processes[0].is_async
        if seen.is_async:
            await deliver(seen, processes, start, f"ride-{run.seed}")
        for process in processes:
            process.kill()
        (seen.charges,) = db.execute("SELECT count(*) FROM charges").fetchone()
    run.see(seen)


async def deliver(seen, processes, start, ride):
    def ended(ride_id, source="/rides"):
        return Event(ride_id, source, "RideEnded", {"rider": "ada", "cents": 450})

    first, second = processes
    event, others = ended(ride), {"equal": (ride + "b",), "sources": (ride, "/vans")}
    if seen.kind == "crash":
        first.happens(seen.step, first.db.die)
    if seen.kind == "worker":
        first.happens(seen.step, lambda: second.meanwhile(event))
    with suppress(Crash):
        seen.swallowed = await first.deliver(event) and seen.kind == "failure"
    if seen.kind in ("crash", "restart"):
        first.kill()
        processes[0] = first = start()
    for each in (event, ended(*others.get(seen.kind, (ride,))), event):
        seen.returned = seen.returned and await first.deliver(each, times=4)
    seen.tries, seen.error = first.tries, first.error


def once(seen):
    return seen.charges <= 1


def both(seen):
    return seen.charges > 1


LAWS = (
    Law("not-async", always, lambda s: s.is_async),
    Law(
        "never-commits", lambda s: s.kind == "again" and s.returned, lambda s: s.charges
    ),
    Law("keeps-raising", always, lambda s: s.returned),
    Law("by-content", of("equal"), both),
    Law("by-id-alone", of("sources"), both),
    Law("swallows-the-failure", always, lambda s: not s.swallowed),
    Law("remembers-first", of("failure", "crash", "worker"), lambda s: s.charges),
    Law("in-memory", of("again", "restart"), once),
    Law("keeps-half", of("failure"), once),
    Law("check-then-act", of("crash", "worker"), once),
)
CHECK = Check(run=run, seeds=range(len(KINDS)), laws=LAWS)
