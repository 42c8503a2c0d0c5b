"""Checks exercise 12.6: wards whose charts need five to eight calls."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from movingparts.check import Check, Law, always, never
from movingparts.faults import Injector

CALLS = "allergies beds diets images lab medication notes vitals"


@dataclass(frozen=True)
class Call:
    """A call: how long it takes, how often it is tried, in every which chart.

    Charts are counted for each header and fault by itself, in whatever order they come.
    """

    work: float
    tries: int = 1
    every: int = 1
    timeout: float | None = 1.0


class Opened(NamedTuple):
    seconds: float
    ok: bool  # whether all of it came


class Ward:
    """A ward's charts, what was done to them, and the `name` that was found."""

    def __init__(self, world):
        self.world, chance = world, world.random
        names = chance.sample(CALLS.split(), chance.randint(5, 8))
        self.slowest, self.hidden, retried, *others = names
        self.rare = chance.choice((1, 3, 5, 6))
        self.calls = {
            self.slowest: Call(chance.uniform(0.6, 0.9)),
            self.hidden: Call(0.02, every=self.rare, timeout=None),
            retried: Call(0.03, tries=3),
        }
        for name in others:
            tries, every = chance.randint(1, 2), chance.randint(1, 4)
            self.calls[name] = Call(0.1, tries, every)
        self.injector = Injector(world.node("chart"), [], note=self.note)
        self.opened, self.tried = Counter(), set()
        self.delays = {}  # by call
        self.nurses = self.most = 0  # who met a fault; calls with one at once

    def note(self, fault, request):
        self.nurses += request.extensions["nurse"]
        if fault.delay:
            self.delays[fault.service] = fault.delay

    async def ask(self, headers=None, nurse=False):
        """Open a chart: half of its calls in a row, the others at once."""
        now = self.world.clock.monotonic
        begun, faulty = now(), {fault.service for fault in self.injector.faults}
        self.tried, self.most = self.tried | faulty, max(self.most, len(faulty))
        like = [(each, *faulty) for each in (headers or {"": nurse}).items()]
        self.opened.update(like)
        numbers = [self.opened[each] for each in like]
        made = [
            name
            for name, call in sorted(self.calls.items())
            if any(number % call.every == 0 for number in numbers)
        ]
        came = [await self.call(name, headers, nurse) for name in made[::2]]
        at_once = [self.call(name, headers, nurse) for name in made[1::2]]
        came += await asyncio.gather(*at_once)
        return Opened(now() - begun, all(came))

    async def call(self, name, headers, nurse):
        call, more = self.calls[name], {"nurse": nurse}
        request = httpx.Request("GET", "http://x", headers=headers, extensions=more)
        for _ in range(call.tries):
            try:
                async with asyncio.timeout(call.timeout):
                    if await self.injector.inject(name, request) is None:
                        await self.world.clock.sleep(call.work)
                        return True
            except TimeoutError:
                continue
        return False

    async def nurse(self):
        """Open charts, and do other things in between."""
        while True:
            await self.ask(nurse=True)
            await self.world.clock.sleep(5)


async def run(world, answer, run):
    ward = Ward(world)
    if run.step("a nurse"):
        world.node("ward").tasks.create_task(ward.nurse())
    ward.name = await answer.awaited(ward.injector, ward.ask, sorted(ward.calls))
    ward.right = ward.name == ward.hidden
    ward.left = ", ".join(fault.service for fault in ward.injector.faults)
    ward.longest = max(ward.delays.values(), default=0)
    run.see(ward)


def unmet(ward):
    return ward.hidden in ward.tried and ward.hidden not in ward.delays


LAWS = (
    Law("everybody-waits", always, lambda w: not w.nurses),
    Law("leaves-it-on", always, lambda w: not w.left),
    Law("two-at-once", always, lambda w: w.most < 2),
    Law("guesses", lambda w: not w.delays, never),
    Law("too-few-charts", unmet, lambda w: w.right),
    Law("another-name", always, lambda w: w.right),
)
CHECK = Check(run=run, seeds=range(24), laws=LAWS, returns=str, wants="a call's name")
