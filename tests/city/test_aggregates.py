"""What holds for all aggregates and desks of the city alike."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from movingparts.city.availability import model as availability
from movingparts.city.billing import model as billing
from movingparts.city.billing.service import Handlers as Billing
from movingparts.city.fleet import model as fleet
from movingparts.city.fleet.service import Handlers as Fleet
from movingparts.city.larkhaven import CONTEXTS
from movingparts.city.riders import model as riders
from movingparts.city.rides import model as rides
from movingparts.city.stations import model as stations
from movingparts.repository import Aggregate
from tests.city.aggregates import EIGHT, Lived, at_once, state

FRESH: list[Callable[[Any], Aggregate]] = [
    availability.Stand, availability.Rider, availability.Bike,
    billing.Payment, billing.Account,
    fleet.Bike, fleet.Depot,
    riders.Rider,
    rides.Ride, rides.Bike,
    stations.Station,
]  # fmt: skip


@pytest.mark.parametrize(
    "make", FRESH, ids=lambda make: f"{make.__module__.split('.')[2]}-{make.__name__}"
)
def test_an_event_that_an_aggregate_does_not_know_changes_nothing(make: Any) -> None:
    """A stream may hold what a later version of the code has written."""
    aggregate = make("x")
    before = state(aggregate)
    aggregate.apply(object())
    assert before == state(aggregate)
    assert "x" == aggregate.key


@pytest.mark.parametrize("context", CONTEXTS)
def test_what_a_context_does_not_know_it_tells_nobody(context: str) -> None:
    assert None is import_module(f"movingparts.city.{context}.contract").to_message(
        object()
    )


def test_news_and_commands_that_a_context_does_not_know_change_nothing() -> None:
    city, clock = Lived(), SimpleNamespace(now=lambda: EIGHT)
    node: Any = SimpleNamespace(clock=clock)  # as much as the desks need
    publish: Any = city.publish  # as much of a publisher
    workshop = Fleet(node, city.store, publish)
    at_once(workshop.add(fleet.BikeId("B1"), "classic_bike"))
    before = len(city.recorded)
    news: Any = object()
    at_once(workshop.handle(news))
    at_once(workshop.change(fleet.BikeId("B1"), "paint"))
    at_once(Billing(node, city.store, publish, billing.STANDARD).handle(news))
    assert before == len(city.recorded)
