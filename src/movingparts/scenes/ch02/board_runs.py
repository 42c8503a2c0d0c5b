"""Shows that an assignment is broken, by running the services that follow from it.

A rule that holds at once is a state machine. If its events are in two contexts, there
are two copies of its state with a message between them, and the run loses that message.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node, Recording
from movingparts.strategy.event_storming import Board
from movingparts.world import simulate

Scenario = Callable[[Any], Any]
LONGEST = 24  # characters of a context's name that are shown


class Harm:
    """What breaks when one event of a rule is published in vain to another context.

    The `events` happen in their order, and the message about the last but one is lost.
    `says` has {first} for its context, and {second} for the context of the last.
    """

    def __init__(self, events: str, says: str) -> None:
        *self.before, self.lost, self.then = events.split()
        self.says = says


class StateMachine:
    """The events that a rule allows in each state, as "state Event next state".

    The first state is the initial one.

    >>> door = StateMachine("shut Opened open, open Shut shut")
    >>> door.after(["Opened"]), door.after(["Shut"])
    ('open', None)
    """

    def __init__(self, steps: str, *harms: Harm) -> None:
        rows = [step.split() for step in steps.split(", ")]
        self.initial, self.harms = rows[0][0], harms
        self.steps = {(state, event): after for state, event, after in rows}
        self.events = frozenset(event for _, event in self.steps)

    def after(self, events: Sequence[str]) -> str | None:
        """Return the state after some events; None if they break the rule."""
        state: str | None = self.initial
        for event in events:
            state = self.steps.get((state or "", event))
        return state


class Sorted:
    """A board whose events are assigned to contexts, with what that breaks.

    `machines` are the rules that hold at once. `undone` are pairs of a word and an
    event after which the word no longer holds: to those who unlock a bike, it isn't
    "available" after that. Names of contexts that differ only in spaces are the same.
    Of several clashing words, the first to show is one that the cards `about` share.
    """

    def __init__(
        self,
        board: Board,
        assignment: Mapping[str, str | None],
        machines: Sequence[StateMachine],
        undone: Collection[tuple[str, str]],
        about: tuple[str, ...] = (),
    ) -> None:
        names = [card.name for card in board.events]
        tidy = {name: " ".join((assignment.get(name) or "").split()) for name in names}
        self.board, self.machines, self.undone = board, machines, undone
        self.strange = next((name for name in assignment if name not in names), "")
        self.of = {name: context for name, context in tidy.items() if context}
        left = [name for name in names if name not in self.of]
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        self.unsorted = ", ".join(left[:3]) + more
        self.contexts = list(dict.fromkeys(self.of.values()))
        found = board.evaluate(self.of)
        self.holds, self.torn_rules = found.holds, found.torn
        self.processes = found.processes
        self.clashes = sorted(
            found.clashes,
            key=lambda clash: (
                not {*about} <= {*chain(*clash.meanings.values())},
                -len(clash.meanings),
            ),
        )

    @property
    def why_strange(self) -> str:
        """Why a name is no event: it is another kind of card, or misspelled."""
        kinds = {card.name: card.kind for card in self.board.cards}
        if self.strange in kinds:
            return f"That card is a {kinds[self.strange]}, and only events are sorted."
        near = difflib.get_close_matches(self.strange, kinds, n=1)
        return f"Did you mean {near[0]}?" if near else "No card has that name."

    def together(self, *events: str) -> bool:
        """Return whether some events are in one context."""
        return len({self.of.get(event) for event in events}) == 1

    def crosses_no_rule(self) -> bool:
        """Return whether each rule, at once or not, has its events in one context."""
        return not self.torn_rules and not self.processes

    def is_by_time(self) -> bool:
        """Return whether each context is a stretch of the board."""
        changes = sum(one != other for one, other in pairwise(self.of.values()))
        return changes + 1 == len(self.contexts)

    def harm(self) -> tuple[StateMachine, Harm]:
        """Return the state machine of the first torn rule, and the harm done."""
        events = frozenset(self.torn_rules[0].rule.events)
        machine = next(each for each in self.machines if each.events == events)
        harms = (h for h in machine.harms if self.of[h.lost] != self.of[h.then])
        return machine, next(harms)

    def meanings(self) -> tuple[list[str], str, str | None]:
        """Return the cards with the first meaning of a clashing word, and two events.

        After the first event, and the second before it, the two meanings disagree.
        """
        word, meanings = self.clashes[0].word, self.clashes[0].meanings
        mine, theirs = list(meanings.values())[:2]
        undone = (word, mine[0]) in self.undone
        other = (each for each in theirs if ((word, each) in self.undone) != undone)
        return list(mine), mine[0], next(other, None)

    @property
    def torn(self) -> str:
        """What breaks where the first torn rule is in several contexts."""
        if not self.torn_rules:
            return ""
        crossing, (_, harm) = self.torn_rules[0], self.harm()
        contexts = " and ".join(map(_cut, crossing.contexts))
        says = harm.says.format(
            first=_cut(self.of[harm.lost]), second=_cut(self.of[harm.then])
        )
        rule = crossing.rule.says
        return f"“{rule}” must hold at once, but its events are in {contexts}. {says}"

    @property
    def clash(self) -> str:
        """What breaks where the first clashing word is used."""
        if not self.clashes:
            return ""
        clash, (_, event, _) = self.clashes[0], self.meanings()
        one, other = list(clash.meanings)[:2]
        answers = ("yes", "no")
        if (clash.word, event) in self.undone:
            answers = ("no", "yes")
        return (
            f"In {_cut(clash.context)}, “{clash.word}” means {one}, and also {other}."
            f" After {event}, the answer to “{clash.word}?” is {answers[0]}. Then"
            " the other half of the team deploys what it means by the word, and the"
            f" answer is {answers[1]}, although nothing else has happened"
        )

    @property
    def broken(self) -> str:
        """What breaks: a rule if any is torn, else a word."""
        return self.torn or f"{self.clash}."

    @property
    def price(self) -> str:
        """The processes that this assignment needs."""
        rules = [f"“{each.rule.says}”" for each in self.processes]
        return f"{len(rules)} processes across contexts ({'; '.join(rules)})"


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


# --- runs -------------------------------------------------------------------------


def service_names(contexts: Collection[str]) -> dict[str, str]:
    """Return a name for the service of each context, whatever the context is called."""
    names: dict[str, str] = {}
    for number, context in enumerate(contexts, 1):
        name = re.sub(r"[^a-z0-9]+", "-", context.lower()[:LONGEST]).strip("-")
        if not re.match("[a-z]", name) or name in {"bus", "you", *names.values()}:
            name = f"context-{number}"
        names[context] = name
    return names


def recorded(found: Sorted, *, by_word: bool) -> Recording | None:
    """Record how a word or else a rule breaks; None if some events aren't sorted."""
    if found.strange or found.unsorted:
        return None
    chosen = clash_run if by_word or not found.torn_rules else torn_run
    return simulate(chosen(found), seed=0)


def torn_run(found: Sorted) -> Scenario:
    """Return a scenario: a message between two contexts is lost, and a rule breaks."""
    machine, harm = found.harm()
    names = service_names(found.torn_rules[0].contexts)
    known: dict[str, list[str]] = {name: [] for name in names.values()}
    history: list[str] = []

    async def scenario(world: Any) -> bool:
        refused = False
        for name in known:
            await world.serve(name, partial(_copy, machine, known, history))
        for event in (*harm.before, harm.lost, harm.then):
            owner = names[found.of[event]]
            if event == harm.lost:
                follower = names[found.of[harm.then]]
                world.network.lose(owner, follower, kind="request")
            reply = await world.client("you").post(f"http://{owner}/{event}")
            refused = reply.status_code == 409
        wrongly = refused and machine.after([*history, harm.then]) is not None
        histories = [history, *known.values()]
        broken = wrongly or None in map(machine.after, histories)
        if broken:
            world.note(names[found.of[harm.then]], "the rule is broken")
        return broken

    return scenario


def _copy(
    machine: StateMachine, known: dict[str, list[str]], history: list[str], node: Node
) -> FastAPI:
    """Make the service of a context that applies a rule to what it knows."""
    app, mine = FastAPI(title=node.name), known[node.name]

    @app.post("/received/{event}", status_code=204)
    async def receive(event: str) -> None:
        mine.append(event)

    @app.post("/{event}", status_code=201)
    async def handle(event: str) -> None:
        if machine.after([*mine, event]) is None:
            raise HTTPException(409, f"{event} is against the rule")
        mine.append(event)
        history.append(event)
        for other in known:
            if other != node.name:
                with contextlib.suppress(httpx.HTTPError):
                    address = f"http://{other}/received/{event}"
                    await node.client.post(address, timeout=1.0)

    return app


def clash_run(found: Sorted) -> Scenario:
    """Return a scenario: a word gets its other meaning, and the answer changes."""
    clash, (mine, first, second) = found.clashes[0], found.meanings()
    theirs = list(clash.meanings.values())[1]
    [name] = service_names([clash.context]).values()
    history: list[str] = []

    async def scenario(world: Any) -> bool:
        client, answers = world.client("you"), []
        for meant in (mine, theirs):
            service = partial(_meaning, clash.word, meant, found.undone, history)
            await world.serve(name, service)
            for event in filter(None, () if history else (second, first)):
                await client.post(f"http://{name}/{event}")
            reply = await client.get(f"http://{name}/{clash.word}")
            answers.append(reply.status_code)
        return len(set(answers)) == 2

    return scenario


def _meaning(
    word: str,
    meant: Collection[str],
    undone: Collection[tuple[str, str]],
    history: list[str],
    node: Node,
) -> FastAPI:
    """Make a service in which a word means what one half of the team means by it."""
    app = FastAPI(title=node.name)

    @app.post("/{event}", status_code=201)
    async def handle(event: str) -> None:
        history.append(event)

    @app.get(f"/{word}")
    async def answer() -> dict[str, bool]:
        own = [event for event in history if event in meant]
        at_first = all((word, event) in undone for event in meant)
        if not ((word, own[-1]) not in undone if own else at_first):
            raise HTTPException(409, f"not {word}")
        return {word: True}

    return app
