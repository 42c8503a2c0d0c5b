"""Availability: what is promised to one rider is promised to nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.availability import acl, contract
from movingparts.city.availability.model import (
    ASKED_FOR,
    PROMISED_FOR,
    SHORT,
    Bike,
    BikeArrived,
    BikeId,
    BikeLeft,
    BikeReserved,
    FitnessChanged,
    Message,
    PromiseBroken,
    RebalancingWanted,
    Refused,
    Reservation,
    ReservationExpired,
    ReservationId,
    Rider,
    RiderId,
    Stand,
    StandId,
    StandingChanged,
    StandRanShort,
)
from movingparts.city.availability.service import AT_ONCE, Collection, Handlers
from tests.city.aggregates import (
    EIGHT,
    TICK,
    Harness,
    Scenario,
    after,
    at_once,
    laws,
    lives,
    often,
    unchanged_if,
)

S1, S2 = StandId("S1"), StandId("S2")
ADA, BEN = RiderId("ada"), RiderId("ben")
B1, B2, B3 = BikeId("B1"), BikeId("B2"), BikeId("B3")
R1, R2, R3 = ReservationId("r1"), ReservationId("r2"), ReservationId("r3")


class Promises(Harness):
    """Two riders who may reserve, and the service that promises them bikes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = EIGHT
        clock = SimpleNamespace(now=lambda: self.now, sleep=self._sleep)
        tasks = SimpleNamespace(create_task=lambda work, name: work.close())
        node: Any = SimpleNamespace(clock=clock, tasks=tasks)  # as much as it needs
        self.handlers = Handlers(node, self.store, self.publish)  # type: ignore[arg-type]  # as much of a publisher
        self.handle(StandingChanged(ADA, True), StandingChanged(BEN, True))

    async def _sleep(self, seconds: float) -> None:
        """Let no time pass: steps do."""

    def handle(self, *published: Message | None) -> None:
        for each in published:
            at_once(self.handlers.handle(each))

    def arrive(self, bike: BikeId, stand: StandId = S1, seconds: float = 0) -> None:
        self.handle(BikeArrived(bike, stand, True, after(seconds)))

    def reserve(
        self, what: ReservationId, rider: RiderId = ADA, stand: StandId = S1
    ) -> Reservation:
        return at_once(self.handlers.reserve(what, rider, stand))

    def collect(
        self, what: ReservationId, rider: RiderId = ADA, stand: StandId = S1
    ) -> Reservation:
        return at_once(self.handlers.collect(what, self.wanted(rider, stand)))

    def put_back(
        self, what: ReservationId, rider: RiderId = ADA, stand: StandId = S1
    ) -> None:
        at_once(self.handlers.put_back(what, self.wanted(rider, stand)))

    def wanted(self, rider: RiderId, stand: StandId) -> Collection:
        """Return who wants which bike: the one that was promised to her last."""
        mine = self.rider(rider).reservation or self.rider(rider).served
        bike = mine.bike_id if mine else B1
        return Collection(rider_id=rider, station_id=stand, bike_id=bike)

    def stand(self, key: StandId = S1) -> Stand:
        return self.get(Stand, key)

    def free(self, key: StandId = S1) -> list[BikeId]:
        return self.stand(key).free(self.now)

    def bike(self, key: BikeId = B1) -> Bike:
        return self.get(Bike, key)

    def rider(self, key: RiderId = ADA) -> Rider:
        return self.get(Rider, key)

    def active(self) -> list[Reservation]:
        """Return all promises that bind now."""
        every = [p for stand in self.all(Stand) for p in stand.promised.values()]
        return [promise for promise in every if promise.is_active(self.now)]


bikes = st.sampled_from([B1, B2, B3])
stands = st.sampled_from([S1, S1, S2])
riders = st.sampled_from([ADA, BEN])
seconds = st.integers(0, 1500)
came = st.builds(BikeArrived, bikes, stands, st.booleans(), seconds.map(after))
went = st.builds(BikeLeft, bikes, stands, seconds.map(after))
fitness = st.builds(FitnessChanged, bikes, st.booleans(), seconds.map(after))
standing = st.builds(
    StandingChanged, riders, st.sampled_from([True, True, False]), seconds.map(after)
)
requests = st.tuples(
    st.sampled_from(["reserve", "reserve", "collect", "put_back"]),
    st.sampled_from([R1, R2, R3]),
    riders,
    stands,
)
pauses = st.sampled_from([timedelta(0), TICK, timedelta(minutes=5), PROMISED_FOR])
published = st.one_of(came, went, fitness, standing)
Step = Any
steps = lives(
    often((4, came), (2, went), (1, fitness), (1, standing), (5, requests), (2, pauses))
)


def perform(city: Promises, step: Step) -> None:
    match step:
        case timedelta():
            city.now += step
            for stand in city.all(Stand):
                at_once(city.handlers._lapse(stand.stand_id, city.now))
        case (what, *command):
            getattr(city, what)(*command)
        case _:
            city.handle(step)


SCENARIO = Scenario(
    start=Promises,
    step=perform,
    aggregates=(Stand, Rider, Bike),
    steps=steps,
    repeated=st.one_of(published, requests),
    refused=(Refused,),
    recorded_again=lambda event: contract.to_message(event) is None,
)
do, run = SCENARIO.do, SCENARIO.run


# --- the rules --------------------------------------------------------------------


@pytest.mark.slow
@laws
@given(steps)
def test_a_rider_has_at_most_one_active_reservation(steps: list[Step]) -> None:
    whose = [promise.rider_id for promise in run(steps).active()]
    assert sorted(set(whose)) == sorted(whose)


@pytest.mark.slow
@laws
@given(steps)
def test_a_bike_has_at_most_one_active_reservation(steps: list[Step]) -> None:
    """Also over two stands, as when it was moved while it was promised."""
    which = [promise.bike_id for promise in run(steps).active()]
    assert sorted(set(which)) == sorted(which)


@pytest.mark.slow
@laws
@given(steps)
def test_never_are_two_promises_published_at_a_time(steps: list[Step]) -> None:
    """Each that is closed was made, is closed once, and for the right reason."""
    assert [] == run(steps).audited(contract)


@pytest.mark.slow
@laws
@given(steps)
def test_every_promise_is_either_active_or_closed(steps: list[Step]) -> None:
    """None is forgotten: each ends collected, expired or broken, exactly once."""
    city = run(steps)
    ends = [contract.to_message(each.event) for each in city.recorded]
    closed = [e for e in ends if isinstance(e, contract.ReservationClosed)]
    open_ = [p for stand in city.all(Stand) for p in stand.promised.values()]
    assert len(city.of(BikeReserved)) == len(closed) + len(open_)
    assert city.active() == open_


@pytest.mark.slow
@laws
@given(steps)
def test_only_a_fit_bike_in_a_dock_is_promised(steps: list[Step]) -> None:
    city = run([])
    for step in steps:
        published = len(city.recorded)
        do(city, step)
        for each in city.recorded[published:]:
            if isinstance(each.event, BikeReserved):
                bike = city.bike(each.event.reservation.bike_id)
                assert bike.can_be_promised
                assert each.event.stand_id == bike.stand_id


@pytest.mark.slow
@laws
@given(steps)
def test_a_bike_is_offered_at_one_stand_at_a_time(steps: list[Step]) -> None:
    """And where it is, unless its rider has come for it."""
    city = run(steps)
    for bike in city.all(Bike):
        at = [s.stand_id for s in city.all(Stand) if bike.bike_id in s.bikes]
        assert at in ([], [bike.stand_id])


@given(st.integers(0, 10**9).map(lambda n: EIGHT + n * TICK))
def test_a_reservation_lapses_after_its_time_to_the_microsecond(now: Any) -> None:
    until = now + PROMISED_FOR
    stand = Stand(S1, bikes={B1: EIGHT})
    promise = stand.reserve(R1, ADA, now)
    assert until == promise.until
    assert promise.is_active(until - TICK)
    assert not promise.is_active(until)
    stand.lapse(until - TICK)
    assert [] == stand.free(until - TICK)
    assert [B1] == stand.free(until)
    stand.lapse(until)
    assert ReservationExpired(S1, promise, until) == stand.events[-1]


@pytest.mark.parametrize(("late", "kept"), [(-TICK, True), (timedelta(0), False)])
def test_a_reservation_can_be_collected_until_its_last_microsecond(
    late: timedelta, *, kept: bool
) -> None:
    stand = Stand(S1, bikes={B1: EIGHT})
    at = stand.reserve(R1, ADA, EIGHT).until + late
    refused = unchanged_if(Refused, stand, lambda: stand.collect(R1, ADA, at))
    assert kept is not refused


def test_what_a_stand_holds_for_a_rider_it_holds_until_then() -> None:
    stand = Stand(S1, bikes={B1: EIGHT})
    promise = stand.reserve(R1, ADA, EIGHT)
    assert promise == stand.held_for(ADA, promise.until - TICK)
    for rider, now in ((ADA, promise.until), (BEN, EIGHT)):
        with pytest.raises(Refused, match=rf"^rider {rider} has no promise at S1$"):
            stand.held_for(rider, now)


def test_what_has_lapsed_can_be_promised_to_somebody_else_at_once() -> None:
    """Even if nobody has noted yet that it has lapsed; then it is noted, too."""
    city = Promises()
    city.arrive(B1)
    city.reserve(R1)
    city.now += PROMISED_FOR
    assert (B1, BEN) == (city.reserve(R2, BEN).bike_id, city.active()[0].rider_id)
    assert 1 == len(city.of(ReservationExpired))


@pytest.mark.slow
@laws
@given(st.lists(st.one_of(came, went), max_size=6), st.randoms())
def test_a_bikes_place_is_what_the_latest_message_says(
    news: list[BikeArrived | BikeLeft], chance: Any
) -> None:
    """In whatever order they come, each perhaps twice."""
    inorder = [replace(each, bike_id=B1, at=after(n)) for n, each in enumerate(news)]
    mixed = [*inorder, *inorder[: len(inorder) // 2]]
    chance.shuffle(mixed)
    first, second = Promises(), Promises()
    first.handle(*inorder)
    second.handle(*mixed)
    assert first.states(Bike) == second.states(Bike)
    offered = [[*s.bikes] for s in first.all(Stand) if s.bikes]
    assert offered == [[*s.bikes] for s in second.all(Stand) if s.bikes]


@pytest.mark.slow
@laws
@given(st.lists(st.one_of(fitness, standing), max_size=6), st.randoms())
def test_standing_and_fitness_are_what_the_latest_message_says(
    news: list[Any], chance: Any
) -> None:
    """Deliveries may pass each other, so an old one can come after a newer one."""
    inorder = [replace(each, at=after(n)) for n, each in enumerate(news)]
    mixed = [*inorder, *inorder[: len(inorder) // 2]]
    chance.shuffle(mixed)
    first, second = Promises(), Promises()
    for city, published in ((first, inorder), (second, mixed)):
        city.arrive(B1)
        city.handle(*published)
    assert first.states(Bike, Rider) == second.states(Bike, Rider)
    assert first.free() == second.free()


# --- who gets which bike ----------------------------------------------------------


def test_the_bike_that_has_stood_longest_is_promised_first() -> None:
    city = Promises()
    city.arrive(B2, seconds=1)
    city.arrive(B1, seconds=2)
    assert [B2, B1] == [city.reserve(R1).bike_id, city.reserve(R2, BEN).bike_id]
    with pytest.raises(Refused, match=r"^no bike is left at S1$"):
        city.stand().reserve(R3, RiderId("cy"), city.now)


def test_a_rider_who_is_not_admitted_is_promised_nothing() -> None:
    """Nobody is who has not signed up, or is suspended."""
    city = Promises()
    city.arrive(B1)
    city.handle(StandingChanged(ADA, False))
    for rider in (ADA, RiderId("nobody")):
        with pytest.raises(Refused, match=f"^rider {rider} may not reserve$"):
            city.reserve(R1, rider)
    city.handle(StandingChanged(ADA, True))
    assert B1 == city.reserve(R1).bike_id


def test_a_second_reservation_is_refused_and_the_same_one_is_the_same() -> None:
    city = Promises()
    city.arrive(B1)
    city.arrive(B2)
    promise = city.reserve(R1)
    assert promise == city.reserve(R1)
    with pytest.raises(Refused, match=r"^rider ada has a reservation already$"):
        city.reserve(R2)


def test_a_reservation_stays_where_it_was_made() -> None:
    """Asked for elsewhere under the same id, it is not reported there."""
    city = Promises()
    city.arrive(B1)
    city.arrive(B2, S2)
    city.reserve(R1)
    with pytest.raises(Refused, match=r"^reservation r1 is at another station$"):
        city.reserve(R1, stand=S2)
    assert [B2] == city.free(S2)


def test_a_reservation_is_collected_once_and_by_whom_it_was_made_to() -> None:
    city = Promises()
    city.arrive(B1)
    promise = city.reserve(R1)
    with pytest.raises(Refused, match=r"^reservation r1 does not hold at S1: "):
        city.collect(R1, BEN)
    with pytest.raises(Refused, match=r"^reservation r1 does not hold at S2: "):
        city.collect(R1, stand=S2)
    assert promise == city.collect(R1) == city.collect(R1)
    assert {} == city.stand().bikes


def test_a_reservation_asked_for_again_after_it_was_kept_is_no_new_one() -> None:
    """A repeated request may be slow; it must not take a second bike."""
    city = Promises()
    city.arrive(B1)
    city.arrive(B2)
    promise = city.reserve(R1)
    city.collect(R1)
    assert promise == city.reserve(R1)
    assert [B2] == city.free()


def test_two_riders_may_have_reservations_of_one_name() -> None:
    """Apps make the ids; each rider gets her own bike, not the other's."""
    city = Promises()
    city.arrive(B1)
    city.arrive(B2)
    city.reserve(R1, ADA)
    city.reserve(R1, BEN)
    assert [B2, B1] == [city.collect(R1, BEN).bike_id, city.collect(R1, ADA).bike_id]


def test_a_bike_is_handed_over_by_its_own_reservation_alone() -> None:
    city = Promises()
    city.arrive(B1)
    city.reserve(R1)
    other = Collection(rider_id=ADA, station_id=S1, bike_id=B2)
    with pytest.raises(Refused, match=r"^reservation r1 is not for bike B2$"):
        at_once(city.handlers.collect(R1, other))
    assert [B1] == [promise.bike_id for promise in city.active()]


# --- what is undone ---------------------------------------------------------------


def test_a_bike_that_was_collected_in_vain_can_be_promised_again() -> None:
    """Once, however often that is undone; and the old reservation gets it no more."""
    city = Promises()
    city.arrive(B1)
    city.reserve(R1)
    city.collect(R1)
    city.put_back(R1)
    city.put_back(R1)
    assert [B1] == city.free()
    with pytest.raises(Refused, match=r"^reservation r1 does not hold at S1: "):
        city.collect(R1)
    city.reserve(R2, BEN)
    city.put_back(R1)  # which comes late
    assert ([], B1) == (city.free(), city.collect(R2, BEN).bike_id)
    city.put_back(R1)
    assert [] == city.free()


def test_a_collection_that_was_undone_before_it_came_is_refused() -> None:
    """And its rider may have another promise at once."""
    city = Promises()
    city.arrive(B1)
    promise = city.reserve(R1)
    city.put_back(R1)
    assert [PromiseBroken(S1, promise, EIGHT)] == city.of(PromiseBroken)
    with pytest.raises(Refused, match=r"^reservation r1 does not hold at S1: "):
        city.collect(R1)
    assert B1 == city.reserve(R2).bike_id


def test_a_collection_that_comes_again_late_is_known_though_another_was_made() -> None:
    city = Promises()
    city.arrive(B1)
    city.arrive(B2, seconds=1)
    city.reserve(R1)
    wanted = city.wanted(ADA, S1)
    city.collect(R1)
    city.reserve(R2)
    city.collect(R2)
    assert B1 == at_once(city.handlers.collect(R1, wanted)).bike_id


@pytest.mark.parametrize(
    ("meanwhile", "free"),
    [
        (BikeLeft(B1, S1, after(60)), {S1: []}),
        (BikeArrived(B1, S2, True, after(60)), {S1: [], S2: [B1]}),
        (BikeArrived(B1, S1, False, after(60)), {S1: []}),  # its dock is jammed
        (FitnessChanged(B1, False, after(60)), {S1: []}),
        (FitnessChanged(B1, True, after(60)), {S1: [B1]}),
    ],
)
def test_what_became_of_a_bike_meanwhile_decides_whether_it_is_put_back(
    meanwhile: Message, free: dict[StandId, list[BikeId]]
) -> None:
    """While it is a rider's, it is nobody else's, even if it was repaired."""
    city = Promises()
    city.arrive(B1)
    city.reserve(R1)
    city.collect(R1)
    city.handle(meanwhile)
    assert [] == city.free()
    city.put_back(R1)
    assert free == {stand: city.free(stand) for stand in free}


# --- what becomes of promises -----------------------------------------------------


@pytest.mark.parametrize(
    "news",
    [
        BikeLeft(B1, S1, after(60)),
        BikeArrived(B1, S1, False, after(60)),  # its dock is jammed
        BikeArrived(B1, S2, True, after(60)),  # moved unseen
        FitnessChanged(B1, False, after(60)),
    ],
)
def test_a_promise_of_a_bike_that_cannot_be_had_is_broken(news: Message) -> None:
    """And its rider may have another one at once."""
    city = Promises()
    city.arrive(B1)
    promise = city.reserve(R1)
    city.now += timedelta(minutes=1)
    city.arrive(B2, seconds=1)
    city.handle(news)
    assert [PromiseBroken(S1, promise, after(60))] == city.of(PromiseBroken)
    assert B2 == city.reserve(R2).bike_id


def test_a_promise_whose_time_is_over_is_not_broken_but_expired() -> None:
    """When its bike leaves; an event is published either way."""
    city = Promises()
    city.arrive(B1)
    promise = city.reserve(R1)
    city.handle(BikeLeft(B1, S1, promise.until))
    assert [ReservationExpired(S1, promise, promise.until)] == city.of(
        ReservationExpired
    )
    assert [] == city.of(PromiseBroken)


def test_a_repaired_bike_can_be_promised_again_where_it_stands() -> None:
    city = Promises()
    city.handle(FitnessChanged(B1, False, after(0)))
    city.arrive(B1, seconds=1)
    assert "<Bike B1: at S1, not fit>" == repr(city.bike())
    assert [] == city.all(Stand)
    city.handle(FitnessChanged(B1, True, after(2)))
    assert [B1] == city.free()


def test_a_bike_in_the_workshop_is_offered_nowhere() -> None:
    city = Promises()
    city.arrive(B1)
    city.handle(BikeLeft(B1, S1, after(1)), FitnessChanged(B1, True, after(2)))
    assert ([], "<Bike B1: away, fit>") == (city.free(), repr(city.bike()))


def test_a_bike_that_left_one_place_as_it_came_to_another_is_at_the_other() -> None:
    """Stations publishes both with the same time, in any order."""
    news: list[Message] = [
        BikeLeft(B1, S1, after(9)),
        BikeArrived(B1, S2, True, after(9)),
    ]
    for order in permutations(news):
        city = Promises()
        city.arrive(B1, S1)
        city.handle(*order)
        assert ([], [B1]) == (city.free(S1), city.free(S2))


def test_a_message_that_a_bike_is_where_it_was_outdates_older_ones() -> None:
    """And neither break a promise nor put the bike to the end of the row."""
    city = Promises()
    city.arrive(B1, seconds=0)
    city.arrive(B2, seconds=1)
    promise = city.reserve(R1)
    city.arrive(B1, seconds=20)
    city.handle(BikeLeft(B1, S1, after(10)))
    assert [promise] == city.active()
    assert [B1, B2] == [*city.stand().bikes]


def test_a_missing_message_changes_nothing() -> None:
    """A dock that holds nothing may jam."""
    city = Promises()
    before = len(city.recorded)
    city.handle(None)
    assert before == len(city.recorded)


@pytest.mark.parametrize(
    ("jammed", "bike", "published"),
    [
        (True, "B1", BikeArrived(B1, S1, False, after(0))),
        (False, "B1", BikeArrived(B1, S1, True, after(0))),
        (True, None, None),
    ],
)
def test_a_jammed_dock_keeps_its_bike_and_a_cleared_one_releases_it(
    jammed: bool, bike: str | None, published: Message | None
) -> None:
    dock = {"station_id": "S1", "dock_id": "S1-01", "bike_id": bike}
    data = {**dock, "jammed": jammed, "at": after(0).isoformat()}
    assert published == acl.dock_changed(data)


def test_a_promise_is_shown_in_one_line() -> None:
    city = Promises()
    city.arrive(B1)
    city.reserve(R1)
    assert "<Stand S1: 1 bikes offered, 1 promised>" == repr(city.stand())
    assert "<Rider ada: admitted>" == repr(city.rider())
    city.handle(StandingChanged(ADA, False))
    assert "<Rider ada: not admitted>" == repr(city.rider())


# --- short of bikes ---------------------------------------------------------------


def crowded(there: int, here: int) -> Promises:
    city = Promises()
    for n in range(here):
        city.arrive(BikeId(f"here-{n}"), S1, n)
    for n in range(there):
        city.arrive(BikeId(f"there-{n}"), S2, n)
    return city


@pytest.mark.parametrize(
    ("there", "wanted"), [(9, 4), (40, AT_ONCE), (4, 2), (3, None)]
)
def test_a_stand_that_runs_short_asks_the_stand_with_most(
    there: int, wanted: int | None
) -> None:
    """For half of what is there, and no more than a truck takes."""
    city = crowded(there, 2)
    city.reserve(R1)
    city.collect(R1)
    found = [(e.stand_id, e.to_stand, e.bikes) for e in city.of(RebalancingWanted)]
    assert ([(S2, S1, wanted)] if wanted else []) == found
    assert 1 == len(city.of(StandRanShort))


def test_a_stand_that_has_most_itself_asks_nobody() -> None:
    city = crowded(0, SHORT + 1)
    city.reserve(R1)
    city.collect(R1)
    assert [] == city.of(StandRanShort)
    city.reserve(R2)
    city.collect(R2)
    assert 1 == len(city.of(StandRanShort))
    assert [] == city.of(RebalancingWanted)


def test_a_stand_that_has_asked_waits_before_it_asks_again() -> None:
    stand = Stand(S1)
    assert stand.ask_for_bikes(EIGHT)
    assert not stand.ask_for_bikes(EIGHT + ASKED_FOR - TICK)
    assert stand.ask_for_bikes(EIGHT + ASKED_FOR)
