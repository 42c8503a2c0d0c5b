"""Checks exercise 11.7: chains whose best plan shows each mistake."""

from dataclasses import replace
from math import ceil, inf
from random import Random

from movingparts.check import Check, Law, always
from movingparts.function import AWS
from movingparts.scenes.ch11.plans import Step, plans

NAMES = ("read", "crop", "label", "save", "mail")
MISTAKES = ("waits", "memory", "requests", "rounds", "limit")
CHEAP = replace(AWS, source="another provider", per_request=AWS.per_request / 10)
# Seeds of chains: in four each, one mistake alone leads to another plan.
CHAINS = (3, 36, 39, 50, 53, 58, 59, 60, 67, 78, 108, 113, 114, 147)
CHAINS += (169, 179, 241, 273, 441, 519, 47, 186, 271)  # in the last three, none does


def bill(plan, limit, prices, wrong=""):
    """Return the cost of one run in dollars, as seen by one who makes a mistake."""
    total, waits = 0.0, 0.0
    for function in reversed(plan):
        ms = sum(step.ms for step in function) + waits
        if ms > limit and wrong != "limit":
            return inf
        mb = max(step.memory_mb for step in function)
        work = (ms if wrong == "rounds" else ceil(ms)) * mb
        if wrong == "memory":
            work -= sum((mb - step.memory_mb) * step.ms for step in function)
        total += work / 1024e3 * prices.per_gb_second
        total += prices.per_request * (wrong != "requests")
        waits = ms * (function[0].answers and wrong != "waits")
    return total


def cheapest(steps, limit, prices, wrong=""):
    """Return the plan with the least bill."""
    return min(plans(steps), key=lambda plan: bill(plan, limit, prices, wrong))


def chain(seed):
    """Return a chain of quick or slow steps, its limit in ms, and prices."""
    random, quick = Random(seed), seed % 2
    times = (0.25, 0.5, 1.5, 2.5) if quick else (1.5, 2.5, 10.5, 40.0, 200.0)
    memory = (4_096, 5_120, 8_192, 10_240) if quick else (128, 256, 512, 2_048)
    steps = [
        Step(n, random.choice(times), random.choice(memory), random.random() < 0.5)
        for n in NAMES[: random.randint(3, 5)]
    ]
    longest, total = max(s.ms for s in steps), sum(s.ms for s in steps)
    limit = random.choice((ceil(longest), ceil(total / 2), 10 * ceil(total)))
    return steps, limit, random.choice((AWS, CHEAP))


def written(plan):
    """Return a plan as text, or what it is instead."""
    try:
        return " | ".join("+".join(step.name for step in part) for part in plan)
    except (AttributeError, TypeError):
        return repr(plan)


class Choice:
    """What was chosen, what is right, and what each mistake would have chosen."""

    def __init__(self, steps, limit, prices, value):
        given = steps, limit, prices
        self.limit, self.names = limit, ", ".join(step.name for step in steps)
        self.yours, self.right = written(value), cheapest(*given)
        self.best = written(self.right)
        self.made = {wrong: cheapest(*given, wrong) for wrong in MISTAKES}
        self.plan = value if value in plans(steps) else None
        self.allowed = self.plan and bill(self.plan, limit, prices) < inf
        yours, least = (
            1e6 * bill(plan or (), inf, prices) for plan in (self.plan, self.right)
        )
        self.cost, self.least = f"${yours:.2f}", f"${least:.2f}"

    def never(self, wrong):
        """Return whether the answer isn't what one mistake, and no other, chooses."""
        made = [name for name in MISTAKES if self.made[name] == self.plan]
        return self.plan == self.right or made != [wrong]


LAWS = (
    Law("no-plan", always, lambda c: c.plan is not None),
    Law("waiting-is-free", always, lambda c: c.never("waits")),
    Law("own-memory", always, lambda c: c.never("memory")),
    Law("requests-are-free", always, lambda c: c.never("requests")),
    Law("nothing-is-rounded", always, lambda c: c.never("rounds")),
    Law("over-the-limit", always, lambda c: c.allowed),
    Law("not-the-cheapest", always, lambda c: c.plan == c.right),
)


CHECK = Check(
    cases=lambda: map(chain, CHAINS),
    seen=Choice,
    laws=LAWS,
    praise=lambda seen: {"whole": sum(len(each.right) == 1 for each in seen)},
)
