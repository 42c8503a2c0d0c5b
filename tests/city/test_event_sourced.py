"""The six contexts, event-sourced: no service changes, and neither does the day."""

from __future__ import annotations

from typing import Any

import pytest

from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.core import Node
from movingparts.event_sourcing import EventSourcedStore
from movingparts.eventstore import SqliteEventStore
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.test_day import VIEWS, read


def sourced(make: Any) -> Any:
    """A context whose aggregates are kept in a log."""

    def made(node: Node) -> Any:
        log = SqliteEventStore(node.disk.connect(), node.clock, synchronous="NORMAL")
        # With the node's own ids, the node's later ids would be others than without.
        ids = (f"{node.name}-{number}" for number in range(1, 1_000_000))
        return make(node, store=EventSourcedStore(log, ids.__next__))

    return made


@pytest.mark.slow
def test_a_city_that_is_event_sourced_has_the_same_morning() -> None:
    city = larkhaven(seed=7, stations=4, bikes=20, riders=30, rides=150)

    def morning(contexts: Any) -> Any:
        async def scenario(world: SimulatedWorld) -> Any:
            await serve_city(world, contexts)
            await open_city(world, city)
            await sleep_until(world, first_day(), 7, city)
            outcome = await live_day(world, city, first_day(), hours=(7, 9), trucks=0)
            await world.clock.sleep(60)
            views = [await read(world, city, what) for what in VIEWS]
            return outcome.requests, views

        return simulate(scenario, seed=1)

    rows = morning(CONTEXTS)
    events = morning({name: sourced(make) for name, make in CONTEXTS.items()})
    assert rows.result == events.result
    assert rows.result[0]["ridden"] > 15
    assert [(m.label, m.sent_us) for m in rows.messages] == [
        (m.label, m.sent_us) for m in events.messages
    ]
