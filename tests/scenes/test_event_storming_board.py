"""Larkhaven's wall: the code sorts its events so that it costs no transaction."""

from __future__ import annotations

from importlib import import_module

import pytest

from movingparts.city.larkhaven import CONTEXTS
from movingparts.scenes.ch02.event_storming_board import WALL, as_built

EVENTS = [card.name for card in WALL.events]
AT_ONCE = [rule for rule in WALL.rules if rule.at_once]


def test_the_code_tears_no_rule_and_mixes_up_no_word() -> None:
    found = WALL.evaluate(as_built())
    assert found.holds
    assert [rule for rule in WALL.rules if not rule.at_once] == [
        each.rule for each in found.processes
    ]


def test_everything_in_one_context_mixes_up_the_words() -> None:
    """“Available” means six things on this wall, and “rider” two."""
    found = WALL.evaluate(dict.fromkeys(EVENTS, "city"))
    assert () == found.torn
    meanings = {clash.word: len(clash.meanings) for clash in found.clashes}
    assert {"available": 6, "rider": 2} == meanings


def test_each_event_alone_tears_every_rule() -> None:
    found = WALL.evaluate({name: name for name in EVENTS})
    assert () == found.clashes
    assert AT_ONCE == [each.rule for each in found.torn]


@pytest.mark.parametrize("rule", AT_ONCE, ids=lambda rule: rule.says)
def test_no_event_of_a_rule_can_be_moved_elsewhere(rule: object) -> None:
    """Each rule that holds at once keeps its events where the code has them."""
    built = as_built()
    for event in rule.events:  # type: ignore[attr-defined]  # a Rule
        for context in set(CONTEXTS) - {built[event]}:
            torn = WALL.evaluate({**built, event: context}).torn
            assert rule in [each.rule for each in torn]


def test_in_each_context_available_means_one_thing_of_its_own() -> None:
    built = as_built()
    text = {
        (built[card.name], card.words["available"])
        for card in WALL.events
        if "available" in card.words
    }
    assert set(CONTEXTS) == {context for context, _ in text}
    assert len(text) == len(CONTEXTS)


def test_each_event_on_the_wall_is_an_event_of_one_model() -> None:
    models = {
        each: import_module(f"movingparts.city.{each}.model") for each in CONTEXTS
    }
    homes = {n: [c for c, model in models.items() if hasattr(model, n)] for n in EVENTS}
    assert {name: [context] for name, context in as_built().items()} == homes


def test_a_card_follows_only_what_stands_before_it() -> None:
    """The wall is in order of time."""
    seen: set[str] = set()
    for card in WALL.cards:
        assert set(card.after) <= seen
        seen.add(card.name)
