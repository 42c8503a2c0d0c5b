"""Checks exercise 6.2: the process dies at each statement, commit and step."""

import inspect
import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from movingparts.check import Check, Law, always
from movingparts.scenes.ch05.redelivery import Crash, Database

NAMES = ("reserve", "authorize", "unlock")
KINDS = [(kind, 0) for kind in ("whole", "two", "again")]
KINDS += [(kind, n) for kind in ("failure", "lost", "unheard") for n in range(3)]
KINDS += [("dies", n) for n in range(1, 16)]


@dataclass
class Seen:
    """What happened to the runner, and what the services were asked and did."""

    kind: str
    number: int
    is_async: bool = True
    swallowed: bool = False
    ended: bool = False
    error: str = ""
    answers: list[object] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    missing: str = ""  # the step that was asked without the answers before it
    over: str = ""  # the step that was asked again after a later one

    @property
    def what(self):
        name = NAMES[self.number % 3]
        return {
            "failure": f"`{name}` raised",
            "lost": f"The process died before its request to {name} arrived",
            "unheard": f"The process died before it had the answer to {name}",
            "dies": f"The process died right before statement or commit {self.number}",
            "again": "The ride had ended, and the process started again",
        }.get(self.kind, "Nothing went wrong")

    @property
    def twice(self):
        return next((n.split("/")[1] for n in self.done if self.done[n] > 1), "")

    @property
    def never(self):
        return next((n for n in NAMES if not self.done[f"ride-1/{n}"]), "")


def services(seen):
    """Return the steps; each remembers its keys, and one of them fails once."""
    known, trouble = {}, seen.kind in ("failure", "lost", "unheard")
    fails = [NAMES[seen.number]] if trouble else []

    def step(name):
        async def do(key, data):
            ride, first = data["ride"], name in fails
            later = NAMES[NAMES.index(name) + 1 :]
            if {f"{ride}/{n}" for n in later} & {*seen.asked}:
                seen.over = seen.over or name
            if not {*NAMES[: NAMES.index(name)]} <= data.keys():
                seen.missing = seen.missing or name
            if first:
                fails.clear()
            if first and seen.kind == "failure":
                raise TimeoutError(f"no answer from {name}")
            if first and seen.kind == "lost":
                raise Crash
            seen.asked.append(f"{ride}/{name}")
            if key not in known:
                seen.done[f"{ride}/{name}"] += 1
                known[key] = f"{name} for {ride}"
            if first:
                raise Crash
            return known[key]

        return do

    return [(name, step(name)) for name in NAMES]


async def run(world, answer, run):
    seen = Seen(*KINDS[run.seed])
    path, steps = world.node("rides").disk.path / "data.sqlite", services(seen)
    for life in range(3):
        db = sqlite3.connect(path, factory=Database, timeout=0)
        runner = answer.made(db, steps)
        call = getattr(runner, "__call__", None)  # noqa: B004  # an object's own
        seen.is_async = any(map(inspect.iscoroutinefunction, (runner, call)))
        if seen.kind == "dies" and not life:
            db.left, db.happen = seen.number, db.die
        if seen.is_async:
            with suppress(Crash):
                await live(seen, runner)
        sqlite3.Connection.rollback(db)
        db.close()
        if seen.ended and not (seen.kind == "again" and not life):
            break
    run.see(seen)


async def live(seen, runner):
    """Run the rides, until `run` returns, four times at most."""
    for tries in range(4):
        try:
            rides = ("ride-1", "ride-2") if seen.kind == "two" else ("ride-1",)
            seen.answers = [await runner(ride) for ride in rides]
        except Exception as error:  # noqa: BLE001  # a refusal, whatever it is
            seen.error = f"{type(error).__name__}: {error}"
        else:
            seen.swallowed |= seen.kind == "failure" and not tries
            seen.ended = True
            return


def right(seen):
    rides = ("ride-1", "ride-2") if seen.kind == "two" else ("ride-1",)
    return seen.answers == [
        {"ride": ride} | {name: f"{name} for {ride}" for name in NAMES}
        for ride in rides
    ]


LAWS = (
    Law("not-async", always, lambda s: s.is_async),
    Law("swallows-the-failure", always, lambda s: not s.swallowed),
    Law("keeps-raising", always, lambda s: s.ended),
    Law("returns-something-else", lambda s: s.kind == "whole", right),
    Law("key-without-ride", lambda s: s.kind == "two", right),
    Law("saves-first", always, lambda s: not s.never),
    Law("new-keys", always, lambda s: not s.twice),
    Law("starts-over", always, lambda s: not s.over),
    Law("loses-answers", always, lambda s: not s.missing and right(s)),
)
CHECK = Check(run=run, seeds=range(len(KINDS)), laws=LAWS)
