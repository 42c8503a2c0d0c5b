from itertools import combinations

from movingparts.scenes.ch02.lockers import groupings


def may_share(firm, a, b):
    teams = {firm.team[a], firm.team[b]}
    if len(teams) == 2 and teams & firm.releases_alone:
        return False
    if (a, b) in firm.survives or (b, a) in firm.survives:
        return False
    return firm.runs_on[a] == firm.runs_on[b]


def allowed(firm):
    for groups in groupings(firm.contexts):
        pairs = [pair for group in groups for pair in combinations(group, 2)]
        if all(may_share(firm, a, b) for a, b in pairs):
            yield groups


def crossing(firm, groups):
    apart = (p for p in firm.traffic if not any({*p} <= {*group} for group in groups))
    return sum(firm.traffic[pair] for pair in apart)


def deployables(firm):
    return min(allowed(firm), key=lambda each: (len(each), crossing(firm, each)))
