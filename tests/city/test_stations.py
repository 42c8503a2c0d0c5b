"""Stations: a bike is in one place, a dock holds one bike, whatever docks report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.stations import contract
from movingparts.city.stations.model import (
    CROWDED,
    GONE_SINCE,
    LATE,
    MOVED,
    NOT_THERE,
    OCCUPIED,
    STRANGE_DOCK,
    STRANGE_STATION,
    AnomalyFound,
    Bike,
    BikeDocked,
    BikeId,
    BikeUnlocked,
    Docked,
    DockId,
    DockState,
    Refused,
    Report,
    Station,
    StationId,
    Taken,
    Unlock,
)
from movingparts.city.stations.service import BikeWanted, Handlers
from tests.city.aggregates import (
    Harness,
    Scenario,
    after,
    at_once,
    laws,
    lives,
    moments,
    often,
    state,
    unchanged_if,
)

S1, S2, STRANGE = StationId("S1"), StationId("S2"), StationId("S9")
B1, B2, B3 = BikeId("B1"), BikeId("B2"), BikeId("B3")
DOCKS = {s: tuple(DockId(f"{s}-{n:02d}") for n in (1, 2)) for s in (S1, S2)}


class Docks(Harness):
    """A city of two stations with two docks each, and the service that runs it."""

    def __init__(self, **installed: int) -> None:
        super().__init__()
        self.opened_at: datetime | None = None  # when the vendor says that it let go
        self.asked, self.refuses = "", 409
        self.client = SimpleNamespace(post=self._open)
        node: Any = SimpleNamespace(client=self.client)  # as much as the handlers need
        self.handlers = Handlers(node, self.store, self.publish)  # type: ignore[arg-type]  # as much of a publisher
        for station, docks in DOCKS.items():
            at_once(self.handlers.install(station, docks[: installed.get(station, 2)]))

    async def _open(self, url: str, json: Any) -> httpx.Response:
        self.asked = url
        if self.opened_at is None:
            return httpx.Response(self.refuses, json={"detail": "not here"})
        return httpx.Response(200, json={"ts": int(self.opened_at.timestamp())})

    def report(self, *reports: Report) -> None:
        at_once(self.handlers.report(reports))

    def unlock(
        self, station: StationId, bike: BikeId, at: datetime | None, ride: str = ""
    ) -> datetime:
        """Have a bike let go, each time for another ride if none is named."""
        self.opened_at = at
        ride = ride or f"ride-{len(self.recorded)}"
        wanted = BikeWanted(ride_id=ride, bike_id=bike, until=after(60))
        return at_once(self.handlers.unlock(station, wanted))

    def station(self, key: StationId = S1) -> Station:
        return self.get(Station, key)

    def bike(self, key: BikeId = B1) -> Bike:
        return self.get(Bike, key)

    def places(self) -> dict[BikeId, list[str]]:
        """Return every place in which a bike is, by bike: a dock, or beside."""
        found: dict[BikeId, list[str]] = {}
        for station in self.all(Station):
            for dock, bike in station.docks.items():
                if bike is not None:
                    found.setdefault(bike, []).append(dock)
            for bike in station.beside:
                found.setdefault(bike, []).append(f"beside {station.station_id}")
        return found

    def anomalies(self) -> list[tuple[str, str, str]]:
        """Return what was found odd: the bike, the station that says so, the reason."""
        events = [each.event for each in self.recorded]
        odd = [each for each in events if isinstance(each, AnomalyFound)]
        return [(each.bike_id, each.station_id, each.reason) for each in odd]


bikes = st.sampled_from([B1, B2, B3])
stations = st.sampled_from([S1, S1, S1, S2, S2, STRANGE])
docks = st.sampled_from([None, "01", "01", "02", "07"])  # the last is a strange one


@st.composite
def docked(draw: st.DrawFn) -> Docked:
    station, dock = draw(stations), draw(docks)
    dock_id = DockId(f"{station}-{dock}") if dock else None
    return Docked(draw(bikes), station, dock_id, draw(moments))


taken = st.builds(Taken, bikes, stations, moments)
alarms = st.builds(
    DockState,
    stations,
    st.sampled_from([DockId("S1-01"), DockId("S1-02"), DockId("S2-01")]),
    st.booleans(),
    moments,
)
unlocks = st.tuples(stations, bikes, moments)
refits = st.tuples(st.sampled_from([S1, S2]), st.integers(0, 2))
Step = Any
steps = lives(often((6, docked()), (3, taken), (2, alarms), (2, unlocks), (1, refits)))
movements = lives(often((2, docked()), (1, taken)), parts=2)


def perform(city: Docks, step: Step) -> None:
    match step:
        case Docked() | Taken() | DockState():
            city.report(step)
        case (station, int(count)):
            at_once(city.handlers.install(station, DOCKS[station][:count]))
        case (station, bike, at):
            with suppress(Refused):  # which is remembered, and changes nothing else
                city.unlock(station, bike, at)


SCENARIO = Scenario(
    start=Docks,
    step=perform,
    aggregates=(Station, Bike, Unlock),
    steps=steps,
    repeated=st.one_of(docked(), taken, alarms),
    refused=(Refused, LookupError),
    recorded_again=lambda event: getattr(event, "reason", "") == LATE,
)
do, run = SCENARIO.do, SCENARIO.run


# --- the rules --------------------------------------------------------------------


@pytest.mark.slow
@laws
@given(steps)
def test_a_bike_is_in_one_place_at_a_time(steps: list[Step]) -> None:
    """Whatever is reported, in whatever order, and whatever is asked in between."""
    city = run(steps)
    assert [] == [(bike, at) for bike, at in city.places().items() if len(at) != 1]


@pytest.mark.slow
@laws
@given(steps)
def test_a_bike_knows_the_station_that_it_is_at(steps: list[Step]) -> None:
    """The two aggregates that say where a bike is never disagree."""
    city = run(steps)
    holders = {
        bike.bike_id: [s.station_id for s in city.all(Station) if s.holds(bike.bike_id)]
        for bike in city.all(Bike)
    }
    expected = {
        bike.bike_id: [bike.station_id] if bike.station_id else []
        for bike in city.all(Bike)
    }
    assert expected == holders


@pytest.mark.slow
@laws
@given(steps)
def test_a_dock_holds_one_bike_at_most(steps: list[Step]) -> None:
    """If a bike comes into a dock that holds another, that one has left."""
    city = Docks()
    for step in steps:
        before = {d: b for s in city.all(Station) for d, b in s.docks.items() if b}
        published = len(city.recorded)
        do(city, step)
        for each in city.recorded[published:]:
            event = each.event
            if isinstance(event, BikeDocked) and event.dock_id is not None:
                assert before.get(event.dock_id) is None
                before[event.dock_id] = event.bike_id
            elif hasattr(event, "bike_id") and not isinstance(event, AnomalyFound):
                before = {d: b for d, b in before.items() if b != event.bike_id}
    assert len(set(city.places())) == sum(map(len, city.places().values()))


@pytest.mark.slow
@laws
@given(steps)
def test_a_station_is_never_over_capacity(steps: list[Step]) -> None:
    """A bike without a dock is beside; an unknown dock is one more."""
    city = run(steps)
    for station in city.all(Station):
        taken = [bike for bike in station.docks.values() if bike is not None]
        assert len(taken) + len(station.free_docks()) <= len(station.docks)
        assert len(set(taken)) == len(taken)
        assert not set(taken) & set(station.beside)


@pytest.mark.slow
@laws
@given(steps)
def test_that_a_bike_left_is_published_before_that_it_came(
    steps: list[Step],
) -> None:
    """So a subscriber that reads them in order never sees a bike in two places."""
    assert [] == run(steps).audited(contract)


@pytest.mark.slow
@laws
@given(movements)
def test_the_later_report_of_a_bike_is_believed_in_whatever_order_they_come(
    reports: list[Docked | Taken],
) -> None:
    """A bike is where the latest report of it says, or its dock was given away."""
    distinct = [replace(r, at=after(n)) for n, r in enumerate(reports)]
    for order in (distinct, distinct[::-1], distinct[::2] + distinct[1::2]):
        city = Docks()
        city.report(*order)
        for bike in city.all(Bike):
            latest = [r for r in distinct if r.bike_id == bike.bike_id][-1]
            there = latest.station_id if isinstance(latest, Docked) else None
            assert bike.station_id in (there, None)
            assert bike.seen_at is not None
            assert bike.seen_at >= latest.at


@pytest.mark.slow
@laws
@given(steps)
def test_what_is_known_of_a_bike_never_gets_older(steps: list[Step]) -> None:
    city = Docks()
    seen: dict[BikeId, datetime] = {}
    for step in steps:
        do(city, step)
        for bike in city.all(Bike):
            at = bike.seen_at
            assert at is not None
            assert at >= seen.get(bike.bike_id, at)
            seen[bike.bike_id] = at


@pytest.mark.slow
@laws
@given(movements)
def test_a_batch_that_comes_twice_leaves_all_where_it_was(
    reports: list[Report],
) -> None:
    """A hub whose message was accepted, but whose answer was lost, sends it again."""
    distinct = [replace(r, at=after(n)) for n, r in enumerate(reports)]
    city = Docks()
    city.report(*distinct)
    once = city.states(Station, Bike)
    city.report(*distinct)
    assert once == city.states(Station, Bike)


@pytest.mark.slow
@laws
@given(movements)
def test_reports_in_a_batch_are_believed_as_if_sent_one_by_one(
    reports: list[Report],
) -> None:
    batch, single = Docks(), Docks()
    batch.report(*reports)
    for report in reports:
        single.report(report)
    assert single.states(Station, Bike) == batch.states(Station, Bike)
    assert [e.event for e in single.recorded] == [e.event for e in batch.recorded]


# --- what is odd, and in which words ----------------------------------------------


def test_a_bike_that_was_moved_unseen_is_moved_and_reported() -> None:
    """The hub that it left is offline and reports later; then nobody needs it."""
    city = Docks()
    city.report(Docked(B1, S1, DockId("S1-01"), after(0)))
    city.report(Docked(B1, S2, DockId("S2-01"), after(20)))
    assert {B1: ["S2-01"]} == city.places()
    city.report(Taken(B1, S1, after(10)))
    assert {B1: ["S2-01"]} == city.places()
    assert [(B1, S1, MOVED), (B1, S1, LATE)] == city.anomalies()


def test_a_bike_that_is_taken_elsewhere_was_moved_unseen() -> None:
    city = Docks()
    city.report(Docked(B1, S1, DockId("S1-01"), after(0)), Taken(B1, S2, after(9)))
    assert ({}, [(B1, S1, MOVED)]) == (city.places(), city.anomalies())


def test_a_dock_holds_the_bike_that_was_reported_last() -> None:
    city = Docks()
    city.report(Docked(B1, S1, DockId("S1-01"), after(0)))
    city.report(Docked(B2, S1, DockId("S1-01"), after(5)))
    assert ({B2: ["S1-01"]}, None) == (city.places(), city.bike(B1).station_id)
    assert [(B1, S1, OCCUPIED)] == city.anomalies()


def test_a_bike_whose_dock_was_given_away_later_has_left_it_meanwhile() -> None:
    """The earlier report comes last: it throws nobody out of the dock."""
    city = Docks()
    city.report(Docked(B2, S1, DockId("S1-01"), after(5)))
    for _ in range(2):
        city.report(Docked(B1, S1, DockId("S1-01"), after(0)))
    assert {B2: ["S1-01"]} == city.places()
    assert after(5) == city.bike(B2).seen_at
    assert [(B1, S1, GONE_SINCE)] == city.anomalies()


def test_a_report_that_agrees_is_published_all_the_same() -> None:
    """That it is there now contradicts an older report that it has left."""
    city = Docks()
    city.report(Docked(B1, S1, DockId("S1-01"), after(0)))
    city.report(Docked(B1, S1, DockId("S1-01"), after(20)))
    city.report(Taken(B1, S1, after(10)))
    assert ({B1: ["S1-01"]}, after(20)) == (city.places(), city.bike().seen_at)


def test_where_no_dock_is_free_a_bike_stands_beside() -> None:
    city = Docks(S1=1)
    city.report(Docked(B1, S1, None, after(0)), Docked(B2, S1, None, after(1)))
    assert {B1: ["S1-01"], B2: ["beside S1"]} == city.places()
    assert [(B2, S1, CROWDED)] == city.anomalies()
    assert "<Station S1: 1 of 1 docks taken, 1 beside>" == repr(city.station())
    city.report(Taken(B2, S1, after(2)))
    assert {B1: ["S1-01"]} == city.places()


def test_a_bike_that_stood_beside_may_be_locked_in_a_dock_later() -> None:
    city = Docks(S1=1)
    city.report(Docked(B1, S1, None, after(0)), Docked(B2, S1, None, after(1)))
    city.report(Taken(B1, S1, after(2)), Docked(B2, S1, DockId("S1-01"), after(3)))
    assert {B2: ["S1-01"]} == city.places()


def test_a_bike_that_nobody_knew_to_be_there_may_leave_all_the_same() -> None:
    """For an unknown bike it is the first report, and no anomaly."""
    city = Docks()
    city.report(Taken(B1, S1, after(0)))
    assert ([], "<Bike B1 on the way>") == (city.anomalies(), repr(city.bike()))
    city.report(Taken(B1, S1, after(5)))
    assert [(B1, S1, NOT_THERE)] == city.anomalies()


@pytest.mark.parametrize("what", [Docked(B1, STRANGE, None, after(0)), "taken"])
def test_a_strange_station_is_believed_in(what: Any) -> None:
    city = Docks()
    city.report(Taken(B1, STRANGE, after(0)) if what == "taken" else what)
    assert (B1, STRANGE, STRANGE_STATION) == city.anomalies()[0]
    assert {} == city.station(STRANGE).docks


def test_a_strange_dock_is_one_more_dock() -> None:
    city = Docks()
    city.report(Docked(B1, S1, DockId("S1-07"), after(0)))
    assert ["S1-01", "S1-02", "S1-07"] == list(city.station().docks)
    assert [(B1, S1, STRANGE_DOCK)] == city.anomalies()


def test_a_strange_dock_that_jams_is_one_more_dock_and_jammed() -> None:
    """A report is not dropped because nobody expected it."""
    city = Docks()
    city.report(DockState(S1, DockId("S1-07"), jammed=True, at=after(0)))
    city.report(DockState(STRANGE, DockId("S9-01"), jammed=True, at=after(0)))
    city.report(Docked(B1, S1, DockId("S1-07"), after(1)))
    assert not city.station().is_available(B1)
    assert ["S9-01"] == city.station(STRANGE).jammed


# --- jams -------------------------------------------------------------------------


def test_a_jammed_dock_neither_lets_go_nor_takes_in() -> None:
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    city.report(DockState(S1, DockId("S1-01"), jammed=True, at=after(1)))
    city.report(DockState(S1, DockId("S1-02"), jammed=True, at=after(1)))
    assert not city.station().is_available(B1)
    with pytest.raises(Refused, match=r"^dock S1-01, which holds bike B1, is jammed$"):
        city.unlock(S1, B1, after(2))
    city.report(Docked(B2, S1, None, after(2)))
    assert ["beside S1"] == city.places()[B2]
    city.report(DockState(S1, DockId("S1-01"), jammed=False, at=after(3)))
    assert city.station().is_available(B1)
    city.unlock(S1, B1, after(4))
    assert B1 not in city.places()


def test_a_jam_reported_twice_is_one_jam() -> None:
    city = Docks()
    alarm = DockState(S1, DockId("S1-01"), jammed=True, at=after(0))
    city.report(alarm, alarm)
    assert 1 == len(city.station().jammed)
    city.report(*[replace(alarm, jammed=False)] * 2)
    assert [] == city.station().jammed


# --- commands ---------------------------------------------------------------------


def test_only_what_is_locked_in_a_dock_can_be_unlocked() -> None:
    city = Docks(S1=1)
    city.report(Docked(B1, S1, None, after(0)), Docked(B2, S1, None, after(0)))
    for bike in (B2, B3):
        with pytest.raises(Refused, match=f"^bike {bike} is in no dock of S1$"):
            city.unlock(S1, bike, after(1))


def test_a_dock_that_does_not_open_changes_nothing() -> None:
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    before, published = city.states(Station, Bike), len(city.recorded)
    with pytest.raises(Refused, match=r"^the dock of bike B1 did not open: "):
        city.unlock(S1, B1, None)
    assert before == city.states(Station, Bike)
    assert [] == [
        contract.to_message(each.event)
        for each in city.recorded[published:]
        if contract.to_message(each.event)
    ]


def test_a_vendor_that_fails_may_have_let_go() -> None:
    """So that is no refusal; the dock will report."""
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    city.refuses = 500
    with pytest.raises(httpx.TransportError):
        city.unlock(S1, B1, None)


def test_a_ride_that_asks_again_gets_the_same_answer_and_no_dock_is_asked() -> None:
    """Though its bike has left; a ride that was refused has to stay where it is."""
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    assert after(5) == city.unlock(S1, B1, after(5), "r1")
    with pytest.raises(Refused, match=r"^bike B1 is in no dock of S1$"):
        city.unlock(S1, B1, after(6), "r2")
    city.report(Docked(B1, S1, None, after(9)))
    city.asked = ""
    once = city.states(Station, Bike, Unlock)
    assert after(5) == city.unlock(S1, B1, after(10), "r1")
    with pytest.raises(Refused, match=r"^bike B1 is in no dock of S1$"):
        city.unlock(S1, B1, after(10), "r2")
    assert (once, "") == (city.states(Station, Bike, Unlock), city.asked)
    assert [
        "<Unlock for r1: let go at 2031-05-05 08:00:05+00:00>",
        "<Unlock for r2: bike B1 is in no dock of S1>",
    ] == [repr(each) for each in city.all(Unlock)]


def test_a_dock_that_did_not_answer_is_asked_again_though_its_bike_has_left() -> None:
    """It knows the ride, and so whether it has let go for it."""
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    city.refuses = 500
    with pytest.raises(httpx.TransportError):
        city.unlock(S1, B1, None, "r1")
    city.report(Taken(B1, S1, after(5)))
    assert after(5) == city.unlock(S1, B1, after(5), "r1")


def test_of_two_copies_of_a_request_the_first_answer_counts() -> None:
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))
    wanted = BikeWanted(ride_id="r1", bike_id=B1, until=after(60))

    async def slow(url: str, json: Any) -> httpx.Response:
        city.client.post = city._open
        city.opened_at = after(5)
        await city.handlers.unlock(S1, wanted)
        return httpx.Response(200, json={"ts": int(after(5).timestamp())})

    city.client.post = slow
    assert after(5) == at_once(city.handlers.unlock(S1, wanted))
    assert 1 == len(city.of(BikeUnlocked))


def test_a_stations_name_is_one_part_of_an_address() -> None:
    city = Docks()
    odd = StationId("a/b?c#d é")
    city.report(Docked(B1, odd, DockId("x"), after(0)))
    city.unlock(odd, B1, after(1))
    assert "http://docklink/hubs/a%2Fb%3Fc%23d%20%C3%A9/open" == city.asked


def test_a_released_bike_is_recorded_once_whatever_reports_it_first() -> None:
    """The vendor's answer and its report may come in either order."""
    for first, second in permutations(["answer", "report"]):
        city = Docks()
        city.report(Docked(B1, S1, None, after(0)))
        for each in (first, second):
            if each == "answer" and city.station().holds(B1):
                city.unlock(S1, B1, after(5))
            else:
                city.report(Taken(B1, S1, after(5)))
        left = [e for e in city.recorded if type(e.event).__name__ in _LEFT]
        assert 1 == len(left)
        assert ({}, []) == (city.places(), city.anomalies())


_LEFT = {"BikeUnlocked", "BikeTaken"}


def test_a_bike_that_is_back_already_is_not_let_go_once_more() -> None:
    """The vendor's answer is late: meanwhile, the bike was ridden and brought back."""
    city = Docks()
    city.report(Docked(B1, S1, None, after(0)))

    async def slow(url: str, json: Any) -> httpx.Response:
        await city.handlers.report(
            [Taken(B1, S1, after(5)), Docked(B1, S1, None, after(9))]
        )
        return httpx.Response(200, json={"ts": int(after(5).timestamp())})

    city.client.post = slow
    city.unlock(S1, B1, None)
    assert {B1: ["S1-01"]} == city.places()
    assert after(9) == city.bike().seen_at
    assert not [e for e in city.recorded if isinstance(e.event, BikeUnlocked)]


def test_docks_can_be_exchanged_but_not_from_under_a_bike() -> None:
    station = Station.install(S1, DOCKS[S1])
    station.jam(DockId("S1-02"), after(0))
    station.receive(B1, DockId("S1-01"), after(1))
    assert unchanged_if(Refused, station, lambda: station.refit(DOCKS[S1][1:]))
    station.refit(DOCKS[S1][:1])
    assert ({"S1-01": B1}, []) == (station.docks, station.jammed)


@given(st.lists(st.sampled_from(["S1-01", "S1-02", "S1-03"])))
def test_installing_twice_is_installing_once(docks: list[str]) -> None:
    """A dock that is named twice is one dock."""
    city = Docks()
    at_once(city.handlers.install(S1, tuple(map(DockId, docks))))
    once, published = state(city.station()), len(city.recorded)
    at_once(city.handlers.install(S1, tuple(map(DockId, docks))))
    assert (once, published) == (state(city.station()), len(city.recorded))
    assert list(dict.fromkeys(docks)) == list(city.station().docks)
