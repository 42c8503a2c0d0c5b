"""Checks exercise 11.7: chains whose best plan shows each mistake."""

from math import ceil, inf
from random import Random

from movingparts.check import Check, Law, always
from movingparts.function import AWS
from movingparts.scenes.ch11.plans import Step, plans

NAMES = ("read", "crop", "label", "save", "mail")
MS = (0.25, 0.5, 1.5, 2.5, 10.5, 40.0, 200.0)
MEMORY = (128, 256, 512, 1_024, 2_048, 4_096)
EACH = 4  # chains for each mistake
MISTAKES = ("waits", "memory", "requests", "rounds", "limit")


def bill(plan, limit, *, wrong=""):
    """Return the cost of one run in dollars, as one who makes a mistake sees it."""
    total, waits = 0.0, 0.0
    for function in reversed(plan):
        ms = sum(step.ms for step in function) + waits
        if ms > limit and wrong != "limit":
            return inf
        mb = max(step.memory_mb for step in function)
        work = (ms if wrong == "rounds" else ceil(ms)) * mb
        if wrong == "memory":
            work = sum(ceil(step.ms) * step.memory_mb for step in function)
            work += waits * function[-1].memory_mb
        total += work / 1000 / 1024 * AWS.per_gb_second
        total += AWS.per_request * (wrong != "requests")
        waits = ms * (function[0].answers and wrong != "waits")
    return total


def cheapest(steps, limit, wrong=""):
    """Return the plan with the least bill, or None if it has none or a near tie."""
    bills = sorted((bill(p, limit, wrong=wrong), n) for n, p in enumerate(plans(steps)))
    (least, number), (second, _) = bills[:2]
    clear = least < inf and second > least * 1.001
    return list(plans(steps))[number] if clear else None


def chain(random):
    """Return a chain of three to five steps, and its limit in ms."""
    names = NAMES[: random.randint(3, 5)]
    quick = random.random() < 0.5
    times = MS[:4] if quick else MS[2:]
    steps = [
        Step(n, random.choice(times), random.choice(MEMORY), random.random() < 0.5)
        for n in names
    ]
    longest, total = max(s.ms for s in steps), sum(s.ms for s in steps)
    return steps, random.choice((ceil(longest), ceil(total / 2), 10 * ceil(total)))


def cases():
    """Yield chains that tell the mistakes apart, as many for each."""
    random, missing = Random(11), dict.fromkeys(MISTAKES, EACH)
    while any(missing.values()):
        steps, limit = chain(random)
        right = cheapest(steps, limit)
        made = {wrong: cheapest(steps, limit, wrong) for wrong in MISTAKES}
        other = [plan for plan in made.values() if plan != right]
        if right is None or None in other or len(other) != 1:
            continue
        (wrong,) = (name for name in MISTAKES if made[name] != right)
        if missing[wrong]:
            missing[wrong] -= 1
            yield steps, limit, AWS


def written(plan):
    return " | ".join("+".join(step.name for step in part) for part in plan)


class Choice:
    """What was chosen, what is right, and what each mistake would have chosen."""

    def __init__(self, steps, limit, prices, value):
        self.limit, self.names = limit, "+".join(step.name for step in steps)
        self.plan = next((p for p in plans(steps) if written(p) == shape(value)), None)
        self.right = cheapest(steps, limit)
        self.yours, self.best = shape(value), written(self.right)
        self.made = {wrong: cheapest(steps, limit, wrong) for wrong in MISTAKES}
        if self.plan:
            allowed = bill(self.plan, limit) < inf
            self.allowed = allowed
            cost = bill(self.plan, limit, wrong="" if allowed else "limit")
            self.cost = f"${1e6 * cost:.2f}"
        self.least = f"${1e6 * bill(self.right, limit):.2f}"

    def never(self, wrong):
        """Return whether the answer isn't what one mistake, and no other, chooses."""
        made = [name for name in MISTAKES if self.made[name] == self.plan]
        return self.plan == self.right or made != [wrong]


def shape(value):
    """Return a plan as text, or what it is instead."""
    try:
        return written(value)
    except (AttributeError, TypeError):
        return repr(value)


LAWS = (
    Law("no-plan", always, lambda c: c.plan is not None),
    Law("waiting-is-free", always, lambda c: c.never("waits")),
    Law("own-memory", always, lambda c: c.never("memory")),
    Law("requests-are-free", always, lambda c: c.never("requests")),
    Law("nothing-is-rounded", always, lambda c: c.never("rounds")),
    Law("over-the-limit", always, lambda c: c.allowed),
    Law("not-the-cheapest", always, lambda c: c.plan == c.right),
)


def split(seen):
    """Count the chains in one function, and those in a function for each step."""
    return {
        "whole": sum(len(each.right) == 1 for each in seen),
        "apart": sum(all(len(f) == 1 for f in each.right) for each in seen),
    }


CHECK = Check(cases=cases, seen=Choice, laws=LAWS, praise=split)
