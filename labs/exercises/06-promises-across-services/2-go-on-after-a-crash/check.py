"""Checks exercise 6.2: the process dies at each statement, commit and step."""

from collections import Counter
from contextlib import suppress
from functools import partial

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch05.redelivery import Crash, Process

NAMES = ("reserve", "authorize", "unlock")
KINDS = [(kind, 0) for kind in ("whole", "two", "again")]
KINDS += [(kind, n) for kind in ("failure", "lost", "unheard") for n in range(3)]
KINDS += [("dies", n) for n in range(1, 16)]


class Seen:
    """What happened to the runner, and what the services were asked and did."""

    is_async, ended, error, answers = True, False, "", ()
    missing = ""  # the step that was asked without the answers before it
    over = ""  # the step that was asked again after a later one

    def __init__(self, kind, number):
        self.kind, self.number, name = kind, number, NAMES[number % 3]
        self.rides = ("ride-1", "ride-2") if kind == "two" else ("ride-1",)
        self.known, self.asked, self.done = {}, [], Counter()
        self.fails = name if kind in ("failure", "lost", "unheard") else ""
        self.what = {
            "failure": f"`{name}` raised",
            "lost": f"The process died before its request to {name} arrived",
            "unheard": f"The process died before it had the answer to {name}",
            "dies": f"The process died right before statement or commit {number}",
            "again": "The ride had ended, and the process started again",
        }.get(kind, "Nothing went wrong")

    async def do(self, name, key, data):
        """Do a step, of which a service remembers the key, and which may fail once."""
        ride, step, place = data["ride"], f"{data['ride']}/{name}", NAMES.index(name)
        if {f"{ride}/{later}" for later in NAMES[place + 1 :]} & {*self.asked}:
            self.over = self.over or name
        if not {*NAMES[:place]} <= data.keys():
            self.missing = self.missing or name
        fails = self.kind if name == self.fails else ""
        self.fails = "" if fails else self.fails
        if fails == "failure":
            raise TimeoutError(f"no answer from {name}")
        if fails == "lost":
            raise Crash
        self.asked.append(step)
        if key not in self.known:
            self.done[step] += 1
            self.known[key] = f"{name} for {ride}"
        if fails == "unheard":
            raise Crash
        return self.known[key]

    def end(self):
        """Compare what was done and returned with what should have been."""
        done = {name: self.done[f"ride-1/{name}"] for name in NAMES}
        self.never = next((name for name in NAMES if not done[name]), "")
        self.twice = next((name for name in NAMES if done[name] > 1), "")
        answers = [{n: f"{n} for {ride}" for n in NAMES} for ride in self.rides]
        right = [
            {"ride": r} | each for r, each in zip(self.rides, answers, strict=True)
        ]
        self.right = self.answers == right and not self.missing


async def run(world, answer, run):
    seen = Seen(*KINDS[run.seed])
    path = world.node("rides").disk.path / "data.sqlite"
    steps = [(name, partial(seen.do, name)) for name in NAMES]
    for life in range(3):
        process = Process(path, lambda db: answer.made(db, steps))
        seen.is_async, seen.ended = process.is_async, False
        if seen.kind == "dies" and not life:
            process.happens(seen.number, process.db.die)
        with suppress(Crash):
            seen.answers = []
            for ride in seen.rides if seen.is_async else ():
                seen.ended = await process.deliver(ride, times=4)
                seen.answers.append(process.value)
        seen.error, seen.tries = process.error, process.tries
        process.kill()
        if seen.ended and (life or seen.kind != "again"):
            break
    seen.end()
    run.see(seen)


LAWS = (
    Law("not-async", always, lambda s: s.is_async),
    Law("swallows-the-failure", of("failure"), lambda s: s.tries > 1),
    Law("keeps-raising", always, lambda s: s.ended),
    Law("returns-something-else", of("whole"), lambda s: s.right),
    Law("key-without-ride", of("two"), lambda s: s.right),
    Law("saves-first", always, lambda s: not s.never),
    Law("new-keys", always, lambda s: not s.twice),
    Law("starts-over", always, lambda s: not s.over),
    Law("loses-answers", always, lambda s: s.right),
)
CHECK = Check(run=run, seeds=range(len(KINDS)), laws=LAWS)
