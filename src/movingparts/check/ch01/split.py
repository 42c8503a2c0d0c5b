"""Exercise 1.5: split or not."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fastapi import FastAPI

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.meter import untraced
from movingparts.check.search import Trial
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import LogNormal, Node, Recording

RIDES = 160  # measured a run
TOLERANCE = 0.05  # of a number that was measured again


@dataclass(frozen=True, slots=True)
class Team:
    """A team that asks whether to split: its load, its limit, and its network.

    `rides_per_second` arrive at random; each costs `saving` and `pricing` seconds of a
    processor. 99 in 100 must be answered within `limit` seconds. One process has one
    processor; after a split `rides` has one and `pricing` has four. Half of the
    messages between them take less than `hop` seconds, and 99 in 100 less than
    `hop_p99`.

    >>> TEAMS[0].name, TEAMS[0].limit
    ('Larkhaven', 0.15)
    """

    name: str
    rides_per_second: float
    limit: float
    saving: float = 0.004
    pricing: float = 0.012
    hop: float = 0.001
    hop_p99: float = 0.005


@dataclass(frozen=True, slots=True)
class Measured:
    """What riders waited, in seconds.

    >>> Measured(p50=0.02, p95=0.05, p99=0.08)
    p50 20 ms, p95 50 ms, p99 80 ms
    """

    p50: float
    p95: float
    p99: float

    def __repr__(self) -> str:
        rows = (("p50", self.p50), ("p95", self.p95), ("p99", self.p99))
        return ", ".join(f"{name} {value * 1000:,.0f} ms" for name, value in rows)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and the measured numbers that it follows from, in seconds.

    >>> Decision(split=False, one_p99=0.080, two_p99=0.095).split
    False
    """

    split: bool
    one_p99: float
    two_p99: float


TEAMS = (
    Team("Larkhaven", rides_per_second=4, limit=0.150),
    Team("Harbor City", rides_per_second=46, limit=0.150, pricing=0.020),
    Team("Summit", rides_per_second=42, limit=0.400, pricing=0.014, hop_p99=0.900),
)


def measure(team: Team, services: int) -> Measured:
    """Run a team's rides as one service or as two, in virtual time, and measure.

    >>> measure(TEAMS[0], services=1).p99 < TEAMS[0].limit
    True
    """
    waited = sorted(_run(team, services)[0])
    rank = [waited[math.ceil(len(waited) * share) - 1] for share in (0.5, 0.95, 0.99)]
    return Measured(*rank)


@lru_cache(maxsize=64)
def _run(team: Team, services: int) -> tuple[tuple[float, ...], Recording]:
    from movingparts.world.simulated import simulate

    if services not in {1, 2}:
        raise ValueError(f"services is 1 or 2, got {services!r}")

    async def scenario(world: Any) -> list[float]:
        await world.serve("pricing", _busy(team.pricing, 4))
        after = "pricing" if services == 2 else ""
        cost = team.saving if services == 2 else team.saving + team.pricing
        await world.serve("rides", _busy(cost, 1, after))
        hop = LogNormal(team.hop, team.hop_p99)
        world.network.between("rides", "pricing", latency=hop)
        waited: list[float] = []
        tasks = []
        for _ in range(RIDES):
            await world.clock.sleep(world.random.expovariate(team.rides_per_second))
            tasks.append(world.node("riders").tasks.create_task(_one(world, waited)))
        for task in tasks:
            await task
        return waited

    with untraced():
        recording = simulate(scenario, seed=round(team.rides_per_second * 1000))
    return tuple(recording.result), recording


async def _one(world: Any, waited: list[float]) -> None:
    begin = world.clock.monotonic()
    await world.client("riders", timeout=None).post("http://rides/rides")
    waited.append(world.clock.monotonic() - begin)


def _busy(seconds: float, processors: int, then: str = "") -> Any:
    """Return a service that computes for a while on its processors, and calls on."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI()
        processor = asyncio.Semaphore(processors)

        @app.post("/rides")
        async def work() -> dict[str, str]:
            async with processor:
                await node.clock.sleep(seconds)
            if then:
                await node.client.post(f"http://{then}/rides", timeout=None)
            return {}

        return app

    return factory


def _slowest(recording: Recording) -> Recording:
    """Return the part of a run that tells of its slowest ride."""
    riders = [span for span in recording.spans if span.node == "riders"]
    slow = max(riders, key=lambda span: (span.end_us or 0) - span.start_us)
    return recording.trace(slow.trace_id)


def follows(team: Team, one: float, two: float) -> bool:
    """Say whether two p99 call for a split: one misses the limit, and two keep it."""
    return two <= team.limit < one


def _teams() -> list[Team]:
    """Return the given teams, and others whose numbers nobody has seen before."""
    _, second, _ = TEAMS
    return [
        *TEAMS,
        replace(second, name="West Bay", rides_per_second=49, limit=0.180),
        replace(second, name="Quick Quay", rides_per_second=47, limit=0.020),
        # two services keep the limit at p50 and p95, and miss it at p99
        replace(second, name="Long Pier", rides_per_second=47, hop_p99=0.200),
        # one service misses the limit at p99 alone
        replace(second, name="Old Mill", rides_per_second=40, limit=0.250),
    ]


def _asked(answer: Answer, team: Team) -> Decision:
    said = answer(team, measure)
    if type(said) is not Decision:
        text = f"`decide` returned {shown(said)}, not a Decision."
        raise Rejected("garbage", text)
    split: Any = said.split
    numbers: tuple[Any, ...] = (said.one_p99, said.two_p99)
    if type(split) is not bool or any(
        type(n) not in {int, float} or not 0 <= n < 1e9 for n in numbers
    ):
        text = (
            f"A Decision has True or False and two numbers of seconds: {shown(said)}."
        )
        raise Rejected("garbage", text)
    return said


def judge(answer: Answer) -> Judgement:
    """Ask for each team, measure again, and see whether the choice follows."""
    teams = _teams()
    decisions = [_asked(answer, team) for team in teams]
    for team, decision in zip(teams, decisions, strict=True):
        complaint = _numbers(team, decision)
        if complaint:
            return _shown(team, decision, complaint)
    for team, decision in zip(teams, decisions, strict=True):
        one, two = (measure(team, n) for n in (1, 2))
        if decision.split != follows(team, one.p99, two.p99):
            return _shown(team, decision, _choice(team, teams, decisions))
    return Judgement(
        praise=f"{len(teams)} teams: your numbers were measured, and each choice"
        " follows from them."
    )


def _shown(team: Team, decision: Decision, complaint: Complaint) -> Judgement:
    _, recording = _run(team, 2 if decision.split else 1)
    return Judgement(
        Trial(TEAMS.index(team) if team in TEAMS else 0, _slowest(recording), complaint)
    )


def _near(said: float, measured: float) -> bool:
    return abs(said - measured) <= TOLERANCE * measured


def _numbers(team: Team, decision: Decision) -> Complaint | None:
    one, two = measure(team, 1).p99, measure(team, 2).p99
    if not _near(one, two) and (
        _near(decision.one_p99, two) and _near(decision.two_p99, one)
    ):
        text = (
            f"{team.name}: the two numbers are swapped; one service has a p99 of"
            f" {one * 1000:,.0f} ms, and two have {two * 1000:,.0f} ms."
        )
        return Complaint("swapped-numbers", text)
    for services, said in ((1, decision.one_p99), (2, decision.two_p99)):
        again = measure(team, services)
        if _near(said, again.p99):
            continue
        shape = "one service" if services == 1 else "two services"
        text = (
            f"{team.name}: you say that the p99 of {shape} is {said * 1000:,.0f} ms;"
            f" measured again, it is {again}."
        )
        if _near(said, again.p50):
            text += " Yours is the p50: half of the riders wait longer than that."
            return Complaint("p50-only", text)
        for found, misconception, why in (
            (again.p95, "p95-instead-of-p99", "the p95: 5 in 100 wait longer"),
            (again.p99 * 1000, "milliseconds", "in milliseconds; seconds are asked"),
        ):
            if _near(said, found):
                return Complaint(misconception, f"{text} Yours is {why}.")
        return Complaint("invented-numbers", text)
    return None


def _by(which: str, teams: list[Team]) -> list[bool]:
    """Return what to do if the limit were on that share of the riders."""
    measured = [(t, *(getattr(measure(t, n), which) for n in (1, 2))) for t in teams]
    return [follows(team, one, two) for team, one, two in measured]


def _choice(team: Team, teams: list[Team], decisions: list[Decision]) -> Complaint:
    one, two = (measure(team, n) for n in (1, 2))
    facts = (
        f"{team.name} has a limit of {team.limit * 1000:,.0f} ms at p99."
        f" One service: {one}. Two: {two}."
    )
    choices = [decision.split for decision in decisions]
    by_p50 = [measure(t, 2).p50 < measure(t, 1).p50 for t in teams]
    if all(choices):
        text = (
            f"{facts} You split everywhere; here one service keeps the limit, and a"
            " second one costs a network."
        )
        return Complaint("always-split", text)
    if not any(choices):
        text = (
            f"{facts} You never split; here one process misses its limit, two keep it."
        )
        return Complaint("never-split", text)
    if choices == by_p50:
        text = f"{facts} You went by the p50; the limit is on the 99th of 100 riders."
        return Complaint("p50-only", text)
    if choices in (_by("p50", teams), _by("p95", teams)):
        text = (
            f"{facts} You choose as if the limit were on the p50 or the p95; it is on"
            " the 99th of 100 riders."
        )
        return Complaint("tail-ignored", text)
    text = f"{facts} Split where one service misses the limit and two keep it."
    return Complaint("choice-does-not-follow", text)


SPLIT = Exercise(
    id="1.5",
    title="Split or not",
    difficulty="medium",
    lab="01-one-ride-two-services",
    statement=(
        "Three teams ask you. Write `decide(team, measure)`: `measure(team, 1)` and"
        " `measure(team, 2)` tell what riders wait with one service and with two"
        " (`.p50`, `.p95`, `.p99`, in seconds). Answer with `Decision(split, one_p99,"
        " two_p99)`. Split where one service misses the team's `limit` at p99 and two"
        " keep it, and nowhere else. Your numbers are measured again, and other teams"
        " will ask."
    ),
    stub=(
        "def decide(team, measure):\n"
        '    raise NotImplementedError("Exercise 1.5: split or not, with numbers")\n'
    ),
    hints=(
        (
            "Measure all three teams both ways and write the six p99 down. For whom"
            " does anything change that mattered?"
        ),
        (
            "A split adds a hop, whose tail everybody pays; it buys processors. Only a"
            " team that has run out of processors gains by it, and only if the tail is"
            " short enough."
        ),
        (
            "With `one = measure(team, 1).p99` and `two = measure(team, 2).p99`, the"
            " split is `two <= team.limit < one`."
        ),
    ),
    transfer=(
        (
            "A parcel locker firm wants to move its label printing into a service of"
            " its own. Printing takes 30 ms of the 45 ms that a drop-off costs, and"
            " drop-offs come twice a minute. What do you measure, and what do you"
            " expect?"
        ),
        (
            "The p99 of a drop-off both ways, against what a courier accepts. One"
            " process is busy for 0.09 s of each minute, so it is short of nothing; a"
            " second service can only add a hop, and another thing that fails. Another"
            " reason to split, such as another team or another release day, may still"
            " be one."
        ),
    ),
    call=Call("decide", ("team", "measure")),
    judge=judge,
)
