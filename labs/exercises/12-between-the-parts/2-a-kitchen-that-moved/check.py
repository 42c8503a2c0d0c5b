"""Checks exercise 12.2: kitchens that move or fail, a registry that goes away."""

import asyncio
from dataclasses import dataclass

from movingparts.check import Check, Law, always
from movingparts.check.answer import Answer, Call
from movingparts.scenes.ch12.kitchens import Registry

ASK, OUT, OLD = 5, 10, 8  # seconds: to ask again; to be left out; a list's age at most
ALL = ["kitchen-1", "kitchen-2", "kitchen-3"]
MOVED = ["kitchen-1", "kitchen-2", "kitchen-4"]
PLANS = {  # what happens at which second, besides calls all the time
    "Nothing changes": [],
    "A kitchen moves": [(12.3, "list", MOVED)],
    "The registry is away": [(11.2, "away", ALL), (29.3, "list", MOVED)],
    "The registry is started again": [(11.2, "list", []), (26.4, "list", ALL)],
    "A kitchen fails twice": [(7.2, "fail", ALL[:1]), (13.1, "fail", ALL[:1])],
    "All kitchens fail": [(7.2, "fail", ALL)],
    "A kitchen fails and moves": [(7.2, "fail", ALL[2:]), (9.4, "list", MOVED)],
    "The registry is away, and one fails": [(9, "away", ALL), (16, "fail", ALL[:1])],
}


@dataclass
class Seen:
    """One call of `copies()`, and what was right at that moment."""

    kind: str
    at: float
    took: float
    gap: float  # the shortest time between two requests to the registry
    value: object
    lists: list[list[str]]
    out: list[str]  # failed less than 10 s ago
    back: list[str]  # failed before that

    def __post_init__(self):
        got = set() if isinstance(self.value, Exception) else set(self.value)
        known, surely = (
            set().union(*self.lists),
            set.intersection(*map(set, self.lists)),
        )
        self.second, self.got, self.said = f"{self.at:.1f}", sorted(got), self.lists[-1]
        self.old = got - known or surely - got - {*self.out, *self.back}
        self.none_left = known <= set(self.out)
        self.sent, self.absent = sorted(got & {*self.out}), surely & {*self.back} - got
        right = ({*each} - {*self.out} or {*each} for each in self.lists)
        self.right = got in right and len(self.value) == len(got)


async def run(world, answer, run):
    kind, node, failed = [*PLANS][run.seed], world.node("dispatch"), {}
    clock, registry = node.clock, Registry(node.clock, ALL)
    thing = answer.made(registry, clock, node.tasks)
    signature = Call("copies", ())
    kinds = {"returns": list[str], "wants": "a list of addresses"}
    method = getattr(thing, "copies", None)
    copies = Answer(method, signature, may_raise=(ConnectionError,), **kinds)
    copies.rejected = answer.rejected

    async def ask():
        asked, value = clock.monotonic(), await copies.awaited(within=60)
        now = clock.monotonic()
        pairs = zip(registry.asked, registry.asked[1:], strict=False)
        gap = min((b - a for a, b in pairs), default=ASK)
        out = sorted(copy for copy, at in failed.items() if now - at < OUT)
        facts = registry.lists(OLD), out, sorted(set(failed) - set(out))
        run.see(Seen(kind, now, now - asked, gap, value, *facts))

    def happens(what, kitchens):
        if what != "fail":
            registry.change(kitchens, away=what == "away")
            return
        for copy in kitchens:
            answer.ask(thing, "failed", copy)
            failed[copy] = clock.monotonic()

    plan = [event for event in PLANS[kind] if run.step(f"{event[1]} at {event[0]}")]
    await asyncio.gather(ask(), ask(), ask())
    while clock.monotonic() < 45 and not run.broken:
        await clock.sleep(0.2 + 0.3 * world.random.random())
        while plan and clock.monotonic() >= plan[0][0]:
            happens(*plan.pop(0)[1:])
        await ask()


LAWS = (
    Law("asks-each-time", always, lambda s: s.gap > ASK - 0.5),
    Law("waits-for-the-registry", lambda s: s.at > 2, lambda s: s.took < 0.05),
    Law("answers-too-soon", lambda s: s.at < 2, lambda s: s.got),
    Law("sends-to-the-failed", lambda s: not s.none_left, lambda s: not s.sent),
    Law("nobody-left", lambda s: s.none_left, lambda s: s.right),
    Law("empties-its-list", always, lambda s: s.got),
    Law("old-for-ever", always, lambda s: not s.old),
    Law("never-takes-back", always, lambda s: not s.absent),
    Law("another-list", always, lambda s: s.right),
)
CHECK = Check(run=run, seeds=range(len(PLANS)), laws=LAWS)
