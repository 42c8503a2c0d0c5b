"""Checks exercise 7.3: a view of two logs that is behind, stops, or moves elsewhere."""

import asyncio
from dataclasses import dataclass

from movingparts.check import Check, Law, always, of

CLOSE = 0.03  # seconds that "at once" may take
DESK = [(n / 10, "desk") for n in range(1, 90)]
# What is needed, the view's events as (seconds, log), and when it has what is needed.
PLANS = {
    "nothing": ({}, [(0.2, "web")], 0.0),
    "there": ({"web": 1}, [(0.0, "web"), (0.3, "web")], 0.0),
    "later": ({"web": 2}, [(0.0, "web"), (0.35, "web"), (0.6, "web")], 0.35),
    "stopped": ({"web": 2, "desk": 1}, [(0.0, "web")], None),
    "others": ({"web": 1}, DESK, None),
    "ahead": ({"web": 1}, [(0.0, "desk"), (0.0, "desk"), (0.25, "web")], 0.25),
    "one": ({"web": 2, "desk": 1}, [(0.0, "web"), (0.0, "web"), (0.4, "desk")], 0.4),
    "both": ({"web": 1, "desk": 2}, [(0.1, "web"), (0.2, "desk"), (0.3, "desk")], 0.3),
}
RUNS = [(kind, limit) for kind in PLANS for limit in (1.0, 2.5)]


class View:
    """The seat plan: how far it is in both logs, and who waits until it moves."""

    def __init__(self):
        self.at, self.plan, self.move = {"web": 0, "desk": 0}, {}, asyncio.Event()

    def position(self, log):
        return self.at[log]

    def seats(self):
        return dict(self.plan)

    async def moved(self):
        await self.move.wait()

    def get(self, log):
        self.at[log] += 1
        self.plan[f"{log[0].upper()}{self.at[log]}"] = log
        self.move.set()
        self.move = asyncio.Event()


@dataclass
class Seen:
    """What was answered, and what the view had by then."""

    kind: str
    limit: float
    came: float | None
    took: float
    missing: str
    plan: dict[str, str]
    value: object = (False, {})
    answered: bool = True

    @property
    def is_new(self):
        return self.value[0]

    @property
    def in_time(self):
        return self.answered and self.took < 1.5 * self.limit


async def run(world, answer, run):
    kind, limit = RUNS[run.seed]
    needs, events, came = PLANS[kind]
    view, begun = View(), world.clock.monotonic()

    def see(*answered):
        took = round(world.clock.monotonic() - begun, 3)
        short = [f"{log}'s {needs[log]}" for log in needs if view.at[log] < needs[log]]
        run.see(
            Seen(kind, limit, came, took, " and ".join(short), view.seats(), *answered)
        )

    for at, log in events:
        world.after(at, view.get, log) if at else view.get(log)
    world.after(limit + 5.0, see, (False, {}), False)  # ends a run that still waits
    see(await answer.awaited(view, dict(needs), limit))


def no_old(seen):
    return not (seen.is_new and seen.missing)


LAWS = (
    Law("does-not-wait", of("later"), no_old),
    Law("no-limit", of("stopped"), lambda s: s.in_time),
    Law("limit-starts-over", of("others"), lambda s: s.in_time),
    Law("old-as-new", of("stopped"), no_old),
    Law("another-log", of("ahead", "one"), no_old),
    Law("checks-once", always, no_old),
    Law("sleeps", lambda s: not s.missing, lambda s: s.took <= s.came + CLOSE),
    Law("gives-up", always, lambda s: s.is_new or s.took >= s.limit - CLOSE),
    Law("another-plan", always, lambda s: s.value[1] == s.plan),
    Law("new-as-old", lambda s: not s.missing, lambda s: s.is_new),
)
CHECK = Check(
    run=run,
    seeds=range(len(RUNS)),
    laws=LAWS,
    returns=tuple[bool, dict],
    wants="a pair, `(is_new, seats)`: a `bool` and a dictionary",
)
