"""Exercise 3.4: where to draw the line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.meter import untraced
from movingparts.check.search import Trial
from movingparts.check.verdict import Complaint, Rejected
from movingparts.contention import Contention, Load, contend
from movingparts.world.core import Recording

TOLERANCE = 0.02  # of a rate that was measured again
COMMANDS = 300  # measured a run
ATTEMPTS = 4  # of each command
BOUNDARIES = ("bike", "station", "city")  # the smallest first
ONE_RIDER = "a bike has one rider at most"
NO_MORE = "a station promises no more bikes than it has"
ONE_PROMISE = "a rider has one promise at most, wherever it is"
KEPT = MappingProxyType(  # the rules that each boundary has inside
    {
        "bike": (ONE_RIDER,),
        "station": (ONE_RIDER, NO_MORE),
        "city": (ONE_RIDER, NO_MORE, ONE_PROMISE),
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """A city that asks how large its aggregates should be.

    `per_second` riders come, look at what they want for `think` seconds and commit.
    `limit` is the share of attempts, from 0 to 1, that may find that somebody was
    faster. `rule` must hold at each commit.

    >>> CASES[0].name, CASES[0].limit
    ('Larkhaven', 0.1)
    """

    name: str
    rule: str
    per_second: float
    limit: float
    think: float = 0.5
    stations: int = 24
    bikes: int = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a boundary under a load, and the rules that it has inside.

    >>> Measured(attempts=420, conflicts=21, rules=(ONE_RIDER,))
    21 of 420 attempts too late (5.0%)
    """

    attempts: int
    conflicts: int
    rules: tuple[str, ...]

    @property
    def conflict_rate(self) -> float:
        """The share of the attempts that were too late, from 0 to 1."""
        return self.conflicts / self.attempts

    def __repr__(self) -> str:
        share = f"{self.conflict_rate:.1%}"
        return f"{self.conflicts} of {self.attempts} attempts too late ({share})"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which boundary, its measured conflict rate, and whether a process is needed.

    >>> Decision("station", conflict_rate=0.05, needs_process=False).boundary
    'station'
    """

    boundary: str
    conflict_rate: float
    needs_process: bool


CASES = (
    Case("Larkhaven", NO_MORE, per_second=2.0, limit=0.10),
    Case("Harbor City", ONE_PROMISE, per_second=6.0, limit=0.10),
    Case("Little Quay", ONE_PROMISE, per_second=0.1, limit=0.10, stations=6, bikes=40),
)


def measure(case: Case, boundary: str) -> Measured:
    """Put a city's load on aggregates of that size, in virtual time, and count.

    Some stations are more popular than others, and all bikes of one alike. Raises
    `ValueError` for a boundary that there is not.

    >>> rates = [measure(CASES[0], each).conflict_rate for each in BOUNDARIES]
    >>> rates == sorted(rates)
    True
    """
    if boundary not in BOUNDARIES:
        listed = ", ".join(BOUNDARIES)
        raise ValueError(f"a boundary is one of {listed}; got {boundary!r}")
    found = _contention(case, str(boundary))
    return Measured(found.attempts, found.conflicts, KEPT[str(boundary)])


def _contention(case: Case, boundary: str) -> Contention:
    """Return what came of a case's load: its name, rule and limit change nothing."""
    return _run(replace(case, name="", rule="", limit=0.0), boundary)


@lru_cache(maxsize=64)
def _run(case: Case, boundary: str) -> Contention:
    popular = [1 / (1 + n // 3) for n in range(case.stations)]
    each = case.bikes // case.stations
    weights = {
        "city": [1.0],
        "station": popular,
        "bike": [weight for weight in popular for _ in range(each)],
    }[boundary]
    load = Load(weights, case.per_second, case.think, COMMANDS, ATTEMPTS)
    with untraced():
        return contend(load, seed=round(case.per_second * 1000))


# --- what follows ---------------------------------------------------------------------


def right(case: Case) -> Decision:
    """Return what follows from the measurements."""
    for boundary in BOUNDARIES:
        if case.rule in KEPT[boundary]:
            rate = measure(case, boundary).conflict_rate
            if rate <= case.limit:
                return Decision(boundary, rate, needs_process=False)
            break  # a larger one has more of them
    smallest = BOUNDARIES[0]
    rate = measure(case, smallest).conflict_rate
    return Decision(smallest, rate, needs_process=True)


def _cases() -> list[Case]:
    """Return the given cities, and others whose numbers nobody has seen before."""
    first, second, third = CASES
    return [
        *CASES,
        replace(first, name="West Bay", per_second=9.0, limit=0.35),
        replace(first, name="Old Mill", rule=ONE_RIDER, per_second=9.0),
        replace(second, name="Quick Quay", rule=NO_MORE, per_second=1.5, limit=0.07),
        replace(third, name="Low Sands", rule=NO_MORE),
        replace(third, name="High Sands", per_second=0.6),
        # Were all stations equally popular, too few would be too late to matter.
        replace(first, name="Long Pier", per_second=3.0),
        # A station of Larkhaven has a rate of 1/16: at the limit, and 1 % over it.
        replace(first, name="North Mole", limit=1 / 16),
        replace(first, name="South Mole", limit=0.0619),
        # The smallest has the rule inside, and is too slow: there is no smaller one.
        replace(first, name="New Mill", rule=ONE_RIDER, per_second=9.0, limit=0.03),
    ]


def _asked(answer: Answer, case: Case) -> Decision:
    said = answer(replace(case), partial(measure, case))
    values: list[Any] = [None] * 3
    if type(said) is Decision:
        values = [said.boundary, said.conflict_rate, said.needs_process]
    boundary, rate, needs = values
    boundary = str.__str__(boundary) if isinstance(boundary, str) else ""
    number = type(rate) in {int, float} and 0 <= rate < 1e9
    if boundary not in BOUNDARIES or not number or type(needs) is not bool:
        text = (
            f"`decide` returned {shown(said, 100)}, not a Decision with one of"
            f" {', '.join(map(repr, BOUNDARIES))}, a number, and True or False."
        )
        raise Rejected("garbage", text)
    return Decision(boundary, rate, needs)


def _near(said: float, found: float) -> bool:
    return abs(said - found) <= TOLERANCE * found + 0.0005


def _numbers(case: Case, decision: Decision) -> Complaint | None:
    """Return what is wrong with the rate that is said of a boundary."""
    said, found = decision.conflict_rate, measure(case, decision.boundary)
    if _near(said, found.conflict_rate):
        return None
    text = (
        f"{case.name}: you say that {said:.4g} of the attempts on a {decision.boundary}"
        f" are too late; measured again, it is {found}."
    )
    others = [each for each in BOUNDARIES if each != decision.boundary]
    for reason, what, value in (
        (
            "percent",
            "in percent, and a share is from 0 to 1",
            100 * found.conflict_rate,
        ),
        ("counts-attempts", "how many attempts there were", found.attempts),
        (
            "counts-conflicts",
            "how many were too late, and not of how many",
            found.conflicts,
        ),
        (
            "per-command",
            "per command, and each attempt counts",
            found.conflicts / COMMANDS,
        ),
        (
            "computed",
            "what one expects if all are equally popular",
            _average(case, decision),
        ),
        *(
            (
                "of-another-boundary",
                f"that of a {each}",
                measure(case, each).conflict_rate,
            )
            for each in others
        ),
    ):
        if _near(said, value):
            return Complaint(reason, f"{text} Yours is {what}.")
    return Complaint("invented-numbers", text)


WHY = {
    "always-smallest": (
        "The smallest has the fewest conflicts; which rules it can see is another"
        " question."
    ),
    "always-largest": (
        "The largest has every rule inside, and each rider waits for all the others."
    ),
    "large-beside-a-process": (
        "A process keeps the rule, so nothing speaks for more than the smallest."
    ),
    "process-for-nothing": (
        "A {wanted} has the rule inside and keeps the limit: {rate} is at most {limit}."
    ),
    "rule-ignored": (
        "A {said} does not see all that this is about, so that no commit can hold it."
    ),
    "limit-ignored": (
        "A {said} has the rule inside, and too many of its commits come too late:"
        " {rate} is more than {limit}."
    ),
    "larger-than-needed": "A {wanted} does both, and is smaller than a {said}.",
}


def _average(case: Case, decision: Decision) -> float:
    """Return the rate that one expects without a look at who is popular."""
    count = {"city": 1, "station": case.stations, "bike": case.bikes}[decision.boundary]
    crowding = Load(count, case.per_second, case.think).crowding
    return crowding / (1 + crowding)


def _choice(case: Case, decision: Decision, alike: bool) -> Complaint | None:
    """Return what is wrong with a choice; `alike` if it was the same in each case."""
    wanted, said = right(case), decision.boundary
    if (said, decision.needs_process) == (wanted.boundary, wanted.needs_process):
        return None
    if alike and said in {"bike", "city"}:
        reason = "always-smallest" if said == "bike" else "always-largest"
    elif decision.needs_process:
        process = wanted.needs_process
        reason = "large-beside-a-process" if process else "process-for-nothing"
    elif case.rule not in KEPT[said]:
        reason = "rule-ignored"
    else:
        over = measure(case, said).conflict_rate > case.limit
        reason = "limit-ignored" if over else "larger-than-needed"
    rows = "; ".join(f"{each}: {measure(case, each)}" for each in BOUNDARIES)
    about = said if reason == "limit-ignored" else wanted.boundary
    limit, rate = map(_percent, (case.limit, measure(case, about).conflict_rate))
    why = WHY[reason].format(said=said, wanted=wanted.boundary, rate=rate, limit=limit)
    if wanted.needs_process and not decision.needs_process:
        why += " A process is to keep the rule here."
    text = (
        f"{case.name} wants that {case.rule}, and that at most {limit} of the"
        f" attempts are too late; you say {said}"
        f"{' and a process' if decision.needs_process else ''}."
        f" {why} Measured: {rows}."
    )
    return Complaint(reason, text)


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _conflict(case: Case, boundary: str) -> Recording:
    """Return the part of a run that tells of its first conflict."""
    recording = _contention(case, boundary).recording
    if recording is None:
        return Recording("simulated")
    late = next((m for m in recording.messages if m.fate == "refused"), None)
    if late is None:
        return Recording("simulated")
    version = late.label.rpartition(" ")[2]
    both = [
        message
        for message in recording.messages[: recording.messages.index(late) + 1]
        if message.target == late.target
        and message.label in {late.label, f"read version {version}"}
    ]
    winner = next(m.source for m in both if m.label == late.label)
    pair = {winner, late.source}
    return replace(recording, messages=[m for m in both if m.source in pair])


def judge(answer: Answer) -> Judgement:
    """Ask for each city, measure again, and see whether the choice follows."""
    cases = _cases()
    decisions = [_asked(answer, case) for case in cases]
    pairs = list(zip(cases, decisions, strict=True))
    for case, decision in pairs:
        complaint = _numbers(case, decision)
        if complaint is not None:
            return Judgement(Trial(0, Recording("simulated"), complaint))
    alike = len({decision.boundary for decision in decisions}) == 1
    for case, decision in pairs:
        complaint = _choice(case, decision, alike)
        if complaint is not None:
            shown_run = Recording("simulated")
            if decision.conflict_rate > case.limit:
                shown_run = _conflict(case, decision.boundary)
            return Judgement(Trial(0, shown_run, complaint))
    return Judgement(
        praise=f"{len(cases)} cities, among them {len(cases) - len(CASES)} that you had"
        " not seen: your choices follow from your numbers, and the numbers hold."
    )


BOUNDARY = Exercise(
    id="3.4",
    title="Where to draw the line",
    difficulty="medium",
    lab="03-rules-inside",
    statement=(
        "Cities ask you how large their aggregates should be. Write `decide(case,"
        ' measure)`. `measure("bike")`, `measure("station")` and `measure("city")` run'
        " the case's load on aggregates of that size and tell `.attempts`,"
        " `.conflicts`, `.conflict_rate` and the `.rules` that such an aggregate has"
        " inside. Answer with `Decision(boundary, conflict_rate, needs_process)`: the"
        " smallest boundary that has `case.rule` inside, if its conflict rate is at"
        " most `case.limit`. If not, a process has to keep the rule, and the boundary"
        " is the smallest there is. Your rates are measured again, and other cities"
        " will ask."
    ),
    stub=(
        "def decide(case, measure):\n"
        '    raise NotImplementedError("Exercise 3.4: how large is an aggregate?")\n'
    ),
    hints=(
        (
            "Write down the nine rates of the three cities, and beside each boundary"
            " whether it has the rule inside. Which boundaries are left in each row?"
        ),
        (
            "Two things are asked of a boundary, and they pull apart: to see all that"
            " the rule is about, and to be changed by few at a time. Begin with the"
            " smallest, and go on only while the rule is not inside."
        ),
        (
            'For each of `("bike", "station", "city")` in this order: `found ='
            " measure(boundary)`; if `case.rule in found.rules` and"
            " `found.conflict_rate <= case.limit`, return it, with False. After the"
            ' loop, return "bike" with its own rate, and True.'
        ),
    ),
    transfer=(
        (
            "A delivery service must not promise an evening more orders than its"
            " couriers can carry. Is the aggregate an order, a quarter of the city for"
            " one evening, or the evening? What do you measure first?"
        ),
        (
            "How many orders are placed in a quarter while one customer is at the"
            " checkout: that number decides how often a commit comes too late. An order"
            " cannot see the rule. If couriers stay in their quarter, the quarter has"
            " it inside; if they move about, it is the evening, or a process that asks"
            " quarters for capacity and gives back what was not needed."
        ),
    ),
    call=Call("decide", ("case", "measure")),
    judge=judge,
)
