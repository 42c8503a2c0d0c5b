"""Checks exercise 1.4: who works for whom while a chain of calls runs out of time."""

from itertools import pairwise

from movingparts.check import Check, Law, always, shown
from movingparts.scenes.ch01.chain import SPARE, STEP, Chain, ask, overrun


class Asked:
    """A chain, the timeouts that it was given, and what became of the request."""

    def __init__(self, chain, timeouts):
        self.depth, self.budget, self.count = chain.depth, chain.budget, len(timeouts)
        self.call = f"`timeouts({self.depth}, {self.budget})`"
        self.just_in_time = chain.kind == "just in time"
        self.longest, self.last = chain.budget - SPARE, chain.last + STEP
        odd = [each for each in timeouts if not 0 < each < 1e6]
        self.odd, self.can_run = shown(odd), self.count == self.depth and not odd
        self.first = timeouts[0] if self.can_run else 0
        self.early = self.just_in_time and self.first < self.longest
        self.within = self.first < self.budget + 1e-9
        self.arrived, self.wasted, self.alike = True, "", len(set(timeouts)) == 1
        if self.can_run:
            self.steps = [outer - inner for outer, inner in pairwise(timeouts)]
            self.least = 1000 * min(self.steps)
            self.listed = ", ".join(f"{1000 * each:,.0f}" for each in timeouts)


async def run(world, answer, run):
    """Send one request down a chain, and see who works for whom."""
    chain = Chain.of(run.seed)
    timeouts = answer(chain.depth, chain.budget)
    asked = Asked(chain, timeouts)
    if asked.can_run and asked.within:
        asked.arrived = await ask(world, chain, timeouts)
        asked.wasted = overrun(world.recording, chain)
    run.see(asked)


CHECK = Check(
    run=run,
    seeds=range(32),
    returns=list[float],
    wants="a list of numbers",
    laws=(
        Law("one-for-each-call", always, lambda a: a.count == a.depth),
        Law("no-time-at-all", always, lambda a: a.can_run),
        Law("over-budget", always, lambda a: a.within),
        Law("same-everywhere", lambda a: a.alike, lambda a: not a.wasted),
        Law("grows-inwards", lambda a: a.least < -1e-6, lambda a: not a.wasted),
        Law("ignores-hop-time", always, lambda a: not a.wasted),
        Law("rider-gives-up-early", lambda a: a.early, lambda a: a.arrived),
        Law("too-short", lambda a: a.just_in_time, lambda a: a.arrived),
    ),
)
