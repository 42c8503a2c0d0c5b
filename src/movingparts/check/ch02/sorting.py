"""What judges a sorting of a wall: runs in which a torn rule breaks, or a word does.

A rule that must hold at once is kept by one book: what may happen to a thing, from
which state to which. Where its events lie in two contexts there are two books, and a
message between; the run loses that one message.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.check.answer import Answer, shown
from movingparts.check.ch02.asked import asked
from movingparts.check.exercise import Judgement
from movingparts.check.search import Trial, play, shrunk
from movingparts.check.verdict import Complaint, Rejected
from movingparts.storming import Board, Clash, Crossing
from movingparts.world.core import Node

Sorting = dict[str, str]
LONGEST = 24  # letters of a context's name that are shown


@dataclass(frozen=True, slots=True)
class Harm:
    """What breaks when one event of a rule is told to another context, and lost.

    After the events `before`, of which everybody has heard, `lost` happens and is told
    in vain; then `then` is asked for. `says` is what has come of it, in sentences, with
    {first} and {second} for the two contexts.
    """

    lost: str
    then: str
    says: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """How a rule is kept: the state of a thing after each event that may happen to it.

    `steps` maps a state and an event to the next state. What is in `reports` has
    happened, whatever the book says, and is written down; the rest can be refused.

    >>> door = Book("shut", {("shut", "Opened"): "open", ("open", "Shut"): "shut"}, ())
    >>> door.state(["Opened"]), door.state(["Shut"])
    ('open', None)
    """

    start: str
    steps: Mapping[tuple[str, str], str]
    harms: tuple[Harm, ...]
    reports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", MappingProxyType(dict(self.steps)))

    @property
    def events(self) -> frozenset[str]:
        """The events that it knows."""
        return frozenset(event for _, event in self.steps)

    def state(self, events: Sequence[str]) -> str | None:
        """Return the state after some events; None if they break the rule."""
        state = self.start
        for event in events:
            if (state, event) not in self.steps:
                return None
            state = self.steps[state, event]
        return state


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to sort that somebody may think right: how it is known, why it is not.

    It is best shown by a rule that it tears, or by a word with two meanings.
    """

    name: str
    fits: Callable[[Board, Sorting], bool]
    why: str
    shown_by: Literal["torn", "clash"] = "torn"


@dataclass(frozen=True, slots=True)
class Wall:
    """A board with all that its judge needs: books, meanings, ways to go wrong.

    `undone` are pairs of a word and an event after which it no longer holds: a bike
    that was unlocked is not available, in the word of those who unlock.
    """

    board: Board
    books: tuple[Book, ...]
    undone: frozenset[tuple[str, str]]
    patterns: tuple[Pattern, ...]

    def book(self, crossing: Crossing) -> Book:
        """Return the book that keeps a rule."""
        events = frozenset(crossing.rule.events)
        return next(book for book in self.books if book.events == events)


# --- ways to sort -----------------------------------------------------------------


def together(*events: str) -> Callable[[Board, Sorting], bool]:
    """Return what knows a sorting that has all of some events in one context."""

    def fits(board: Board, sorting: Sorting) -> bool:
        return len({sorting[event] for event in events}) == 1

    return fits


def _one(board: Board, sorting: Sorting) -> bool:
    return len(set(sorting.values())) == 1


def _each(board: Board, sorting: Sorting) -> bool:
    return len(set(sorting.values())) == len(sorting)


def _by_time(board: Board, sorting: Sorting) -> bool:
    """Say whether each context is a stretch of the wall."""
    order = [sorting[card.name] for card in board.events]
    changes = sum(one != other for one, other in pairwise(order))
    return changes + 1 == len(set(order))


def _one_word(board: Board, sorting: Sorting) -> bool:
    """Say whether all cards with some word of several meanings are in one context."""
    places: dict[str, set[str]] = {}
    meanings: dict[str, set[str]] = {}
    for card in board.events:
        for word, meaning in card.words.items():
            places.setdefault(word, set()).add(sorting[card.name])
            meanings.setdefault(word, set()).add(meaning)
    return any(len(places[w]) == 1 and len(meanings[w]) > 1 for w in places)


ONE = Pattern(
    "one-context-for-everything",
    _one,
    "With one context for everything no rule is torn, and no word is clear: two teams"
    " share a flag, and each is right.",
    shown_by="clash",
)
EACH = Pattern(
    "one-context-per-event",
    _each,
    "With a context for each event every word is clear, and every rule lies between"
    " contexts. An event is no model: what must hold at once belongs together.",
)
BY_TIME = Pattern(
    "by-the-clock",
    _by_time,
    "You cut the wall by time, before, during and after. A rule holds from the first of"
    " its events to the last, and cares for no hour; steps that follow each other may"
    " mean different things by a word.",
)
ONE_WORD = Pattern(
    "same-word-same-context",
    _one_word,
    "You put together what uses the same word. That is where borders are needed: the"
    " word is the same, and those who say it mean different things.",
    shown_by="clash",
)
COMMON = (ONE, EACH, BY_TIME)


# --- runs -------------------------------------------------------------------------


def named(contexts: Collection[str]) -> dict[str, str]:
    """Return a name for a service of each context, whatever it is called."""
    names: dict[str, str] = {}
    for number, context in enumerate(contexts, 1):
        name = re.sub(r"[^a-z0-9]+", "-", context.lower()[:LONGEST]).strip("-")
        if not re.match("[a-z]", name) or name in {"bus", "you"}:
            name = f"context-{number}"
        while name in names.values():
            name += "-too"
        names[context] = name
    return names


@dataclass(slots=True)
class _Kept:
    """What has happened in a run: what was written down, where, and what was not."""

    events: list[str]
    known: dict[str, list[str]]
    refused: list[str]


def _half(book: Book, kept: _Kept, others: Sequence[str]) -> Any:
    """Return the factory of a service that keeps a rule by what it knows of it."""

    def factory(node: Node) -> FastAPI:
        app, known = FastAPI(title=node.name), kept.known[node.name]

        @app.post("/heard/{event}", status_code=204)
        async def hear(event: str) -> None:
            known.append(event)

        @app.post("/{event}", status_code=201)
        async def happen(event: str) -> None:
            allowed = book.state([*known, event]) is not None
            if not allowed and event not in book.reports:
                kept.refused.append(event)
                raise HTTPException(409, f"{event} cannot be, by the book")
            known.append(event)
            kept.events.append(event)
            for other in others:
                await _tell(node, other, event)

        return app

    return factory


async def _tell(node: Node, other: str, event: str) -> None:
    try:
        await node.client.post(f"http://{other}/heard/{event}", timeout=1.0)
    except httpx.HTTPError:
        node.logs.append(f"{other} may not have heard of {event}")


def _broken(book: Book, kept: _Kept, then: str) -> bool:
    """Say whether a rule is broken: by what happened, in a book, or by a refusal."""
    if book.state(kept.events) is None:
        return True
    if any(book.state(known) is None for known in kept.known.values()):
        return True
    return then in kept.refused and book.state([*kept.events, then]) is not None


def torn_run(
    wall: Wall, crossing: Crossing, sorting: Sorting, without: Collection[str] = ()
) -> Trial:
    """Play a rule that lies in several contexts, with one message between them lost."""
    book = wall.book(crossing)
    harm = next(h for h in book.harms if sorting[h.lost] != sorting[h.then])
    names = named(crossing.contexts)

    async def scenario(world: Any) -> Complaint | None:
        kept = _Kept([], {name: [] for name in names.values()}, [])
        for name in names.values():
            others = [other for other in names.values() if other != name]
            await world.serve(name, _half(book, kept, others))
        for event in (*harm.before, harm.lost, harm.then):
            owner = names[sorting[event]]
            if event == harm.lost:
                told = names[sorting[harm.then]]
                world.network.lose(owner, told, kind="request")
            await world.client("you").post(f"http://{owner}/{event}")
        if not _broken(book, kept, harm.then):
            return None
        return Complaint("torn-rule", _torn(crossing, harm, sorting))

    return play(scenario, 0, without, until=60)


def _torn(crossing: Crossing, harm: Harm, sorting: Sorting) -> str:
    contexts = [_cut(name) for name in crossing.contexts]
    listed = f"{', '.join(contexts[:-1])} and {contexts[-1]}"
    says = harm.says.format(
        first=_cut(sorting[harm.lost]), second=_cut(sorting[harm.then])
    )
    return (
        f"“{crossing.rule.says}” holds in no single context: its events lie in"
        f" {listed}. {says}"
    )


def _cut(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _flag(word: str, events: list[str], meant: Sequence[str], wall: Wall) -> Any:
    """Return the factory of a service in which a word means what one team means."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI(title=node.name)

        @app.post("/{event}", status_code=201)
        async def happen(event: str) -> None:
            events.append(event)

        @app.get("/{asked}")
        async def tell(asked: str) -> dict[str, bool]:
            own = [event for event in events if event in meant]
            before = all((word, event) in wall.undone for event in meant)
            holds = (word, own[-1]) not in wall.undone if own else before
            if not holds:
                raise HTTPException(409, f"not {word}")
            return {word: True}

        return app

    return factory


def clash_run(wall: Wall, clash: Clash, without: Collection[str] = ()) -> Trial:
    """Play a word with two meanings: one team deploys its own meaning of it."""
    mine, theirs = list(clash.meanings.values())[:2]
    first, second = mine[0], _opposite(wall, clash.word, mine[0], theirs)
    [name] = named([clash.context]).values()

    async def scenario(world: Any) -> Complaint | None:
        events: list[str] = []
        client = world.client("you")
        await world.serve(name, _flag(clash.word, events, mine, wall))
        if second is not None:
            await client.post(f"http://{name}/{second}")
        await client.post(f"http://{name}/{first}")
        before = await client.get(f"http://{name}/{clash.word}")
        await world.serve(name, _flag(clash.word, events, theirs, wall))
        after = await client.get(f"http://{name}/{clash.word}")
        if before.status_code == after.status_code:
            return None
        return Complaint("two-meanings", _mixed(clash, before.is_success))

    return play(scenario, 0, without, until=60)


def _opposite(wall: Wall, word: str, event: str, among: Sequence[str]) -> str | None:
    """Return an event after which a word is the opposite; without one it is anyway."""
    undone = (word, event) in wall.undone
    found = (each for each in among if ((word, each) in wall.undone) != undone)
    return next(found, None)


def _mixed(clash: Clash, held: bool) -> str:
    (one, mine), (other, _) = list(clash.meanings.items())[:2]
    yes, no = ("yes", "no") if held else ("no", "yes")
    return (
        f"In {_cut(clash.context)}, “{clash.word}” means {one} and {other}. After"
        f" {mine[0]} whoever asks is told {yes}. Then the others deploy what they mean"
        f" by it, and the answer is {no}, though nothing has happened to what was asked"
        " about: what the first have promised is broken."
    )


# --- the judge --------------------------------------------------------------------


def fixed(board: Board) -> Board:
    """Return a copy of a board that nobody can change."""
    words = [MappingProxyType(dict(card.words)) for card in board.cards]
    return _with(board, words)


def _with(board: Board, words: Sequence[Mapping[str, str]]) -> Board:
    cards = (replace(c, words=w) for c, w in zip(board.cards, words, strict=True))
    return Board(tuple(cards), tuple(replace(rule) for rule in board.rules))


def sorted_by(answer: Answer, board: Board) -> Sorting:
    """Return an answer's sorting; raise `Rejected` for what is none."""
    value = asked(answer, _with(board, [dict(card.words) for card in board.cards]))
    if not isinstance(value, dict):
        text = f"`{answer.name}` returned {shown(value)}, not a dict."
        raise Rejected("garbage", text)
    sorting: Sorting = {}
    for key, context in dict.items(value):
        if not isinstance(key, str) or not isinstance(context, str | None):
            text = (
                "The dict is from an event's name to a context's name, both text;"
                f" here {shown(key)} is in {shown(context)}."
            )
            raise Rejected("garbage", text)
        sorting[str.__str__(key)] = "" if context is None else str.__str__(context)
    _all_sorted(board, sorting)
    _told_apart(sorting)
    return {card.name: sorting[card.name] for card in board.events}


def _all_sorted(board: Board, sorting: Sorting) -> None:
    """Raise `Rejected` where a card is strange, or has no context."""
    names = [card.name for card in board.events]
    for strange in (name for name in sorting if name not in names):
        kinds = {card.name: card.kind for card in board.cards}
        near = difflib.get_close_matches(strange, names, n=1)
        why = "No card is called so."
        if strange in kinds:
            why = f"That card is a {kinds[strange]}: only events are sorted."
        elif near:
            why = f"The nearest is {near[0]}."
        raise Rejected("unknown-event", f"{shown(strange)} is no event. {why}")
    left = [name for name in names if not sorting.get(name, "").strip()]
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        text = f"Without a context: {', '.join(left[:3])}{more}. Each event has one."
        raise Rejected("unsorted", text)


def _told_apart(sorting: Sorting) -> None:
    """Raise `Rejected` where nobody can tell two names apart."""
    known: dict[str, str] = {}
    for name in sorting.values():
        other = known.setdefault(" ".join(name.split()), name)
        if other != name:
            text = (
                f"{shown(other)} and {shown(name)} differ in spaces alone: is that one"
                " context, or two? Write one name for one."
            )
            raise Rejected("names-alike", text)


def runs_of(wall: Wall, sorting: Sorting) -> dict[str, list[Callable[..., Trial]]]:
    """Return what plays each finding against a sorting: torn rules, clashing words.

    The word that has the most meanings comes first.
    """
    found = wall.board.judged(sorting)
    clashes = sorted(found.clashes, key=lambda each: -len(each.meanings))
    return {
        "torn": [partial(torn_run, wall, each, sorting) for each in found.torn],
        "clash": [partial(clash_run, wall, each) for each in clashes],
    }


def judge(answer: Answer, wall: Wall) -> Judgement:
    """Judge a sorting by the rules it tears and the words it mixes up."""
    sorting = sorted_by(answer, wall.board)
    runs = runs_of(wall, sorting)
    if not any(runs.values()):
        return Judgement(praise=_praise(wall.board, sorting))
    fits = (each for each in wall.patterns if each.fits(wall.board, sorting))
    pattern = next(fits, None)
    first = runs[pattern.shown_by] if pattern is not None else []
    run = [*first, *runs["torn"], *runs["clash"]][0]
    trial = shrunk(lambda _, without: run(without=without), run())
    if trial.complaint is None or pattern is None:
        return Judgement(trial)
    complaint = Complaint(pattern.name, f"{trial.complaint.message} {pattern.why}")
    return Judgement(replace(trial, complaint=complaint))


def _praise(board: Board, sorting: Sorting) -> str:
    found = board.judged(sorting)
    contexts, count = len(set(sorting.values())), len(found.processes)
    text = (
        f"{contexts} contexts: every rule that holds at once has one context that can"
        " keep it, and no word has two meanings in one."
    )
    if not count:
        return f"{text} No rule needs a process."
    rules = "; ".join(f"“{each.rule.says}”" for each in found.processes)
    noun = "process" if count == 1 else "processes"
    return f"{text} It costs {count} {noun} across contexts: {rules}."
