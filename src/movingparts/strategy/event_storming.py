"""Event storming: cards on a wall, assigned to contexts, and what an assignment costs.

Each card describes something that happens, in the words of those who wrote it. A rule
ties its events together; a word with two meanings drives apart the cards that use it.
`Board.evaluate` says which rules an assignment tears and which words it mixes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["event", "command", "policy", "hot spot"]


@dataclass(frozen=True, slots=True)
class Card:
    """One card: a name, what it says, the cards that it follows.

    `words` maps a word of the card to what those who wrote the card mean by it. Only
    events are assigned; the other kinds show how one event leads to the next.

    >>> Card("BikeDocked", "A bike is locked in a dock.").kind
    'event'
    """

    name: str
    says: str
    kind: Kind = "event"
    after: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold between events.

    One that holds `at_once` can be broken at no instant, so its events belong into one
    transaction. Another may be broken for a while, until a process repairs it.

    >>> Rule("a dock holds one bike", ("BikeDocked", "BikeUndocked")).at_once
    True
    """

    says: str
    events: tuple[str, ...]
    at_once: bool = True


@dataclass(frozen=True, slots=True)
class Crossing:
    """A rule whose events were sorted into more than one context."""

    rule: Rule
    contexts: tuple[str, ...]

    def __repr__(self) -> str:
        how = "a transaction" if self.rule.at_once else "a process"
        listed = ", ".join(sorted(self.contexts))
        return f"“{self.rule.says}” needs {how} across {listed}"


@dataclass(frozen=True, slots=True)
class Clash:
    """A word that means more than one thing within one context."""

    context: str
    word: str
    meanings: Mapping[str, tuple[str, ...]]  # what it means: to which events

    def __repr__(self) -> str:
        meanings = " or ".join(self.meanings)
        return f"in {self.context}, “{self.word}” means {meanings}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What an assignment costs.

    `torn` are rules that need a transaction across contexts, `processes` those for
    which a process across contexts will do, `clashes` words with two meanings in one
    context, `unsorted` events that lie in none.
    """

    torn: tuple[Crossing, ...] = ()
    processes: tuple[Crossing, ...] = ()
    clashes: tuple[Clash, ...] = ()
    unsorted: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every event has a context that keeps its rules and its words."""
        return not (self.torn or self.clashes or self.unsorted)

    def __repr__(self) -> str:
        counts = (
            f"{len(self.torn)} torn",
            f"{len(self.clashes)} clashes",
            f"{len(self.processes)} processes",
            *([f"{len(self.unsorted)} unsorted"] if self.unsorted else []),
        )
        return f"<Findings: {', '.join(counts)}>"


@dataclass(frozen=True, slots=True)
class Board:
    """All cards of a storming, in order of time, and the rules between events.

    Raises `ValueError` for a rule or a card that names a card which is not there.

    >>> docked, ended = Card("BikeDocked", "locked"), Card("RideEnded", "over")
    >>> board = Board((docked, ended), (Rule("both", ("BikeDocked", "RideEnded")),))
    >>> board.evaluate({"BikeDocked": "stations", "RideEnded": "rides"}).torn
    (“both” needs a transaction across rides, stations,)

    Source: chapter 02; event storming is Alberto Brandolini's. Leaves out: people,
    read models, and the wall.
    """

    cards: tuple[Card, ...]
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        known = {card.name for card in self.cards}
        named = [name for card in self.cards for name in card.after]
        named += [name for rule in self.rules for name in rule.events]
        unknown = [name for name in named if name not in known]
        if unknown:
            raise ValueError(f"no card is called {unknown[0]!r}")

    @property
    def events(self) -> tuple[Card, ...]:
        """The cards that are sorted."""
        return tuple(card for card in self.cards if card.kind == "event")

    def evaluate(self, assignment: Mapping[str, str]) -> Findings:
        """Return what an assignment, from the names of events to contexts, costs.

        Raises `ValueError` for a name that is no event of this board.
        """
        names = [card.name for card in self.events]
        strange = [name for name in assignment if name not in names]
        if strange:
            raise ValueError(f"no event is called {strange[0]!r}; {len(names)} are")
        crossings = [
            Crossing(rule, contexts)
            for rule in self.rules
            if len(contexts := _contexts(rule, assignment)) > 1
        ]
        return Findings(
            torn=tuple(each for each in crossings if each.rule.at_once),
            processes=tuple(each for each in crossings if not each.rule.at_once),
            clashes=tuple(self._clashes(assignment)),
            unsorted=tuple(name for name in names if not assignment.get(name)),
        )

    def _clashes(self, assignment: Mapping[str, str]) -> list[Clash]:
        used: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        for card in self.events:
            context = assignment.get(card.name)
            for word, meaning in card.words.items() if context else ():
                found = used.setdefault((str(context), word), {})
                found[meaning] = (*found.get(meaning, ()), card.name)
        return [
            Clash(context, word, meanings)
            for (context, word), meanings in used.items()
            if len(meanings) > 1
        ]


def _contexts(rule: Rule, assignment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the contexts in which a rule's events lie, each once, in order."""
    found = (assignment.get(name) for name in rule.events)
    return tuple(dict.fromkeys(context for context in found if context))
