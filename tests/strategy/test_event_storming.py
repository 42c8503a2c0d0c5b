"""An event-storming board: what any assignment costs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.strategy.event_storming import (
    Board,
    Card,
    Clash,
    Crossing,
    Findings,
    Kind,
    Rule,
)

LOCKED, FREE = "locked in a dock", "not on a ride"
CARDS = (
    Card("Dock", "Take this bike.", "command"),
    Card("Docked", "It is locked.", after=("Dock",), words={"available": LOCKED}),
    Card("Undocked", "It is out.", after=("Docked",), words={"available": LOCKED}),
    Card("Ended", "The ride is over.", after=("Docked",), words={"available": FREE}),
)
HOLDS = Rule("a dock holds one bike", ("Docked", "Undocked"))
ENDS = Rule("a docked bike ends a ride", ("Docked", "Ended"), at_once=False)
BOARD = Board(CARDS, (HOLDS, ENDS))
GOOD = {"Docked": "stations", "Undocked": "stations", "Ended": "rides"}


# --- one by one -------------------------------------------------------------------


def test_a_sorting_may_cost_a_process_and_nothing_else() -> None:
    found = BOARD.evaluate(GOOD)
    assert found.holds
    assert Findings(processes=(Crossing(ENDS, ("stations", "rides")),)) == found
    assert "<Findings: 0 torn, 0 clashes, 1 processes>" == repr(found)
    text = "“a docked bike ends a ride” needs a process across rides, stations"
    assert text == repr(found.processes[0])


def test_a_rule_that_holds_at_once_is_torn_where_its_events_are_parted() -> None:
    found = BOARD.evaluate({**GOOD, "Undocked": "rides"})
    assert not found.holds
    assert (Crossing(HOLDS, ("stations", "rides")),) == found.torn
    text = "“a dock holds one bike” needs a transaction across rides, stations"
    assert text == repr(found.torn[0])


def test_a_word_with_two_meanings_clashes_where_they_meet() -> None:
    found = BOARD.evaluate(dict.fromkeys(GOOD, "city"))
    meanings = {LOCKED: ("Docked", "Undocked"), FREE: ("Ended",)}
    assert (Clash("city", "available", meanings),) == found.clashes
    assert not found.holds
    text = f"in city, “available” means {LOCKED} or {FREE}"
    assert text == repr(found.clashes[0])


@pytest.mark.parametrize("nowhere", [{}, {"Ended": ""}])
def test_what_lies_in_no_context_is_unsorted(nowhere: dict[str, str]) -> None:
    """It tears nothing and clashes with nothing, yet."""
    assignment = {"Docked": "stations", "Undocked": "stations", **nowhere}
    found = BOARD.evaluate(assignment)
    assert Findings(unsorted=("Ended",)) == found
    assert not found.holds
    assert "<Findings: 0 torn, 0 clashes, 0 processes, 1 unsorted>" == repr(found)


def test_only_events_are_sorted() -> None:
    assert ["Docked", "Undocked", "Ended"] == [card.name for card in BOARD.events]
    with pytest.raises(ValueError, match=r"^no event is called 'Dock'; 3 are$"):
        BOARD.evaluate({"Dock": "stations"})


def test_an_event_that_is_not_on_the_board_cannot_be_sorted() -> None:
    with pytest.raises(ValueError, match=r"^no event is called 'Lost'; 3 are$"):
        BOARD.evaluate({**GOOD, "Lost": "stations"})


@pytest.mark.parametrize(
    ("cards", "rules"),
    [
        ((Card("Docked", "", after=("Lost",)),), ()),
        ((Card("Docked", ""),), (Rule("", ("Docked", "Lost")),)),
    ],
)
def test_a_card_that_is_not_there_is_named(
    cards: tuple[Card, ...], rules: tuple[Rule, ...]
) -> None:
    with pytest.raises(ValueError, match=r"^no card is called 'Lost'$"):
        Board(cards, rules)


def test_a_rule_may_speak_of_what_is_no_event() -> None:
    """Of a command, say: that part of it lies in no context, and tears nothing."""
    rule = Rule("asked, then docked", ("Dock", "Docked"))
    assert BOARD.evaluate(GOOD) == Board(CARDS, (HOLDS, ENDS, rule)).evaluate(GOOD)


# --- laws -------------------------------------------------------------------------

laws = settings(max_examples=50, deadline=None)
NAMES = [f"E{n}" for n in range(6)]
words = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz"), max_size=2)
assignments = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["p", "q", "r", ""])
)


@st.composite
def boards(draw: st.DrawFn) -> Board:
    cards = tuple(Card(name, "", words=draw(words)) for name in NAMES)
    events = st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(tuple)
    rules = [
        Rule(f"rule {n}", draw(events), draw(st.booleans()))
        for n in range(draw(st.integers(0, 5)))
    ]
    other = st.sampled_from([kind for kind in get_args(Kind) if kind != "event"])
    more = Card("other", "", draw(other), words=draw(words))
    return Board((*cards, more), tuple(rules))


def torn(found: Findings) -> set[str]:
    return {each.rule.says for each in found.torn}


def crossed(found: Findings) -> set[str]:
    return {each.rule.says for each in (*found.torn, *found.processes)}


def clashing(found: Findings) -> set[str]:
    return {each.word for each in found.clashes}


@pytest.mark.slow
@laws
@given(boards(), assignments)
def test_what_contexts_are_called_does_not_matter(
    board: Board, assignment: Mapping[str, str]
) -> None:
    names = {"p": "availability", "q": "p", "r": "r", "": ""}
    other = board.evaluate({name: names[c] for name, c in assignment.items()})
    one = board.evaluate(assignment)
    expected = [(x.rule, tuple(names[c] for c in x.contexts)) for x in one.torn]
    assert expected == [(x.rule, x.contexts) for x in other.torn]
    expected = [(x.rule, tuple(names[c] for c in x.contexts)) for x in one.processes]
    assert expected == [(x.rule, x.contexts) for x in other.processes]
    renamed = [(names[c.context], c.word, c.meanings) for c in one.clashes]
    assert renamed == [(c.context, c.word, c.meanings) for c in other.clashes]
    assert one.unsorted == other.unsorted


@pytest.mark.slow
@laws
@given(boards(), assignments)
def test_merging_contexts_tears_no_rule_and_repairs_no_clash(
    board: Board, assignment: Mapping[str, str]
) -> None:
    """And so splitting one adds no word that clashes, and repairs no rule."""
    merged = {name: "p" if c == "q" else c for name, c in assignment.items()}
    apart, together = board.evaluate(assignment), board.evaluate(merged)
    assert torn(together) <= torn(apart)
    assert crossed(together) <= crossed(apart)
    assert clashing(apart) <= clashing(together)
    assert apart.unsorted == together.unsorted


@pytest.mark.slow
@laws
@given(boards())
def test_in_one_context_nothing_is_torn_and_every_word_meets(board: Board) -> None:
    found = board.evaluate(dict.fromkeys(NAMES, "city"))
    assert ((), (), ()) == (found.torn, found.processes, found.unsorted)
    meanings: dict[str, set[str]] = {}
    for card in board.events:
        for word, meaning in card.words.items():
            meanings.setdefault(word, set()).add(meaning)
    assert {w for w, found in meanings.items() if len(found) > 1} == clashing(found)


@pytest.mark.slow
@laws
@given(boards())
def test_each_alone_mixes_no_words_and_tears_whatever_can_be_torn(board: Board) -> None:
    found = board.evaluate({name: name for name in NAMES})
    assert () == found.clashes
    ties = {rule.says for rule in board.rules if len(rule.events) > 1}
    assert ties == crossed(found)


@pytest.mark.slow
@laws
@given(boards(), assignments, st.randoms())
def test_the_order_of_sorting_does_not_matter(
    board: Board, assignment: Mapping[str, str], chance: object
) -> None:
    names = list(assignment)
    chance.shuffle(names)  # type: ignore[attr-defined]  # a random.Random
    assert board.evaluate(assignment) == board.evaluate(
        {name: assignment[name] for name in names}
    )


@pytest.mark.slow
@laws
@given(boards(), assignments)
def test_an_event_that_is_sorted_at_last_only_adds_to_what_was_found(
    board: Board, assignment: Mapping[str, str]
) -> None:
    """A half-done assignment is evaluated by what is on the board already."""
    more = {**assignment, NAMES[0]: assignment.get(NAMES[0]) or "p"}
    before, after = board.evaluate(assignment), board.evaluate(more)
    assert torn(before) <= torn(after)
    assert clashing(before) <= clashing(after)
    assert set(after.unsorted) <= set(before.unsorted)
