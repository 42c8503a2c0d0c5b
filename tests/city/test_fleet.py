"""Fleet: the condition of bikes, and moves that no two trucks make."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.fleet import acl, contract
from movingparts.city.fleet.model import (
    Bike,
    BikeId,
    BikeRidden,
    BikesMoved,
    Depot,
    Move,
    MoveId,
    MoveTaken,
    Refused,
    Ridden,
    StationId,
    TruckId,
)
from movingparts.city.fleet.service import Handlers
from tests.city.aggregates import (
    EIGHT,
    SECOND,
    Harness,
    Scenario,
    after,
    at_once,
    laws,
    lives,
    loaded,
    often,
    state,
    unchanged_if,
)

B1, B2 = BikeId("B1"), BikeId("B2")
FLAT = "a flat tire"


class Workshop(Harness):
    """The service of fleet, whose clock is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.now = EIGHT
        clock = SimpleNamespace(now=lambda: self.now)
        node: Any = SimpleNamespace(clock=clock)  # as much as the handlers need
        self.handlers = Handlers(node, self.store, self.publish)  # type: ignore[arg-type]  # as much of a publisher

    def bike(self, key: BikeId = B1) -> Bike:
        return self.get(Bike, key)

    def depot(self) -> Depot:
        return self.get(Depot, "depot")


def move(number: int, bikes: int = 4) -> Move:
    name = MoveId(f"m{number}")
    return Move(name, StationId("S1"), StationId("S2"), bikes)


bikes = st.sampled_from([B1, B1, B2])
changes = st.sampled_from(
    ["add", *["report", "take in", "repair"] * 3, "retire"],
)
faults = st.sampled_from([FLAT, FLAT, "no brakes"])
commands = st.tuples(changes, bikes, faults)
ridden = st.builds(Ridden, bikes, st.sampled_from("abcd"), st.integers(0, 90))
planned = st.integers(1, 4).map(move)
takes = st.sampled_from(["take", "take"])
brings = st.tuples(st.just("bring"), st.integers(1, 4).map(lambda n: MoveId(f"m{n}")))
steps = lives(often((9, commands), (2, ridden), (2, planned), (2, takes), (1, brings)))
Step = Any


def perform(city: Workshop, step: Step) -> None:
    city.now += SECOND
    match step:
        case Ridden() | Move():
            at_once(city.handlers.handle(step))
        case "take":
            at_once(city.handlers.next_move(TruckId("truck-1")))
        case ("bring", move_id):
            at_once(city.handlers.moved(move_id, (B1,)))
        case ("add", bike, _):
            at_once(city.handlers.add(bike, "classic_bike"))
        case (what, bike, fault):
            at_once(city.handlers.change(bike, what, fault))


def start() -> Workshop:
    city = Workshop()
    at_once(city.handlers.add(B1, "classic_bike"))
    return city


SCENARIO = Scenario(
    start=start,
    step=perform,
    aggregates=(Bike, Depot),
    steps=steps,
    repeated=st.one_of(ridden, planned, brings, commands),
    refused=(Refused, LookupError),
)
run = SCENARIO.run


@pytest.mark.slow
@laws
@given(steps)
def test_a_flag_stays_until_the_bike_is_repaired(steps: list[Step]) -> None:
    """A bike with a fault is never available, and one without is, unless retired."""
    for bike in run(steps).all(Bike):
        fit = not bike.faults and not bike.retired
        assert fit is (bike.state == "available")


@pytest.mark.slow
@laws
@given(steps)
def test_each_state_of_a_bike_is_published(steps: list[Step]) -> None:
    """In the words of MDS: a subscriber to all of them knows what fleet knows."""
    city = run(steps)
    known: dict[str, str] = {}
    for each in city.recorded:
        text = contract.to_message(each.event)
        if isinstance(text, contract.ConditionChanged):
            known[text.bike_id] = text.vehicle_state
    assert {bike.bike_id: bike.state for bike in city.all(Bike)} == known


@pytest.mark.slow
@laws
@given(steps)
def test_no_move_is_made_by_two_trucks_or_done_twice(steps: list[Step]) -> None:
    city = run(steps)
    for kind in (MoveTaken, BikesMoved):
        found = [each.move.move_id for each in city.of(kind)]
        assert sorted(set(found)) == sorted(found)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_a_ride_is_counted_once_also_if_it_is_reported_again_later(
    published: list[int],
) -> None:
    """Deliveries may pass each other: the last one is not always the newest."""
    bike = Bike.add(B1, "classic_bike", EIGHT)
    for ride in published:
        bike.ridden(f"ride-{ride}", 10 + ride)
    assert sum(10 + ride for ride in set(published)) == bike.minutes
    assert len(set(published)) == sum(isinstance(e, BikeRidden) for e in bike.events)


def test_what_is_saved_is_what_is_loaded() -> None:
    bike = Bike.add(B1, "electric_bike", after(0.000001))
    bike.report_fault(FLAT, after(1))
    bike.ridden("r1", 12)
    depot = Depot("depot")
    depot.plan(move(1))
    depot.plan(move(2))
    depot.take(TruckId("t1"))
    assert (state(bike), state(depot)) == (loaded(bike), loaded(depot))
    text = "<Bike B1: non_operational, 12 minutes ridden>"
    assert (text, "<Depot: 1 planned, 1 under way>") == (repr(bike), repr(depot))


def test_only_what_is_flagged_is_taken_in_and_only_what_is_faulty_repaired() -> None:
    bike = Bike.add(B1, "classic_bike", EIGHT)
    assert unchanged_if(Refused, bike, lambda: bike.take_in(EIGHT))
    assert unchanged_if(Refused, bike, lambda: bike.repair(EIGHT))
    bike.report_fault(FLAT, EIGHT)
    bike.take_in(EIGHT)
    assert unchanged_if(Refused, bike, lambda: bike.take_in(EIGHT))
    bike.repair(EIGHT)
    assert ("available", []) == (bike.state, bike.faults)


def test_a_retired_bike_does_not_come_back() -> None:
    bike = Bike.add(B1, "classic_bike", EIGHT)
    bike.report_fault(FLAT, EIGHT)
    bike.retire(EIGHT)
    bike.retire(EIGHT)
    bike.report_fault("no brakes", EIGHT)
    assert unchanged_if(Refused, bike, lambda: bike.repair(EIGHT))
    assert unchanged_if(Refused, bike, lambda: bike.take_in(EIGHT))
    assert ("removed", 3) == (bike.state, len(bike.events))


def test_trucks_take_the_oldest_move_and_none_if_there_is_none() -> None:
    depot = Depot("depot")
    assert None is depot.take(TruckId("t1"))
    depot.plan(move(2))
    depot.plan(move(1))
    taken = [depot.take(TruckId("t1")) for _ in range(3)]
    assert [move(2), move(1), None] == taken


def test_a_move_that_no_truck_has_taken_is_not_done() -> None:
    depot = Depot("depot")
    depot.plan(move(1))
    assert unchanged_if(Refused, depot, lambda: depot.moved(MoveId("m1"), (), EIGHT))


def test_a_bike_that_fleet_does_not_know_is_not_counted() -> None:
    city = Workshop()
    at_once(city.handlers.handle(Ridden(B1, "r1", 12)))
    assert ([], []) == (city.recorded, city.all(Bike))


def test_a_ride_is_counted_in_whole_minutes() -> None:
    published = {"ride_id": "r1", "bike_id": "B1", "started_at": after(0).isoformat()}
    for seconds, minutes in ((0, 0), (59, 0), (60, 1), (3599, 59)):
        found = acl.ended({**published, "ended_at": after(seconds).isoformat()})
        assert Ridden(B1, "r1", minutes) == found


def test_each_time_that_bikes_are_wanted_is_a_move_of_its_own() -> None:
    published = {"from_station": "S1", "to_station": "S2", "bikes": 4}
    moves = [acl.wanted({**published, "at": after(n).isoformat()}) for n in (0, 0, 600)]
    assert moves[0] == moves[1]
    assert moves[0].move_id != moves[2].move_id
