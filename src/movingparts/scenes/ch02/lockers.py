"""Firms that run parcel lockers, for exercise 2.5: what their contexts need.

Couriers put parcels in, recipients take them out, and merchants pay. The contexts are
the same in each firm; teams, needs and traffic are not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Pair = tuple[str, str]
CONTEXTS = ("doors", "codes", "compartments", "custody", "claims", "billing")


@dataclass(frozen=True, slots=True)
class Firm:
    """Contexts, who owns each, what they need, and how much they talk.

    `runs_on` has the kind of machine that each context needs, `survives` pairs of
    which the first goes on working while the second is down, and `traffic` the
    messages for each parcel between the two contexts of a pair, in both directions
    together.

    >>> [each for each in FIRM.contexts if FIRM.team[each] == "hardware"]
    ['doors', 'compartments']
    """

    contexts: tuple[str, ...]
    team: Mapping[str, str]
    releases_alone: frozenset[str]
    survives: frozenset[Pair]
    runs_on: Mapping[str, str]
    traffic: Mapping[Pair, int]


FIRM = Firm(
    contexts=CONTEXTS,
    team={
        "doors": "hardware",
        "codes": "app",
        "compartments": "hardware",
        "custody": "couriers",
        "claims": "couriers",
        "billing": "merchants",
    },
    releases_alone=frozenset({"merchants"}),
    survives=frozenset({("codes", "custody")}),
    runs_on=dict.fromkeys(CONTEXTS, "standard") | {"claims": "large disk"},
    traffic={
        ("doors", "codes"): 8,
        ("doors", "compartments"): 4,
        ("doors", "custody"): 3,
        ("codes", "compartments"): 1,
        ("codes", "custody"): 2,
        ("compartments", "custody"): 6,
        ("custody", "billing"): 9,
        ("custody", "claims"): 1,
        ("claims", "billing"): 1,
    },
)


def groupings(contexts: Sequence[str]) -> Iterator[list[list[str]]]:
    """Yield every way to group some contexts, from one group to a group for each.

    >>> for each in groupings(["doors", "codes"]):
    ...     print(each)
    [['doors', 'codes']]
    [['doors'], ['codes']]
    """
    if not contexts:
        yield []
        return
    *others, last = contexts
    for groups in groupings(others):
        for place in range(len(groups)):
            yield [[*g, last] if n == place else [*g] for n, g in enumerate(groups)]
        yield [*([*g] for g in groups), [last]]


def firms() -> Iterator[Firm]:
    """Yield the firm of the lab, and others: each need alone, then mixed by chance."""
    yield FIRM
    nobody, everything = frozenset[str](), dict.fromkeys(CONTEXTS, "standard")
    yield Firm(CONTEXTS, FIRM.team, nobody, frozenset(), everything, FIRM.traffic)
    owners = {**FIRM.team, "claims": "merchants"}
    alone = FIRM.releases_alone
    yield Firm(CONTEXTS, owners, alone, frozenset(), everything, FIRM.traffic)
    pair = frozenset({("codes", "doors")})
    yield Firm(CONTEXTS, FIRM.team, nobody, pair, everything, FIRM.traffic)
    disks = everything | {"claims": "large disk", "billing": "large disk"}
    yield Firm(CONTEXTS, FIRM.team, nobody, frozenset(), disks, FIRM.traffic)
    path = frozenset(pairwise(CONTEXTS[:4]))  # two deployables cut most of the traffic
    far = {("doors", "custody"): 12, ("codes", "compartments"): 2}
    yield Firm(CONTEXTS[:4], FIRM.team, nobody, path, everything, far)
    for seed in range(12):
        yield _drawn(random.Random(seed))


def _drawn(chance: random.Random) -> Firm:
    """Return a firm of four to six contexts whose needs are drawn."""
    contexts = CONTEXTS[: chance.randint(4, 6)]
    teams = ("hardware", "app", "couriers")
    pairs = [(a, b) for a in contexts for b in contexts if a != b]
    talking = [(a, b) for a, b in pairs if contexts.index(a) < contexts.index(b)]
    traffic = {
        ((a, b) if chance.random() < 0.5 else (b, a)): chance.randint(1, 12)
        for a, b in talking
        if chance.random() < 0.6
    }
    return Firm(
        contexts,
        {each: chance.choice(teams) for each in contexts},
        frozenset(chance.sample(teams, chance.choice((0, 0, 1)))),
        frozenset(chance.sample(pairs, chance.randint(0, 3))),
        {each: chance.choice(("standard",) * 5 + ("large disk",)) for each in contexts},
        traffic,
    )
