"""Checks exercise 3.4: how large a city's aggregates are, and what follows from it."""

from dataclasses import replace
from functools import partial

from movingparts.check import Check, Law, always
from movingparts.scenes.ch03 import boundary as city

OFF = 0.005  # how far a rate may be off, by rounding


def cases():
    """Yield the three cities, and others whose numbers nobody has seen."""
    first, second, third = city.CASES
    busy = replace(first, name="West Bay", per_second=9.0, limit=0.35)
    slow = replace(second, name="Quick Quay", rule=city.NO_MORE, per_second=1.5)
    others = (
        busy,
        replace(slow, limit=0.07),
        replace(third, name="High Sands", per_second=0.6),
        replace(third, name="Far Sands", rule=city.ONE_RIDER),
        # were all stations equally popular, it would keep the limit
        replace(first, name="Long Pier", per_second=3.0),
        # a station of Larkhaven has a rate of 1/16: at the limit, and 1 % over it
        replace(first, name="North Mole", limit=1 / 16),
        replace(first, name="South Mole", limit=0.0619),
        # the smallest has the rule inside and is too slow, and none is smaller
        replace(busy, name="New Mill", rule=city.ONE_RIDER, limit=0.03),
    )
    for case in (*city.CASES, *others):
        yield case, partial(city.measure, case)


class Asked:
    """A city, what was decided for it, and what follows from the measurements."""

    def __init__(self, case, measure, decision):
        self.case, self.name, self.boundary = case, case.name, decision.boundary
        self.answered, self.process = decision.conflict_rate, decision.needs_process
        all_found = {each: measure(each) for each in city.BOUNDARIES}
        self.found = all_found[self.boundary]
        self.rates = [found.conflict_rate for found in all_found.values()]
        self.too_slow = self.found.conflict_rate > case.limit
        inside = next(b for b, found in all_found.items() if case.rule in found.rules)
        self.needed = all_found[inside].conflict_rate > case.limit
        self.wanted = "bike" if self.needed else inside
        self.right = (self.boundary, self.process) == (self.wanted, self.needed)
        self.instead = "a bike with a process" if self.needed else f"a {inside}"
        also = " with a process" if self.process else ""
        rule = f"The rule in {case.name} is that {case.rule}"
        self.asks = f'{rule}. You chose "{self.boundary}"{also}'
        rows = (f"for a {each}: {found}" for each, found in all_found.items())
        self.rows = "; ".join(rows)
        self.rate = f"{100 * all_found[inside].conflict_rate:.4g}%"
        self.limit = f"{100 * case.limit:.4g}%"
        self.through = self.found.attempts - self.found.conflicts

    def says(self, *values):
        """Return whether the rate that was given is one of these values."""
        return any(abs(self.answered - value) <= OFF for value in values)


def exact(asked):
    return asked.says(asked.found.conflict_rate)


def right(asked):
    return asked.right


CHECK = Check(
    cases=cases,
    seen=Asked,
    returns=city.Decision,
    wants="a `Decision`",
    picture=lambda a: city.first_conflict(a.case, a.boundary, shown=a.too_slow),
    laws=(
        Law("not-a-share", lambda a: a.answered > 1, exact),
        Law("per-command", lambda a: a.says(a.found.conflicts / a.through), exact),
        Law("of-another-boundary", lambda a: a.says(*a.rates), exact),
        Law("invented-numbers", always, exact),
        Law("large-beside-a-process", lambda a: a.process and a.needed, right),
        Law("process-for-nothing", lambda a: a.process, right),
        Law("rule-ignored", lambda a: a.case.rule not in a.found.rules, right),
        Law("limit-ignored", lambda a: a.too_slow, right),
        Law("larger-than-needed", always, right),
    ),
)
