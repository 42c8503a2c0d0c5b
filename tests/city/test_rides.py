"""Rides: none begins without an authorized payment, each ends once, whatever comes."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.audit import Audit
from movingparts.city.rides import contract
from movingparts.city.rides.model import (
    EARLIER,
    FALSE_START,
    OVERDUE,
    REPEATED,
    TOO_FAST,
    UNSEEN,
    AnomalyFound,
    AuthorizationId,
    Bike,
    BikeBrought,
    BikeId,
    Refused,
    Ride,
    RideAuthorized,
    RideCancelled,
    RideEnded,
    RideId,
    RiderId,
    RideStarted,
    StationId,
)
from movingparts.city.rides.partners import No, Unclear, Unpaid
from movingparts.city.rides.service import HISTORY, Handlers, RideReport, Stuck, Wanted
from movingparts.published_language import named
from movingparts.repository import NotFound
from tests.city.aggregates import (
    EIGHT,
    SECOND,
    TICK,
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

B1, B2 = BikeId("B1"), BikeId("B2")
R1, R2, R3, R4 = (RideId(f"r{n}") for n in (1, 2, 3, 4))
S1, S2 = StationId("S1"), StationId("S2")
REQUEST = Wanted(rider_id="ada", bike_id="B1", station_id="S1", reservation_id="v1")

Answer = tuple[int, Any] | Exception
ALL_GOOD: dict[str, Answer] = {
    "billing": (200, {"authorization_id": "a1"}),
    "availability": (200, {"bike_id": "B1"}),  # to what is undone, too
    "stations": (200, {"bike_id": "B1", "at": after(60).isoformat()}),
}


class Partners:
    """Stubs of billing, availability and stations."""

    def __init__(self) -> None:
        self.answers = dict(ALL_GOOD)
        self.asked: list[str] = []

    async def put(self, url: str, **asked: Any) -> httpx.Response:
        request = httpx.Request("PUT", url)
        self.asked.append(request.url.host)
        answer = self.answers[request.url.host]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        content = {"text": body} if isinstance(body, str) else {"json": body}
        return httpx.Response(status, request=request, **content)

    post = put

    async def delete(self, url: str, params: Any) -> httpx.Response:
        self.asked.append("undo")
        return httpx.Response(204, request=httpx.Request("DELETE", url))


class Clock:
    """A clock on which time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return after(self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Rides(Harness):
    """The service of rides, whose partners answer as a test wants."""

    def __init__(self, **answers: Answer) -> None:
        super().__init__()
        self.partners = Partners()
        self.partners.answers |= answers
        self.db = sqlite3.connect(":memory:")
        self.serve()

    def serve(self) -> None:
        """Start the service, again if there was one."""
        node: Any = SimpleNamespace(client=self.partners, clock=Clock(), logs=[])
        publisher: Any = self.publish  # as much of one as the handlers need
        self.handlers = Handlers(node, self.store, publisher, self.db)

    def start(self, ride: RideId = R1, command: dict[str, str] | None = None) -> Ride:
        return at_once(self.handlers.start(ride, REQUEST.model_copy(update=command)))

    def handle(self, *reports: BikeBrought) -> None:
        for report in reports:
            at_once(self.handlers.handle(report))

    def brought(
        self, seconds: float, station: StationId = S2, bike: BikeId = B1
    ) -> None:
        self.handle(BikeBrought(bike, station, after(seconds)))

    def believe(self, ride: RideId, seconds: float, **details: str) -> None:
        about = {"bike_id": "B1", "station_id": "S1", **details}
        report = RideReport.model_validate({**about, "at": after(seconds)})
        at_once(self.handlers.believe(ride, report))

    def ride(self, key: RideId = R1) -> Ride:
        return self.get(Ride, key)

    def bike(self, key: BikeId = B1) -> Bike:
        return self.get(Bike, key)

    def audited(self) -> list[str]:
        """Return what the events break, of what rides alone can keep."""
        audit = Audit()
        for each in self.recorded:
            if isinstance(each.event, RideAuthorized):
                audit.handle("billing.payment-authorized", {"ride_id": each.key})
            text = contract.to_message(each.event)
            if text is not None:
                audit.handle(named("rides", type(text)), text.model_dump(mode="json"))
        return audit.broken


ride_ids = st.sampled_from([R1, R2, R3, R4])
bikes = st.sampled_from([B1, B1, B2])
stations = st.sampled_from([S1, S2])
brought = st.builds(BikeBrought, bikes, stations, moments)
reports = st.tuples(st.just("believe"), ride_ids, bikes, stations, moments)
failures = st.sampled_from(
    [
        (402, {"detail": "declined"}),
        (404, {"detail": "nobody knows it"}),
        (409, {"detail": "refused"}),
        (422, {"detail": "what?"}),
        (500, {"detail": "may have been done"}),
        (504, {"detail": "it may have let go"}),
        (502, "<html>a gateway's own page</html>"),
        (200, "no JSON at all"),
        (200, {"no": "such field"}),
        (200, ["a list"]),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("waited 2 s"),
    ]
)
starts = st.tuples(
    st.just("start"),
    ride_ids,
    bikes,
    moments,
    st.dictionaries(st.sampled_from(sorted(ALL_GOOD)), failures, max_size=1),
)
steps = lives(often((3, brought), (2, reports), (4, starts)), parts=2)
Step = Any


def perform(city: Rides, step: Step) -> None:
    match step:
        case BikeBrought():
            city.handle(step)
        case ("believe", ride, bike, station, at):
            report = RideReport(bike_id=bike, station_id=station, at=at)
            at_once(city.handlers.believe(ride, report))
        case ("start", ride, bike, at, failing):
            let_go = (200, {"bike_id": bike, "at": at.isoformat()})
            city.partners.answers = {**ALL_GOOD, "stations": let_go, **failing}
            with suppress(Refused, httpx.TransportError, Stuck):
                city.start(ride, {"bike_id": bike})  # what has happened, laws look at


SCENARIO = Scenario(
    start=Rides,
    step=perform,
    aggregates=(Ride, Bike),
    steps=steps,
    repeated=brought,
)
run = SCENARIO.run


# --- the rules --------------------------------------------------------------------


@pytest.mark.slow
@laws
@given(steps)
def test_no_ride_begins_without_an_authorized_payment(steps: list[Step]) -> None:
    """Whatever the partners answer; a ride of a history is paid for, in the past."""
    city = run(steps)
    for ride in city.all(Ride):
        events = city.events(Ride, ride.key)
        kinds = [type(each) for each in events]
        if RideStarted in kinds:
            before = events[: kinds.index(RideStarted)]
            paid = [e.authorization_id for e in before if isinstance(e, RideAuthorized)]
            assert [ride.authorization_id] == paid
            assert ride.authorization_id in ("a1", HISTORY)


@pytest.mark.slow
@laws
@given(steps)
def test_a_bike_is_on_one_ride_at_a_time_and_a_ride_ends_once(
    steps: list[Step],
) -> None:
    city = run(steps)
    assert [] == city.audited()
    underway = [ride for ride in city.all(Ride) if ride.state == "underway"]
    bikes = {bike.bike_id: bike.ride_id for bike in city.all(Bike) if bike.ride_id}
    assert {ride.bike_id: ride.ride_id for ride in underway} == bikes


@pytest.mark.slow
@laws
@given(steps)
def test_a_ride_that_did_not_begin_is_cancelled_and_that_is_published(
    steps: list[Step],
) -> None:
    """None is left between two states, unless somebody is called for it."""
    city = run(steps)
    states = {ride.ride_id: ride.state for ride in city.all(Ride)}
    between = {r for r, s in states.items() if s == "requested"}
    assert between == {each.ride_id for each in city.handlers.stuck()}
    assert {"underway", "ended", "cancelled", "requested"} >= set(states.values())
    cancelled = [each.ride_id for each in city.of(RideCancelled)]
    assert sorted(r for r, s in states.items() if s == "cancelled") == sorted(cancelled)


@pytest.mark.slow
@laws
@given(steps)
def test_a_ride_asked_for_again_is_the_same_ride_or_is_refused(
    steps: list[Step],
) -> None:
    """It is the same while it is under way; nobody is asked again for anything."""
    city = run(steps)
    once, asked = city.states(Ride, Bike), len(city.partners.asked)
    for ride in city.all(Ride):
        command = {"rider_id": ride.rider_id, "bike_id": ride.bike_id}
        again = dict(command, station_id=ride.from_station)
        if ride.state == "underway":
            assert state(ride) == state(city.start(ride.ride_id, again))
        elif ride.state == "requested":
            with pytest.raises(Stuck):
                city.start(ride.ride_id, again)
        else:
            with pytest.raises(Refused, match=f"^ride {ride.ride_id} is {ride.state}"):
                city.start(ride.ride_id, again)
    assert once == city.states(Ride, Bike)
    assert asked == len(city.partners.asked)


# --- how a ride begins ------------------------------------------------------------


def test_the_payment_is_asked_for_first_then_the_promise_then_the_bike() -> None:
    city = Rides()
    ride = city.start()
    assert ["billing", "availability", "stations"] == city.partners.asked
    assert ("underway", after(60), "a1") == (
        ride.state, ride.started_at, ride.authorization_id,
    )  # fmt: skip
    assert "<Bike B1 on r1>" == repr(city.bike())


@pytest.mark.parametrize(
    ("who", "answer", "error", "text"),
    [
        ("billing", (402, {"detail": "no money"}), Unpaid, "billing: no money"),
        ("availability", (409, {"detail": "lapsed"}), No, "availability: lapsed"),
        ("stations", (404, {"detail": "no S1"}), No, "stations: no S1"),
        ("stations", (409, "plain words"), No, "stations: plain words"),
        ("stations", (409, ["odd"]), No, 'stations: ["odd"]'),
        ("billing", (500, "a page"), Unclear, "billing: a page"),
        ("billing", (200, {"id": 1}), Unclear, "billing: its answer has no "),
        ("billing", httpx.ReadTimeout("slow"), httpx.ReadTimeout, "slow"),
    ],
)
def test_what_a_partner_answers_decides_the_riders_answer(
    who: str, answer: Answer, error: type[Exception], text: str
) -> None:
    """Refused is definite; a partner that failed may have done what it was asked."""
    city = Rides(**{who: answer})
    with pytest.raises(error) as raised:
        city.start()
    assert str(raised.value).startswith(text)
    assert type(raised.value) is error
    assert "cancelled" == city.ride().state
    assert city.ride().reason.removeprefix("authorize: ") == str(raised.value)
    last = "undo" if who == "stations" else who
    assert last == city.partners.asked[-1]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((504, {"detail": "silent"}), "stations: silent"),
        ((200, "words"), "stations: its answer has no at"),
        (httpx.ReadTimeout("slow"), "slow"),
    ],
)
def test_a_ride_is_stuck_if_its_dock_may_have_let_go(answer: Answer, why: str) -> None:
    """Somebody looks, and lets it go on; until then nobody else has its bike."""
    city = Rides(stations=answer)
    for _ in range(2):  # asked again, nothing is tried again
        with pytest.raises(Stuck, match=f"^ride r1 is stuck, .*: unlock: {why}$"):
            city.start()
    [stuck] = city.handlers.stuck()
    assert ("r1", f"unlock: {why}") == (stuck.ride_id, stuck.reason)
    with pytest.raises(Refused, match=r"^bike B1 is on ride r1$"):
        city.start(R2, {"rider_id": "ben"})
    city.partners.answers = dict(ALL_GOOD)
    assert "underway" == at_once(city.handlers.retry(R1)).state
    assert [] == city.handlers.stuck()
    with pytest.raises(NotFound, match=r"^no ride 'r1' is stuck$"):
        at_once(city.handlers.retry(R1))


def test_a_bike_that_is_back_before_its_ride_is_known_to_have_started_ends_it() -> None:
    """By the first report from after the start; the service may restart in between."""
    city = Rides(stations=httpx.ReadTimeout("slow"))
    with pytest.raises(Stuck):
        city.start()
    city.serve()
    for seconds in (900, 59, 900, 600):
        city.brought(seconds)
    assert ("requested", 3) == (city.ride().state, len(city.ride().early))
    city.partners.answers = dict(ALL_GOOD)
    assert "ended" == at_once(city.handlers.retry(R1)).state
    assert (after(600), []) == (city.ride().ended_at, city.ride().anomalies)
    assert "<Bike B1 on no ride>" == repr(city.bike())


def test_a_ride_whose_bike_another_one_has_meanwhile_does_not_start() -> None:
    """The history believes what it is told; so somebody has to look."""
    city = Rides(stations=httpx.ReadTimeout("slow"))
    with pytest.raises(Stuck):
        city.start()
    city.believe(R2, 30)
    city.partners.answers = dict(ALL_GOOD)
    with pytest.raises(Stuck, match=r"start: bike B1 is on ride r2$"):
        at_once(city.handlers.retry(R1))


def test_a_ride_that_was_cancelled_is_not_begun_later() -> None:
    city = Rides(billing=(402, {"detail": "no money"}))
    with pytest.raises(Unpaid):
        city.start()
    city.partners.answers = dict(ALL_GOOD)
    with pytest.raises(Refused, match=r"^ride r1 is cancelled: billing: no money$"):
        city.start()


@pytest.mark.parametrize(
    "other", [{"rider_id": "ben"}, {"bike_id": "B2"}, {"station_id": "S2"}]
)
def test_another_riders_ride_is_not_reported_as_hers(
    other: dict[str, str],
) -> None:
    """Ids are made by apps; one app's ride is not given to another."""
    city = Rides()
    city.start()
    with pytest.raises(Refused, match=r"^ride r1 is another one already$"):
        city.start(R1, other)


def test_a_bike_that_is_on_a_ride_is_refused_before_anybody_is_asked() -> None:
    city = Rides()
    city.start(R1)
    before, asked = city.states(Ride, Bike), len(city.partners.asked)
    with pytest.raises(Refused, match=r"^bike B1 is on ride r1$"):
        city.start(R2, {"rider_id": "ben"})
    assert (before, asked) == (city.states(Ride, Bike), len(city.partners.asked))


def test_the_model_itself_refuses_what_comes_in_the_wrong_order() -> None:
    ride = Ride.request(R1, RiderId("ada"), B1, S1)
    assert unchanged_if(Refused, ride, lambda: ride.start(EIGHT))
    ride.authorize(AuthorizationId("a1"))
    assert unchanged_if(Refused, ride, lambda: ride.authorize(AuthorizationId("a2")))
    assert not ride.end(S2, EIGHT)
    ride.start(EIGHT)
    assert unchanged_if(Refused, ride, lambda: ride.start(EIGHT))
    ride.cancel("too late")
    assert "<Ride r1: underway>" == repr(ride)


def test_a_ride_that_another_copy_of_the_service_began_is_not_begun_again() -> None:
    """On the same store; here, it does so while this one waits for the dock."""
    city, copy = Rides(), Rides()
    copy.store, copy.db = city.store, city.db
    copy.serve()

    async def meanwhile(url: str, **asked: Any) -> httpx.Response:
        if "unlocks" in url:
            await copy.handlers.start(R1, REQUEST)
        return await city.partners.put(url)

    city.partners.post = meanwhile  # type: ignore[method-assign]  # a slow partner
    assert "underway" == city.start().state
    assert (0, 1) == (len(city.of(RideStarted)), len(copy.of(RideStarted)))


# --- how a ride ends --------------------------------------------------------------


@pytest.mark.parametrize(
    ("took", "station", "odd"),
    [
        (timedelta(0), S1, FALSE_START),
        (timedelta(0), S2, TOO_FAST),
        (60 * SECOND - TICK, S1, FALSE_START),
        (60 * SECOND - TICK, S2, TOO_FAST),
        (60 * SECOND, S1, ""),
        (timedelta(days=1), S2, ""),
        (timedelta(days=1) + TICK, S1, OVERDUE),
        (timedelta(hours=30), S2, OVERDUE),
    ],
)
def test_a_ride_of_any_length_is_a_ride_and_what_is_odd_is_reported(
    took: timedelta, station: StationId, odd: str
) -> None:
    city = Rides()
    city.start()
    city.handle(BikeBrought(B1, station, after(60) + took))
    [ended] = city.of(RideEnded)
    assert (after(60) + took, odd) == (ended.ended_at, ended.anomaly)
    assert [odd] * bool(odd) == [each.reason for each in city.of(AnomalyFound)]
    assert "<Bike B1 on no ride>" == repr(city.bike())


def test_a_report_from_before_a_ride_does_not_end_it() -> None:
    """The bike was brought then by somebody else; once said, it is known."""
    city = Rides()
    city.start()
    city.brought(59)
    city.brought(59)
    assert ("underway", [EARLIER]) == (city.ride().state, city.ride().anomalies)
    city.brought(600)
    assert "ended" == city.ride().state


@pytest.mark.parametrize("bike", [B1, B2])
def test_a_bike_that_is_on_no_ride_ends_none(bike: BikeId) -> None:
    """Also one that nobody has ridden yet: a truck has brought it."""
    city = Rides()
    city.start()
    city.brought(600)
    before = len(city.recorded)
    city.brought(900, bike=bike)
    assert before == len(city.recorded)


def test_a_bike_brought_again_does_not_end_the_next_ride() -> None:
    """The report that ended the last one is delivered once more."""
    city = Rides()
    city.start(R1)
    city.brought(600)
    let_go = (200, {"bike_id": "B1", "at": after(601).isoformat()})
    city.partners.answers["stations"] = let_go
    city.start(R2, {"station_id": "S2"})
    city.brought(600)
    assert "underway" == city.ride(R2).state


# --- rides from a trip history ----------------------------------------------------


def test_a_ride_that_is_reported_twice_is_one_ride_and_an_anomaly() -> None:
    city = Rides()
    city.believe(R1, 0)
    city.believe(R1, 90, bike_id="B2")
    assert ("underway", [REPEATED]) == (city.ride().state, city.ride().anomalies)
    assert ["B1"] == [bike.bike_id for bike in city.all(Bike)]


@pytest.mark.parametrize("begun", [-30, 0, 30])
def test_a_bike_that_leaves_on_another_ride_has_ended_the_one_before(
    begun: float,
) -> None:
    """Nobody saw its end; it was not before its beginning, whatever the report."""
    city = Rides()
    city.believe(R1, 0)
    city.believe(R2, begun, station_id="S2")
    [ended] = city.of(RideEnded)
    assert (R1, "S2", UNSEEN) == (ended.ride_id, ended.to_station, ended.anomaly)
    assert after(max(0, begun)) == ended.ended_at
    assert R2 == city.bike().ride_id


def test_every_oddity_of_an_end_is_a_word_of_the_published_language() -> None:
    odd = {"", FALSE_START, OVERDUE, TOO_FAST, UNSEEN}
    assert odd == set(get_args(contract.Oddity))


def test_private_events_are_not_published() -> None:
    city = Rides()
    city.start()
    published = [contract.to_message(each.event) for each in city.recorded]
    assert ["RideStarted"] == [type(each).__name__ for each in published if each]
    assert None is contract.to_message(datetime.min)  # noqa: DTZ901  # any object will do
