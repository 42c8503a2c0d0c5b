"""Checks exercise 11.3: three days with peaks at different hours."""

from random import Random

from movingparts.check import Check, Law, always
from movingparts.scenes.ch11.schedule import HOURS, TooManyTries, TryOut, run_day

CALLS, TARGET, TRIES = 2_500, 2.0, 12
SHAPES = {
    "commute": "2 1 1 1 2 4 10 60 180 90 30 20 25 30 25 25 50 170 150 60 25 15 10 6",
    "lunch": "2 1 1 1 1 3 6 12 25 30 40 160 260 140 30 20 18 20 25 30 22 15 8 4",
    "evening": "30 15 8 3 1 1 2 6 12 15 12 12 20 20 15 15 20 30 60 120 180 200 150 80",
}


def day_of(shape, seed):
    """Return a day's calls: when each comes, and how long it runs."""
    random, weights = Random(seed), [int(w) for w in SHAPES[shape].split()]
    hours = random.choices(range(HOURS), weights, k=CALLS)
    times = sorted(round(3600 * (hour + random.random()), 3) for hour in hours)
    return [(at, round(0.5 + random.random(), 3)) for at in times]


def cheap(day):
    """Return the cost of a good plan: each instance goes where it saves the most."""
    flat = [run_day(day, [count] * HOURS).cold for count in range(6)]
    chosen = [0] * HOURS

    def cold():
        return sum(flat[count][hour] for hour, count in enumerate(chosen))

    while cold() > CALLS // 100 or run_day(day, chosen).p99 > TARGET:
        saved = [flat[n][h] - flat[n + 1][h] for h, n in enumerate(chosen)]
        chosen[saved.index(max(saved))] += 1
    return run_day(day, chosen).cost


DAYS = {name: day_of(name, seed) for seed, name in enumerate(SHAPES, start=1)}
BUDGETS = {name: round(1.15 * cheap(day), 4) for name, day in DAYS.items()}


def cases():
    """Give each day, with its budget."""
    for name, day in DAYS.items():
        yield TryOut(day, TRIES), BUDGETS[name]


class Planned:
    """A plan, and how the day goes with it."""

    def __init__(self, tried, budget, value):
        self.ran_out = isinstance(value, TooManyTries)
        self.value, self.tries = value, TRIES
        self.valid = not self.ran_out and is_plan(value)
        plan = list(value) if self.valid else [0] * HOURS
        day = run_day(tried.day, plan)
        self.p99, self.calls, self.cold = (
            f"{day.p99:.1f}",
            sum(day.calls),
            sum(day.cold),
        )
        self.allowed = self.calls // 100
        self.quick, self.dear = day.p99 <= TARGET, day.cost > budget
        self.cost, self.budget = f"{100 * day.cost:.2f}", f"{100 * budget:.2f}"
        self.flat = len(set(plan)) == 1
        self.fewest = min(plan)
        self.hours = sum(plan)
        busy = sorted(range(HOURS), key=day.calls.__getitem__)
        served = [hour for hour in range(HOURS) if plan[hour]]
        self.peaks = served and set(served) == set(busy[-len(served) :])
        outside = [day.cold[h] for h in range(HOURS) if not plan[h]]
        self.outside = sum(outside)


def is_plan(value):
    """Whether it is 24 numbers from 0 to 9."""
    whole = all(isinstance(n, int) and 0 <= n <= 9 for n in value)
    return len(value) == HOURS and whole


LAWS = (
    Law("tries-everything", always, lambda p: not p.ran_out),
    Law("no-plan", always, lambda p: p.valid),
    Law(
        "ready-at-the-peak",
        lambda p: p.peaks and len(set(p.value)) > 1,
        lambda p: p.quick,
    ),
    Law("still-cold", always, lambda p: p.quick),
    Law("the-same-all-day", lambda p: p.flat, lambda p: not p.dear),
    Law("nobody-may-wait", lambda p: p.cold <= p.allowed // 2, lambda p: not p.dear),
    Law("dearer", always, lambda p: not p.dear),
)
CHECK = Check(
    cases=cases,
    seen=Planned,
    laws=LAWS,
    returns=list,
    wants="a list of 24 whole numbers",
    may_raise=(TooManyTries,),
)
