"""Checks exercise 2.5: what a grouping of contexts into deployables breaks or costs."""

from itertools import combinations

from movingparts.check import Check, Law, always, never
from movingparts.scenes.ch02.lockers import firms, groupings


def releases(firm, a, b):
    """Return whether a team that must release alone shares with another."""
    teams = {firm.team[a], firm.team[b]}
    return len(teams) == 2 and bool(teams & firm.releases_alone)


def fails(firm, a, b):
    """Return whether the first must go on while the second is down."""
    return (a, b) in firm.survives


def machines(firm, a, b):
    return firm.runs_on[a] != firm.runs_on[b]


def breach(firm, groups, *needs):
    """Return the first two contexts that share a deployable against a need."""
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    pairs += [pair[::-1] for pair in pairs]
    return next((p for p in pairs if any(need(firm, *p) for need in needs)), None)


def price(firm, groups):
    """Return how many deployables there are, and the traffic between them."""
    return len(groups), sum(firm.traffic[pair] for pair in apart(firm, groups))


def apart(firm, groups):
    """Return the pairs that talk, and aren't in one deployable."""
    return [p for p in firm.traffic if not any({*p} <= {*g} for g in groups)]


def listed(groups):
    return "; ".join(" + ".join(group) for group in groups) or "nothing"


class Deployed:
    """A firm, how an answer groups its contexts, and what that breaks or costs."""

    def __init__(self, firm, value):
        self.firm, self.groups = firm, [sorted(group) for group in value]
        self.given, self.contexts = listed(self.groups), ", ".join(firm.contexts)
        named = [context for group in self.groups for context in group]
        self.sound = sorted(named) == sorted(firm.contexts) and all(self.groups)
        if self.sound:
            self._compare(firm, (releases, fails, machines))

    def _compare(self, firm, needs):
        self.broken = [breach(firm, self.groups, need) for need in needs]
        self.a, self.b = next(filter(None, self.broken), ("", ""))
        self.team, self.other = firm.team.get(self.a), firm.team.get(self.b)
        self.machine, self.machines = map(firm.runs_on.get, (self.a, self.b))
        held = [g for g in groupings(firm.contexts) if not breach(firm, g, *needs)]
        best = min(held, key=lambda groups: price(firm, groups))
        self.best, (self.fewest, self.least) = listed(best), price(firm, best)
        self.count, self.crossing = price(firm, self.groups)
        merges = ([*one, *two] for one, two in combinations(self.groups, 2))
        merged = (whole for whole in merges if not breach(firm, [whole], *needs))
        self.merged = " + ".join(next(merged, []))
        cut = {*apart(firm, self.groups)} - {*apart(firm, best)}
        pair = max(cut, key=firm.traffic.get, default=())
        self.pair, self.talk = " and ".join(pair), firm.traffic.get(pair)


class All:
    """All answers together: whether they are the same, whatever a firm needs."""

    def __init__(self, seen):
        self.example = seen[0]  # the firm in the lab
        self.best = getattr(seen[0], "best", "")
        self.fewest = getattr(seen[0], "fewest", 0)
        self.single = all(len(group) == 1 for each in seen for group in each.groups)
        self.whole = all(len(each.groups) == 1 for each in seen)


CHECK = Check(
    cases=lambda: ((firm,) for firm in firms()),
    seen=Deployed,
    overall=All,
    returns=list[list[str] | set[str]] | set[list[str] | set[str]],
    wants="a list of deployables, each a list of names of contexts",
    laws=(
        Law("one-place-for-each", always, lambda s: s.sound),
        Law("one-process-for-all", lambda all_: all_.whole, never, overall=True),
        Law("a-service-for-each", lambda all_: all_.single, never, overall=True),
        Law("waits-for-a-release", lambda s: s.broken[0], never),
        Law("goes-down-too", lambda s: s.broken[1], never),
        Law("on-the-wrong-machine", lambda s: s.broken[2], never),
        Law("more-than-needed", lambda s: s.merged, never),
        Law("merged-into-a-corner", lambda s: s.count > s.fewest, never),
        Law("cuts-what-talks", lambda s: s.crossing > s.least, never),
    ),
)
