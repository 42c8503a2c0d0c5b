"""Checks exercise 4.1: screens whose services answer, fail, are late or are silent."""

import asyncio
from dataclasses import dataclass

from movingparts.check import Check, Law, always, shown
from movingparts.scenes.ch04.trip import NoScreen, Part, Unavailable

SECONDS, NEVER = 1.0, 2_000  # NEVER is far beyond any patience
# An answer may well be nothing: no gate yet, no bags.
ANSWERS = {
    "booking": "K7PQ2M",
    "flight": "on time",
    "gate": None,
    "bags": 0,
    "seat map": "14C",
    "weather": "rain",
}
REQUIRED = ("booking", "flight")
# What becomes of which part; the other services answer in time.
PLANS = (
    {},
    {"seat map": "fails"},
    {"weather": "is late"},
    {"bags": "is silent"},
    {"booking": "fails"},
    {"flight": "is late"},
    {"gate": "fails", "weather": "is silent", "bags": "is late"},
)


@dataclass
class Seen:
    """What the services did, and what became of the screen."""

    plan: dict
    value: object  # or what was raised
    took: float
    slowest: float  # of those that answered in time
    asked: list  # the names, as often as they were asked for

    def __post_init__(self):
        texts = [f"`{name}` {what}" for name, what in self.plan.items()]
        self.did = ", ".join(texts) or "All services answer in time"
        again = {f"`{n}`" for n in self.asked if self.asked.count(n) > 1}
        self.twice = ", ".join(sorted(again))
        self.missing = [name for name in ANSWERS if name in self.plan]
        self.lost = [name for name in REQUIRED if name in self.plan]
        self.is_screen = isinstance(self.value, dict)
        self.screen = shown(self.value) if self.is_screen else repr(self.value)
        if self.is_screen:
            self.says = self.value.get("missing")
            self.has = {n: self.value.get(n, "(left out)") for n in ANSWERS}
            late = {name: self.has[name] for name in self.missing}
            self.made_up = {n: v for n, v in late.items() if v is not None}


async def run(world, answer, run):
    plan = PLANS[run.seed % len(PLANS)]
    delays = {name: 0.2 + 0.6 * world.random.random() for name in ANSWERS}
    slow = {"is late": 1.1 + world.random.random(), "is silent": NEVER}

    asked = []

    async def ask(name):
        asked.append(name)
        await world.clock.sleep(slow.get(plan.get(name), delays[name]))
        if plan.get(name) == "fails":
            raise Unavailable(f"{name} can't answer")
        return ANSWERS[name]

    parts = [Part(name, name in REQUIRED) for name in ANSWERS]
    began = world.clock.monotonic()
    try:
        async with asyncio.timeout(NEVER / 2):
            value = await answer.awaited(ask, parts, SECONDS)
    except TimeoutError as error:
        value = error
    took = world.clock.monotonic() - began
    slowest = max(delays[name] for name in ANSWERS if plan.get(name) not in slow)
    run.see(Seen(plan, value, took, slowest, asked))


def right(seen):
    return seen.has == ANSWERS | dict.fromkeys(seen.missing)


LAWS = (
    Law("asks-twice", always, lambda s: not s.twice),
    Law("one-after-another", lambda s: not s.plan, lambda s: s.took < s.slowest + 0.01),
    Law("waits-for-the-slowest", lambda s: s.plan, lambda s: s.took < SECONDS + 0.01),
    Law("one-dead-part-kills-all", lambda s: not s.lost, lambda s: s.is_screen),
    Law("shown-without-a-required-part", lambda s: s.lost, lambda s: not s.is_screen),
    Law("another-error", lambda s: s.lost, lambda s: str(s.value) in s.lost),
    Law("made-up-value", lambda s: s.is_screen, lambda s: not s.made_up),
    Law("nothing-is-an-answer", lambda s: s.is_screen, lambda s: s.says == s.missing),
    Law("another-screen", lambda s: s.is_screen, right),
)
CHECK = Check(run=run, seeds=range(28), laws=LAWS, may_raise=(NoScreen, Unavailable))
