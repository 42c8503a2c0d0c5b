"""A trip history as events, and the check that bikes are conserved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.gbfs import Stop
from movingparts.city.ride import Ride
from movingparts.eventstore import MemoryEventStore, StoredEvent
from movingparts.scenes.ch08.day import record
from movingparts.scenes.ch08.own import ON_MAP, happenings, odd, placed_first, spots

EIGHT = datetime(2031, 5, 5, 8, tzinfo=UTC)
STATION = st.sampled_from(["S1", "S2", "S3"])
MINUTES = st.integers(0, 120)
RIDES = st.lists(st.tuples(MINUTES, MINUTES, STATION, STATION), min_size=1, max_size=30)


def rides(rows: list[tuple[int, int, str, str]]) -> list[Ride]:
    """Return rides: the minute of the start, how many it takes, from where to where."""
    begin = [EIGHT + timedelta(minutes=row[0]) for row in sorted(rows)]
    return [
        Ride(f"R{n}", at, at + timedelta(minutes=row[1]), *row[2:])
        for n, (at, row) in enumerate(zip(begin, sorted(rows), strict=True))
    ]


def log_of(found: list[Ride], *, first: bool = True) -> list[StoredEvent]:
    """Return the log, with each bike placed first or right before its first ride."""
    log, what = MemoryEventStore(), happenings(found)

    async def recorded() -> list[StoredEvent]:
        await record(log, placed_first(what) if first else what)
        return await log.read_all()

    return asyncio.run(recorded())


@given(RIDES, st.booleans())
def test_bikes_are_conserved_in_the_order_of_time(
    rows: list[tuple[int, int, str, str]], first: bool
) -> None:
    events = log_of(rides(rows), first=first)
    assert [] == list(odd(events))
    times = [event.data["at"] for event in events]
    assert sorted(times) == times
    ended = sum(event.type == "RideEnded" for event in events)
    assert len(rows) == ended


def test_what_cannot_be_is_named() -> None:
    placed, start, end, fare, again, *_ = log_of(
        rides([(0, 10, "S1", "S2"), (20, 10, "S2", "S1")])
    )
    assert [] == list(odd([placed, start, end, fare, again]))
    assert ["ride-R1/1: bike-1 is ride-R0, not S2"] == list(odd([placed, start, again]))
    assert ["ride-R0/1: bike-1 is nowhere, not S1"] == list(odd([start]))
    twice = [placed, replace(placed, id="twice")]
    assert ["twice: bike-1 is S1, not nowhere"] == list(odd(twice))


def test_the_map_shows_the_stations_where_most_rides_start() -> None:
    stops = [Stop(f"S{n}", f"S{n}", 49 + n / 1000, 6.0) for n in range(ON_MAP + 5)]
    busy = rides([(0, 1, f"S{ON_MAP + 4}", "S1")] * 2)
    shown = spots(stops, busy)
    assert ON_MAP == len(shown)
    assert (f"S{ON_MAP + 4}", 0.0) == (shown[0].station_id, shown[0].y)  # the north
    assert [] == spots([], busy)
