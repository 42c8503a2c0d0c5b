"""Checks exercise 12.5: one client, several, all at once, and without the store."""

from dataclasses import dataclass

from movingparts.check import Check, Law, always
from movingparts.scenes.ch12.forecasts import KINDS, PLANS, City
from movingparts.scenes.ch12.weather import worst


@dataclass
class Seen:
    """What became of one client's requests; `count` is in the worst stretch of time."""

    kind: str
    asked: int
    passed: int
    least: int
    count: int
    allowed: int
    seconds: float
    slowest: float


async def run(world, answer, run):
    kind = KINDS[run.seed]
    found, least = await PLANS[kind](City(world, answer.awaited))
    passed = sum(each.passed for each in found)
    slowest = round(max(each.ended - each.asked for each in found), 1)
    run.see(Seen(kind, len(found), passed, least, *worst(found), slowest))


def only(*plans):
    return lambda seen: PLANS[seen.kind].__name__ in plans


def enough(seen):
    return seen.passed >= seen.least


def within(seen):
    return seen.count <= seen.allowed


LAWS = (
    Law("waits", always, lambda s: s.slowest < 1.5),
    Law("one-for-all", only("two_clients"), enough),
    Law("a-third-each", only("one_door", "back"), enough),
    Law("each-its-own", only("spread"), within),
    Law("window-edges", only("two_bursts"), within),
    Law("read-then-write", only("at_once"), within),
    Law("refuses-when-away", only("away_slow"), enough),
    Law("opens-when-away", only("away"), within),
    Law("too-many", always, within),
    Law("too-few", always, enough),
)
CHECK = Check(
    run=run,
    seeds=range(len(KINDS)),
    laws=LAWS,
    returns=bool,
    wants="True to answer, or False to refuse",
)
