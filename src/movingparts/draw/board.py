"""A storming's board: a wall of notes in order of time, which a page lets one sort."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from movingparts.draw.figure import SHOW, TextTable
from movingparts.draw.ink import escaped, printable, quoted

if TYPE_CHECKING:
    from movingparts.strategy.event_storming import (
        Board,
        Card,
        Clash,
        Crossing,
        Findings,
        Rule,
    )

FORMAT = "movingparts.board/1"
MOST_CONTEXTS = 12  # each is a column of the page's workspace
MOST_RULES = len(ascii_uppercase)  # each is named by a letter

_INERT = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&"})
_PRESETS = ("Start over", "Put all into one", "Put each alone")

# The workspace, which only a page has, is styled there (book/_static/css/board.css).
WALL = Path(__file__).with_name("wall.css")
_SPACE = re.compile(r"/\*.*?\*/|\s*\n\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BoardFigure:
    """All cards of a storming as a figure, its rules, and what a page sorts with.

    Without JavaScript, on paper and in JupyterLab, it is the wall of notes and two
    tables, of the cards and of the rules. In a page the reader sorts the events into
    contexts, and each move is evaluated as `Board.evaluate` does.
    """

    storming: Board = field(repr=False)
    contexts: tuple[str, ...]
    title: str
    start: Mapping[str, str] = field(repr=False)

    def html(self) -> str:
        """Return the custom element: the rules, the wall, the tables, the data."""
        text = json.dumps(self.data(), separators=(",", ":")).translate(_INERT)
        tables = self.cards().html() + self.rules().html()
        return (
            '<moving-parts-board><figure class="mp-figure mp-storming">'
            f'<figcaption class="mp-title">{escaped(self.title)}</figcaption>'
            f"{SHOW}{_style()}{self._rules()}{self._wall()}{self._workspace()}{tables}</figure>"
            f'<script type="application/json">{text}</script></moving-parts-board>'
        )

    def cards(self) -> TextTable:
        """Return the table of all cards, in order of time."""
        columns = ["card", "kind", "what it says", "after", "words and their meanings"]
        rows = [
            [
                *(card.name, card.kind, card.says, ", ".join(card.after)),
                "; ".join(f"“{word}”: {means}" for word, means in card.words.items()),
            ]
            for card in self.storming.cards
        ]
        if self.start:
            columns.append("starts in")
            for row in rows:
                row.append(self.start.get(row[0], ""))
        cells = tuple(tuple(row) for row in rows)
        return TextTable("The cards, as a table", tuple(columns), cells)

    def rules(self) -> TextTable:
        """Return the table of the rules between events."""
        rows = tuple(
            (letter, rule.says, _when(rule), ", ".join(rule.events))
            for letter, rule in self._lettered()
        )
        columns = ("rule", "what must hold", "when", "between")
        return TextTable("The rules, as a table", columns, rows)

    def data(self) -> dict[str, Any]:
        """Return what the page evaluates an assignment by."""
        return {
            "format": FORMAT,
            "contexts": list(self.contexts),
            "start": [self.start.get(card.name, "") for card in self.storming.events],
            "events": [
                {
                    "name": card.name,
                    "words": [list(each) for each in card.words.items()],
                }
                for card in self.storming.events
            ],
            "rules": [
                {"says": rule.says, "events": rule.events, "at_once": rule.at_once}
                for rule in self.storming.rules
            ],
        }

    def _lettered(self) -> Iterator[tuple[str, Rule]]:
        return zip(ascii_uppercase, self.storming.rules, strict=False)

    def _rules(self) -> str:
        items = "".join(
            f'<li>{_sign(letter, rule)} {escaped(rule.says)} <span class="mp-kind">'
            f"({_when(rule)})</span></li>"
            for letter, rule in self._lettered()
        )
        label = "Rules between events"
        return _list("mp-rules", label, items) if items else ""

    def _wall(self) -> str:
        cards = pairwise((None, *self.storming.cards))
        items = "".join(self._card(before, card) for before, card in cards if card)
        return _list("mp-wall", "Cards in order of time", items)

    def _card(self, before: Card | None, card: Card) -> str:
        """Return a note; one that follows the note before it is tied to it."""
        follows = before is not None and before.name in card.after
        others = [name for name in card.after if before is None or name != before.name]
        words = "".join(
            f'<p class="mp-word">“{escaped(word)}”: {escaped(means)}</p>'
            for word, means in card.words.items()
        )
        after = f'<p class="mp-after">after {escaped(", ".join(others))}</p>'
        signs = "".join(
            f" {_sign(letter, rule)}"
            for letter, rule in self._lettered()
            if card.name in rule.events
        )
        kind = f"mp-{card.kind.replace(' ', '-')}{' mp-next' if follows else ''}"
        return (
            f'<li class="mp-card {kind}">{after if others else ""}'
            f'<b class="mp-name">{escaped(card.name)}</b>{self._place(card)}'
            f'<p><span class="mp-kind">{card.kind}</span> {escaped(card.says)}'
            f"{signs}</p>{words}</li>"
        )

    def _place(self, card: Card) -> str:
        """Return where a page asks for an event's context, with that of the start."""
        if card.kind != "event":
            return ""
        context = self.start.get(card.name, "")
        text = f"in {escaped(context)}" if context else ""
        return f'<span class="mp-sort">{text}</span>'

    def _workspace(self) -> str:
        """Return the workspace as a script will fill it first, to reserve its room."""
        found = self.storming.evaluate(self.start)
        bins = "".join(self._bin(context) for context in ("", *self.contexts))
        presets = "".join(f'<button type="button">{each}</button>' for each in _PRESETS)
        findings = "".join(f"<li>{each}</li>" for each in self._worded(found))
        verdict = _verdict(found, begun=any(self.start.values()))
        return (
            f'<div class="mp-workspace" hidden><div class="mp-score">{_score(found)}'
            f'<p class="mp-verdict"><span>{verdict}</span> '
            f'<button type="button">Findings</button></p></div>'
            f'<div class="mp-presets">{presets}</div><ul class="mp-bins">{bins}</ul>'
            f'<ul class="mp-findings">{findings}</ul><div class="mp-own"><label>'
            "A context of your own <input></label>"
            '<button type="button">Add</button><p></p></div></div>'
        )

    def _bin(self, context: str) -> str:
        chips = "".join(
            f'<li class="mp-chip">{escaped(card.name)}</li>'
            for card in self.storming.events
            if self.start.get(card.name, "") == context
        )
        name = escaped(context) if context else "not sorted"
        return f'<li class="mp-bin"><b>{name}</b><ul>{chips}</ul></li>'

    def _worded(self, found: Findings) -> Iterator[str]:
        for crossing in found.torn:
            yield self._crossing(crossing)
        for clash in found.clashes:
            events = [name for names in clash.meanings.values() for name in names]
            yield f'<b class="mp-rule">≠</b>{_finding(clash, events)}'
        for crossing in found.processes:
            yield self._crossing(crossing)

    def _crossing(self, crossing: Crossing) -> str:
        letters = (
            _sign(*each) for each in self._lettered() if each[1] is crossing.rule
        )
        return "".join(letters) + _finding(crossing, crossing.rule.events)

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        events, contexts = len(self.storming.events), len(self.contexts)
        return (
            f"<BoardFigure {printable(self.title)}: {events} events,"
            f" {contexts} contexts, {len(self.storming.rules)} rules>"
        )


def board(
    storming_board: Board,
    *,
    contexts: Sequence[str],
    title: str,
    start: Mapping[str, str] | None = None,
) -> BoardFigure:
    """Return a storming's board as a figure whose events the reader can assign.

    `contexts` are the names that the page offers, at most 12; `start` is the first
    assignment. Raises `ValueError` for impossible names, for a start with an unknown
    event or context, or for more than 26 rules.

    >>> from movingparts.strategy.event_storming import Board, Card
    >>> docked = Board((Card("BikeDocked", "A bike is locked in a dock."),))
    >>> board(docked, contexts=("stations", "rides"), title="Whose word is it?")
    <BoardFigure Whose word is it?: 1 events, 2 contexts, 0 rules>
    """
    start = dict(start or {})
    _refuse_bad(storming_board, contexts)
    storming_board.evaluate(start)  # names that are no events
    strange = [each for each in start.values() if each and each not in contexts]
    if strange:
        raise ValueError(f"the start sorts into {strange[0]!r}, which is not offered")
    return BoardFigure(storming_board, tuple(contexts), title, start)


def _refuse_bad(storming_board: Board, contexts: Sequence[str]) -> None:
    if not storming_board.events:
        raise ValueError("a board without events has nothing to sort")
    cards = [card.name for card in storming_board.cards]
    if twice := [name for i, name in enumerate(cards) if name in cards[:i]]:
        raise ValueError(f"two cards are called {twice[0]!r}")
    if len(storming_board.rules) > MOST_RULES:
        count = len(storming_board.rules)
        raise ValueError(f"a board shows at most {MOST_RULES} rules, got {count}")
    if not 1 <= len(contexts) <= MOST_CONTEXTS:
        raise ValueError(f"a board offers 1 to {MOST_CONTEXTS} contexts")
    names = [printable(each).casefold() for each in contexts]
    if "" in names:
        raise ValueError("a context has no name")
    if twice := [each for i, each in enumerate(contexts) if names[i] in names[:i]]:
        raise ValueError(f"two contexts are called {twice[0]!r}")


@functools.cache
def _style() -> str:
    """Return the wall's style sheet, without what only its readers need."""
    return f"<style>{_SPACE.sub('', WALL.read_text('utf-8'))}</style>"


def _list(name: str, label: str, items: str) -> str:
    return f'<ol class="{name}" role="list" aria-label={quoted(label)}>{items}</ol>'


def _sign(letter: str, rule: Rule) -> str:
    """Return a rule's letter; one that may be broken for a while is dashed."""
    later = "" if rule.at_once else " mp-later"
    return f'<b class="mp-rule{later}">{letter}</b>'


def _when(rule: Rule) -> str:
    return "at every moment" if rule.at_once else "may lag"


def _score(found: Findings) -> str:
    counts = (
        (len(found.unsorted), "to sort"),
        (len(found.torn), "rules torn"),
        (len(found.clashes), "word clashes"),
        (len(found.processes), "processes"),
    )
    return "".join(f"<p><b>{count}</b> {what}</p>" for count, what in counts)


def _verdict(found: Findings, *, begun: bool) -> str:
    if not begun:
        return "Nothing is sorted yet."
    if found.torn or found.clashes:
        return "It does not hold."
    if found.unsorted:
        return "It holds so far."
    count = len(found.processes)
    if not count:
        return "It holds, without a process."
    return f"It holds, for {count} process{'es' if count > 1 else ''}."


def _finding(finding: Crossing | Clash, events: Sequence[str]) -> str:
    cards = "".join(
        f'<button type="button">{escaped(each)}</button>' for each in events
    )
    return f"<p>{escaped(repr(finding))}</p><p>{cards}</p>"
