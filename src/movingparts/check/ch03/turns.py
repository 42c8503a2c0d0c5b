"""Turns: clients whose commands meet at one aggregate, which is saved with a version.

Each turn loads the aggregate, waits, gives its commands and saves; where somebody was
faster it begins again. What the commands do is held against rules that the checker
keeps itself.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from movingparts.check.answer import Answer, shown
from movingparts.check.ch03.refused import refuses
from movingparts.check.memory import Memory
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import AnswerRaised, Complaint, Rejected
from movingparts.repository import StaleVersion
from movingparts.world.core import Node

ATTEMPTS = 20  # of one turn
DOWN = 1.0  # seconds from a crash to the restart
APART = 3.0  # seconds between commands that no longer come together
REPLY = 0.005  # seconds in which the last reply arrives
LONG = 172_800.0  # seconds after which a run has ended: two days
HALF_A_DAY = timedelta(hours=12)
# What a refusal may show, in each domain: no reason, or one that has lapsed.
TURNS_AWAY, NEVER_LAPSES = "turns-away", "never-lapses"
POWER_NEVER_LAPSES = "lapsed-power-counts"
BECAUSE = {
    "remembers-elsewhere": (
        "One after another, the same commands are right. What stands outside of `self`"
        " (in a class attribute, a global, a default) is shared by all that is loaded,"
        " keeps what was never saved, and is gone after a crash."
    ),
    "changed-by-refusal": (
        "A command before it was refused and had changed something by then; the handler"
        " went on with the same object and saved it. Look at everything, then change."
    ),
    "timer": (
        "The time is watched by a timer. It ends with its process, and what it changes"
        " is an object that nobody has loaded: compare with `now` when you are asked."
    ),
    "lapses-early": (
        "Had less time passed before it, it would be right: something lapses too early."
    ),
    "lapses-late": (
        "Had more time passed before it, it would be right: something lapses too late."
    ),
    "binds-again": (
        "Half a day earlier it would be right: what has lapsed binds again. Compare"
        " moments, with their dates, not hours of a day or the `.seconds` of a"
        " difference."
    ),
    "ends-too-much": (
        "Had `{}` not come before it, it would be right: that ends more than its own,"
        " and what is promised to others is gone."
    ),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One call of a method of the aggregate; `now` is added when it is made.

    `key` tells it from all others of a run. A report is told, not asked.
    """

    method: str
    arguments: tuple[Any, ...]
    key: str = ""
    is_report: bool = False

    def __str__(self) -> str:
        return f"{self.method}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Turn:
    """Commands that one client has carried out and saved together.

    `at` is when it comes, `wait` how long it takes between load and decision, both in
    seconds.
    """

    at: float
    wait: float
    commands: tuple[Command, ...]

    @property
    def caller(self) -> str:
        """Whom a command is about comes; a list of them is worked off at the desk."""
        return "desk" if len(self.commands) > 1 else str(self.commands[0].arguments[0])

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be left out: that commands come together, and each of them."""
        own = tuple(command.key for command in self.commands)
        return own if len(own) == 1 else (*own, self.together)

    @property
    def together(self) -> str:
        """The key of this: that its commands come together."""
        return f"{self.commands[0].key.rpartition('.')[0]} together"

    def without(self, left_out: Collection[str]) -> list[Turn]:
        """Return the turns that it comes to without some of its parts."""
        kept = [each for each in self.commands if each.key not in left_out]
        if not kept:
            return []
        if self.together not in left_out:
            return [replace(self, commands=tuple(kept))]
        return [
            replace(self, at=self.at + APART * number, commands=(command,))
            for number, command in enumerate(kept)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: what the aggregate is made with, who comes, when the service crashes."""

    arguments: tuple[Any, ...]
    turns: tuple[Turn, ...]
    crash_at: float | None = None

    def without(self, left_out: Collection[str]) -> Plan:
        """Return the same plan without some of its parts, by their keys."""
        turns = [part for turn in self.turns for part in turn.without(left_out)]
        return replace(self, turns=tuple(sorted(turns, key=lambda turn: turn.at)))


def scripted(
    arguments: tuple[Any, ...], *steps: tuple[float, *tuple[str, ...]]
) -> Plan:
    """Return a run that is not left to chance.

    A step has the seconds since the one before and the commands of one turn, such as
    `"reserve ada"`; what is `unplugged` reports.
    """
    turns, at = [], 1.0
    for number, (gap, *texts) in enumerate(steps):
        at += gap
        commands = []
        for nth, text in enumerate(texts):
            method, *words = text.split()
            given = tuple(int(word) if word.isdecimal() else word for word in words)
            key = f"command {number}.{nth}"
            commands.append(Command(method, given, key, method == "unplugged"))
        turns.append(Turn(at, 0.2, tuple(commands)))
    return Plan(arguments, tuple(turns))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command returned, or that it was refused."""

    value: Any = None
    refused: bool = False
    raised: str = ""  # what a report raised instead, in a sentence

    def __str__(self) -> str:
        if self.refused:
            return "refused"
        return self.value if type(self.value) is str else shown(self.value, 24)


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was given, when, and what came of it."""

    command: Command
    now: datetime
    outcome: Outcome

    def __str__(self) -> str:
        if self.outcome.value is None and not self.outcome.refused:
            return f"{self.command.method}: done"
        return f"{self.command.method}: {self.outcome}"


class Rules(Protocol):
    """What must hold; it is told each command with its outcome, and keeps books."""

    def judge(
        self, command: Command, outcome: Outcome, now: datetime
    ) -> Complaint | None:
        """Return what is wrong with an outcome, or take it into account.

        A refusal without a reason is `TURNS_AWAY`, or `NEVER_LAPSES` if a reason has
        lapsed; others have names of their own, and rank 1.
        """
        ...


@dataclass(frozen=True, slots=True)
class Domain:
    """What the aggregate is called, its rules, and the run to try for a seed."""

    service: str
    rules: Callable[..., Rules]  # made with what the aggregate is made with
    plan: Callable[[int], Plan]
    ends: frozenset[str]  # the methods that end what a client has


# --- saving -----------------------------------------------------------------------


def saved(thing: Any) -> Any:
    """Return a copy of an object's attributes, in a new object of its class."""
    kind: Any = type(thing)
    try:
        new = SimpleNamespace() if kind is SimpleNamespace else object.__new__(kind)
        state = copy.deepcopy(object.__getstate__(thing), {id(thing): new})
        in_dict, in_slots = state if type(state) is tuple else (state, None)
        for name, value in {**(in_dict or {}), **(in_slots or {})}.items():
            object.__setattr__(new, name, value)
    except Exception as error:  # noqa: BLE001  # a reader's attributes may be anything
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        text = f"What a `{kind.__name__}` has in its attributes cannot be copied: {why}"
        raise Rejected("cannot-be-saved", f"{text.rstrip('.')}.") from None
    return new


class Store:
    """One aggregate, saved with its version and with the books of its rules."""

    def __init__(self, thing: Any, rules: Rules) -> None:
        self._saved, self._rules = saved(thing), rules
        self.version = 1
        self.history: list[Sequence[Done]] = []

    def load(self) -> tuple[int, Any, Rules]:
        """Return the version, and copies of the aggregate and of the books."""
        return self.version, saved(self._saved), copy.deepcopy(self._rules)

    def save(
        self, version: int, thing: Any, rules: Rules, done: Sequence[Done]
    ) -> None:
        """Save it, unless somebody has since it was loaded; raise `StaleVersion`."""
        self.check(version)
        self._saved, self._rules = saved(thing), rules
        self.version += 1
        self.history.append(done)

    def check(self, version: int) -> None:
        """Raise `StaleVersion` where somebody has saved it since it was loaded."""
        if version != self.version:
            raise StaleVersion(f"version {version} is stale")


# --- one run ----------------------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """One run of a plan, and the first thing that was wrong in it."""

    answer: Answer
    domain: Domain
    plan: Plan
    memory: Memory
    store: Store = field(init=False)
    complaint: Complaint | None = None
    failed: BaseException | None = None
    begun: list[str] = field(default_factory=list)
    has_timers: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def fresh(self) -> Store:
        """Make the aggregate, in a process that remembers nothing, and save it."""
        self.memory.forget()
        made = self.answer.made(*copy.deepcopy(self.plan.arguments))
        return Store(made, self.domain.rules(*self.plan.arguments))

    def judge(self, rules: Rules, given: Sequence[Done]) -> None:
        """Hold what was given against the rules; the first complaint ends the run."""
        for number, done in enumerate(given, start=1):
            complaint = rules.judge(done.command, done.outcome, done.now)
            if complaint is not None:
                self.complaint = self._explained(complaint, given[:number])
                self.ended.set()
                return

    def ask(self, thing: Any, command: Command, now: datetime) -> Outcome:
        """Give one command, and see whether it starts a timer or a task."""
        before = _timers()
        try:
            value = self.answer.ask(thing, command.method, *command.arguments, now)
        except AnswerRaised as raised:
            if not refuses(raised) and not command.is_report:
                raise
            text = "" if refuses(raised) else raised.complaint.message
            return Outcome(refused=True, raised=text)
        finally:
            self.has_timers = self.has_timers or before != _timers()
        return Outcome(value)

    def _explained(self, complaint: Complaint, given: Sequence[Done]) -> Complaint:
        """Find out why, by giving the same commands again in other circumstances."""
        units = [*self.store.history, given]
        earlier = [done for unit in units for done in unit][:-1]
        because, command = "", ""
        if self._is_right(units):
            because = "remembers-elsewhere"
        elif any(done.outcome.refused for done in earlier) and self._is_right(
            _without_refused(units)
        ):
            because = "changed-by-refusal"
        elif complaint.misconception in {NEVER_LAPSES, POWER_NEVER_LAPSES}:
            because = "timer" if self.has_timers else self._lapses(units)
        elif complaint.rank or given[-1].outcome.refused:
            return complaint
        elif any(self._is_right(_had_it_been(done.now, units)) for done in earlier):
            because = "lapses-early"
        else:
            command = self._blamed(units, earlier)
            because = "ends-too-much" if command else ""
        if not because:
            return complaint
        what = f"{complaint.message.partition('. ')[0].rstrip('.')}."
        return Complaint(because, f"{what} {BECAUSE[because].format(command)}")

    def _lapses(self, units: Sequence[Sequence[Done]]) -> str:
        """Say how something that should have lapsed still binds; "" if it always does.

        Half a day before is asked for only if all the others were given by then.
        """
        *earlier, last = (done.now for unit in units for done in unit)
        before = last - HALF_A_DAY
        if max(earlier, default=last) < before and self._is_right(
            _had_it_been(before, units)
        ):
            return "binds-again"
        late = self._is_right(_had_it_been(last + HALF_A_DAY, units))
        return "lapses-late" if late else ""

    def _blamed(self, units: Sequence[Sequence[Done]], earlier: Sequence[Done]) -> str:
        """Return the end of something without which the last command is right."""
        for done in earlier:
            if done.command.method in self.domain.ends and self._is_right(
                _without(units, done)
            ):
                return str(done.command)
        return ""

    def _is_right(self, units: Sequence[Sequence[Done]]) -> bool:
        """Say whether the last command is right, one after another and with no crash.

        Those before it must do what they have done.
        """
        try:
            store = self.fresh()
            for unit in units:
                version, thing, rules = store.load()
                for done in unit:
                    outcome = self.ask(thing, done.command, done.now)
                    complaint = rules.judge(done.command, outcome, done.now)
                    if done is units[-1][-1]:
                        return complaint is None
                    if complaint is not None or str(outcome) != str(done.outcome):
                        return False
                store.save(version, thing, rules, [])
        except Rejected:
            return False
        return False


def _timers() -> tuple[int, int]:
    loop: Any = asyncio.get_running_loop()
    return loop._timers_made, len(asyncio.all_tasks())  # noqa: SLF001  # a loop of ours


def _without_refused(units: Sequence[Sequence[Done]]) -> list[list[Done]]:
    last = units[-1][-1]
    return [[d for d in unit if not d.outcome.refused or d is last] for unit in units]


def _without(units: Sequence[Sequence[Done]], left_out: Done) -> list[list[Done]]:
    return [[done for done in unit if done is not left_out] for unit in units]


def _had_it_been(now: datetime, units: Sequence[Sequence[Done]]) -> list[list[Done]]:
    *before, last = units
    return [*map(list, before), [*last[:-1], replace(last[-1], now=now)]]


def searched(answer: Answer, domain: Domain, seeds: Iterable[int]) -> Trial | None:
    """Return the least run that shows something wrong; None if there is none."""
    memory = Memory(answer.function)
    return worst(
        lambda s, left_out: attempt(answer, domain, memory, s, left_out), seeds
    )


def attempt(
    answer: Answer, domain: Domain, memory: Memory, seed: int, without: Collection[str]
) -> Trial:
    """Run the plan of a seed, without some of its parts; return what is wrong first."""
    stage = Stage(answer, domain, domain.plan(seed).without(without), memory)

    async def scenario(world: Any) -> Complaint | None:
        stage.store = stage.fresh()
        await world.serve(domain.service, partial(_service, world, stage))
        operator = world.node("operator").tasks
        operator.create_task(_crash(world, stage))
        operator.create_task(_turns(world, stage))
        await stage.ended.wait()
        await world.clock.sleep(REPLY)
        if stage.failed is not None:
            raise stage.failed
        return stage.complaint

    try:
        trial = play(scenario, seed, without, until=LONG)
    finally:
        memory.forget()
    return replace(trial, steps=tuple(stage.begun))


async def _turns(world: Any, stage: Stage) -> None:
    tasks = []
    for turn in stage.plan.turns:
        await world.clock.sleep(max(0.0, turn.at - world.clock.monotonic()))
        stage.begun += turn.parts
        come = _come(world, stage.domain.service, turn)
        tasks.append(world.node(turn.caller).tasks.create_task(come))
    for task in tasks:
        await task
    stage.ended.set()


async def _crash(world: Any, stage: Stage) -> None:
    if stage.plan.crash_at is None:
        return
    await world.clock.sleep(stage.plan.crash_at)
    world.network.crash(stage.domain.service)
    stage.memory.forget()
    await world.clock.sleep(DOWN)
    await world.network.restart(stage.domain.service)


async def _come(world: Any, service: str, turn: Turn) -> None:
    what = "+".join(str(command).replace(" ", "") for command in turn.commands)
    client = world.client(turn.caller, timeout=None)
    with suppress(httpx.HTTPError):  # it crashed: whoever came gives up
        await client.post(
            f"http://{service}/{what}", params={"turn": turn.commands[0].key}
        )


def _service(world: Any, stage: Stage, node: Node) -> Starlette:
    """Serve an aggregate: load, wait, decide, save, and again if that was too late."""
    turns = {turn.commands[0].key: turn for turn in stage.plan.turns}

    async def carry_out(request: Request) -> JSONResponse:
        turn = turns[request.query_params["turn"]]
        for _ in range(ATTEMPTS):
            version, thing, rules = stage.store.load()
            await node.clock.sleep(turn.wait)
            try:
                given = _given(node, world, stage, thing, turn)
                stage.store.check(version)  # a refusal too is decided anew
                stage.judge(rules, given)
                if all(done.outcome.refused for done in given):
                    return JSONResponse(None, 409)
                stage.store.save(version, thing, rules, given)
            except StaleVersion as stale:
                _note(node, world, str(stale))
                continue
            except BaseException as error:  # noqa: BLE001  # the checker's, not the app's
                stage.failed = error
                stage.ended.set()
                break
            return JSONResponse(None, 200)
        return JSONResponse(None, 503)

    return Starlette(routes=[Route("/{what}", carry_out, methods=["POST"])])


def _given(node: Node, world: Any, stage: Stage, thing: Any, turn: Turn) -> list[Done]:
    given, now = [], node.clock.now()
    for command in turn.commands:
        given.append(Done(command, now, stage.ask(thing, command, now)))
        _note(node, world, str(given[-1]))
    return given


def _note(node: Node, world: Any, text: str) -> None:
    recorder = world.network.recorder
    recorder.moment(world.clock.time_us(), "note", (node.name,), text)
