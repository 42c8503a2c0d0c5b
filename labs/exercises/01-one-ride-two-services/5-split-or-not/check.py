"""Checks exercise 1.5: what a team should run, and the number that goes with it."""

from dataclasses import replace

from movingparts.check import Check, Law, always
from movingparts.scenes.ch01.teams import SHAPES, TEAMS, Decision, measure, slowest


def cases():
    """Yield the four teams, and others whose numbers nobody has seen."""
    quiet, _, full, far = TEAMS
    others = (
        replace(full, name="West Bay", own_releases=True),
        replace(far, name="Long Pier", limit=80),
        # one process misses the limit at p99 alone; in the first, it is hardly busy
        replace(quiet, name="North Mole", limit=30),
        replace(full, name="Quick Quay", limit=250),
        # its processor is busy 96 % of the time, and its p99 is close to the limit
        replace(full, name="Low Sands", limit=280),
    )
    for team in (*TEAMS, *others):
        yield team, measure


class Asked:
    """A team, what was decided for it, and what follows from the measurements."""

    def __init__(self, team, measure, decision):
        self.team, self.name, self.limit = team, team.name, team.limit
        self.shape, self.answered = decision.shape, decision.p99
        all_found = {shape: measure(team, shape) for shape in SHAPES}
        self.found = all_found[self.shape]
        keeps = {shape for shape in SHAPES if all_found[shape].p99 <= team.limit}
        alone = team.own_releases and "split" in keeps
        self.wanted = "split" if alone else "one" if "one" in keeps else "copies"
        self.too_slow = self.shape not in keeps
        self.right = self.shape == self.wanted
        self.split, self.copies = self.shape == "split", self.shape == "copies"
        also = ", and to release pricing on its own" if team.own_releases else ""
        self.alone = " Releasing alone doesn't excuse that." if also else ""
        self.asks = f"{team.name} wants a p99 of at most {team.limit} ms{also}"
        self.rows = "; ".join(
            f"`{shape}` p50 {f.p50:,.0f}, p95 {f.p95:,.0f}, p99 {f.p99:,.0f} ms"
            for shape, f in all_found.items()
        )
        self.again = (
            f"the p99 of `{self.shape}`, measured again, is {self.found.p99:,.1f} ms"
        )

    def says(self, value, off=0.02):
        """Return whether the p99 that was given is this value, about."""
        return abs(self.answered - value) <= off * value


def exact(asked):
    return asked.says(asked.found.p99, off=0.05)


def right(asked):
    return asked.right


CHECK = Check(
    cases=cases,
    seen=Asked,
    returns=Decision,
    wants="a `Decision`",
    picture=lambda asked: slowest(asked.team, asked.shape),
    laws=(
        Law(
            "another-percentile",
            lambda a: a.says(a.found.p50) or a.says(a.found.p95),
            exact,
        ),
        Law("invented-numbers", always, exact),
        Law("split-for-speed", lambda a: a.split and not a.team.own_releases, right),
        Law("copies-for-nothing", lambda a: a.copies and a.wanted == "one", right),
        Law("tail-ignored", lambda a: a.too_slow and a.found.p50 <= a.limit, right),
        Law("over-the-limit", lambda a: a.too_slow, right),
        Law("releases-ignored", always, right),
    ),
)
