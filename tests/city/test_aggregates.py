"""The laws of all contexts: a new context is one entry of `SCENARIOS`."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.billing import model as billing
from movingparts.city.billing.service import Handlers as Billing
from movingparts.city.fleet import model as fleet
from movingparts.city.fleet.service import Handlers as Fleet
from movingparts.city.larkhaven import CONTEXTS
from tests.city import (
    test_availability,
    test_billing,
    test_fleet,
    test_riders,
    test_rides,
    test_stations,
)
from tests.city.aggregates import (
    EIGHT,
    Harness,
    Scenario,
    at_once,
    laws,
    replayed,
    state,
)

SCENARIOS: dict[str, Scenario[Any]] = {
    "availability": test_availability.SCENARIO,
    "billing": test_billing.SCENARIO,
    "fleet": test_fleet.SCENARIO,
    "riders": test_riders.SCENARIO,
    "rides": test_rides.SCENARIO,
    "stations": test_stations.SCENARIO,
}
each_context = pytest.mark.parametrize("context", CONTEXTS)


@pytest.mark.slow
@each_context
@laws
@given(data=st.data())
def test_replaying_gives_what_is_stored(context: str, data: st.DataObject) -> None:
    """Each aggregate's events, numbered without gaps, give the state in its row."""
    scenario = SCENARIOS[context]
    city = scenario.run(data.draw(scenario.steps))
    assert city.numbered_without_gaps()
    for kind in scenario.aggregates:
        for aggregate in city.all(kind):
            events = city.events(kind, aggregate.key)
            assert state(aggregate) == replayed(kind(aggregate.key), events)


@pytest.mark.slow
@each_context
@laws
@given(data=st.data())
def test_what_comes_twice_has_the_effect_of_once(
    context: str, data: st.DataObject
) -> None:
    scenario = SCENARIOS[context]
    city = scenario.run(data.draw(scenario.steps))
    step = data.draw(scenario.repeated)
    scenario.do(city, step)
    once, recorded = scenario.states(city), len(city.recorded)
    scenario.do(city, step)
    assert once == scenario.states(city)
    again = [each.event for each in city.recorded[recorded:]]
    assert [] == [event for event in again if not scenario.recorded_again(event)]


@pytest.mark.parametrize(
    "make",
    [kind for scenario in SCENARIOS.values() for kind in scenario.aggregates],
    ids=lambda make: f"{make.__module__.split('.')[2]}-{make.__name__}",
)
def test_an_event_that_an_aggregate_does_not_know_changes_nothing(make: Any) -> None:
    """A stream may hold what a later version of the code has written."""
    aggregate = make("x")
    before = state(aggregate)
    aggregate.apply(object())
    assert before == state(aggregate)
    assert "x" == aggregate.key


@each_context
def test_an_event_that_a_context_does_not_know_is_not_published(context: str) -> None:
    assert None is import_module(f"movingparts.city.{context}.contract").to_message(
        object()
    )


def test_unknown_messages_and_commands_change_nothing() -> None:
    city, clock = Harness(), SimpleNamespace(now=lambda: EIGHT)
    node: Any = SimpleNamespace(clock=clock)  # as much as the handlers need
    publish: Any = city.publish  # as much of a publisher
    workshop = Fleet(node, city.store, publish)
    at_once(workshop.add(fleet.BikeId("B1"), "classic_bike"))
    before = len(city.recorded)
    news: Any = object()
    at_once(workshop.handle(news))
    at_once(workshop.change(fleet.BikeId("B1"), "paint"))
    at_once(Billing(node, city.store, publish, billing.STANDARD).handle(news))
    assert before == len(city.recorded)
