"""Checks exercise 12.7: banks in which each rule matters, by hand and by chance."""

from random import Random

from movingparts.check import Check, Law, always
from movingparts.control_plane import Policy
from movingparts.scenes.ch12.bank import Call, Rules

LAYERS = (
    ("app", "branch", "partners"),
    ("cards", "savings", "transfers"),
    ("accounts", "fraud", "rates"),
    ("ledger",),
)
SMALL = (  # a bank of four services
    [
        Call("app", "transfers", False, 0.3),
        Call("transfers", "ledger", True, 0.2),
        Call("marketing", "ledger", False, 5.0),
    ],
    Rules(frozenset({("marketing", "ledger")}), [Call("audit", "ledger", True, 0.25)]),
)
ENOUGH = 1e-6  # seconds: sums of floats differ a little


def bank(seed):
    """Return the calls and rules of a bank; callers stand above whom they call."""
    random, calls = Random(seed), []
    for depth, layer in enumerate(LAYERS[1:], 1):
        above = [name for names in LAYERS[:depth] for name in names]
        for name in layer:
            for caller in random.sample(above, random.randint(1, 3)):
                again = name != "transfers" and random.random() < 0.85
                p99 = random.randint(1, 16) * 0.05
                calls.append(Call(caller, name, again, p99))
    habit = Call("marketing", random.choice(LAYERS[2][:2]), False, 4.0)
    calls.insert(random.randint(0, len(calls)), habit)
    audit = Call("audit", random.choice(LAYERS[1] + LAYERS[3]), True, 0.6)
    forbidden = frozenset({(habit.caller, habit.service)})
    return calls, Rules(forbidden, [audit], frozenset({"rates"}))


class Service:
    """A service: its policy, what its callers need, and whom it waits for."""

    def __init__(self, name, needed, public, policies):
        policy, calls = policies[name], [c for c in needed if c.service == name]
        self.name, self.public = name, name in public
        self.callers = None if policy.callers is None else set(policy.callers)
        self.attempts, self.seconds = policy.attempts, policy.seconds
        self.needed = {call.caller for call in calls}
        self.right = 1 + all(call.repeatable for call in calls)
        self.p99 = max(call.p99 for call in calls)
        called = [policies[c.service] for c in needed if c.caller == name]
        self.wait = max([p.attempts * p.seconds for p in called], default=0.0)
        self.least = max(self.p99, self.wait)
        self.shut_out = self.public or self.needed - (self.callers or set())


BROKEN = {
    "everyone": lambda s: s.callers is None and not s.public,
    "shuts-out": lambda s: s.callers is not None and s.shut_out,
    "nobody-needs": lambda s: (s.callers or set()) - s.needed,
    "other-attempts": lambda s: s.attempts != s.right,
    "too-short": lambda s: s.seconds < s.p99 - ENOUGH,
    "gives-up-first": lambda s: s.seconds < s.wait - ENOUGH,
    "waits-too-long": lambda s: s.seconds > s.least + ENOUGH,
}


class Assessed:
    """The first law that the policies of a bank break, and the service in question."""

    def __init__(self, calls, rules, value):
        forbidden, every = rules.forbidden, [*calls, *rules.rare]
        needed = [c for c in every if (c.caller, c.service) not in forbidden]
        names = sorted({call.service for call in needed})
        self.missing = ", ".join(name for name in names if name not in value)
        self.law = "no-policy" if self.missing else ""
        if self.missing:
            return
        services = [Service(name, needed, rules.public, value) for name in names]
        for law, broken in BROKEN.items():
            for each in services:
                if not self.law and broken(each):
                    self.law = law
                    vars(self).update(vars(each))


CHECK = Check(
    cases=lambda: [SMALL, *map(bank, range(30))],
    seen=Assessed,
    laws=tuple(
        Law(name, always, lambda s, name=name: s.law != name)
        for name in ("no-policy", *BROKEN)
    ),
    returns=dict[str, Policy],
    wants="a dict with a Policy for each service",
)
