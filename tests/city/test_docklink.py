"""The vendor's docks, and the border that its words are turned into ours at."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from movingparts.city.docklink import AGAIN, DockLink, docklink
from movingparts.city.stations.acl import Unreadable, open_dock, translate
from movingparts.city.stations.model import (
    BikeId,
    Docked,
    DockState,
    Refused,
    RideId,
    StationId,
    Taken,
    Unlock,
)
from movingparts.core import Node
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.aggregates import at_once

EPOCH = datetime(2031, 5, 5, 6, 0, tzinfo=UTC)
TS = int(EPOCH.timestamp())


class Listener:
    """Takes the place of stations: keeps what hubs say, and may fail."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[dict[str, Any]] = []

    def __call__(self, node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/docklink")
        async def take(message: dict[str, Any]) -> Any:
            self.received.append(message)
            status = self.statuses.pop(0) if self.statuses else 202
            return JSONResponse({}, status_code=status)

        return app

    def reports(self) -> list[Any]:
        """Return all reports, in the words of stations, repeated or not."""
        return [each for message in self.received for each in translate(message)]

    def events(self) -> list[Any]:
        return [each for message in self.received for each in message["events"]]


async def ask(world: SimulatedWorld, method: str, path: str, **body: Any) -> Any:
    client = world.client("app", timeout=60)
    return await client.request(method, f"http://docklink/hubs/{path}", json=body)


Script = list[tuple[str, str, dict[str, Any]]]


def published(script: Script, version: int = 1, *statuses: int) -> Listener:
    """Return what a hub of three slots sent, after a script of requests."""
    listener = Listener(*statuses)

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("stations", listener)
        await world.serve("docklink", partial(docklink, version=version))
        await ask(world, "PUT", "S1", slots=3, vehicles={2: "B1"})
        for method, path, body in script:
            await world.clock.sleep(1)
            await ask(world, method, path, **body)
        await world.clock.sleep(60)

    simulate(scenario, seed=7)
    return listener


def run(scenario: Any) -> Any:
    """Run a scenario with a hub of two slots, of which the first holds B1."""
    listener = Listener()

    async def all_of_it(world: SimulatedWorld) -> Any:
        await world.serve("stations", listener)
        await world.serve("docklink", docklink)
        await ask(world, "PUT", "S1", slots=2, vehicles={1: "B1"})
        await world.clock.sleep(1)
        return await scenario(world, listener)

    return simulate(all_of_it, seed=7).result


vehicles = st.sampled_from(["B1", "B2", "B3"])
who = st.sampled_from(["rider", "truck", "workshop"])
actions = st.one_of(
    st.builds(
        lambda veh, by: ("POST", "S1/insert", {"veh": veh, "by": by}), vehicles, who
    ),
    st.builds(
        lambda veh, by: ("POST", "S1/open", {"veh": veh, "by": by}), vehicles, who
    ),
    st.builds(
        lambda slot, jammed: ("PUT", "S1/alarm", {"slot": slot, "jammed": jammed}),
        st.integers(1, 3),
        st.booleans(),
    ),
    st.builds(lambda up: ("PUT", "S1/line", {"up": up}), st.booleans()),
    st.builds(lambda vehs: ("POST", "S1/lift", {"vehs": vehs}), st.lists(vehicles)),
    st.builds(
        lambda vehs: ("POST", "S1/load", {"vehs": vehs}), st.lists(vehicles, max_size=2)
    ),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(actions, max_size=8))
def test_both_versions_of_the_vendors_messages_say_the_same_to_us(
    script: Script,
) -> None:
    first, second = published(script, 1).reports(), published(script, 2).reports()
    assert first == second
    assert not [each for each in first if isinstance(each, Unreadable)]


def test_the_two_versions_are_not_the_same_message() -> None:
    """Or the test above would show nothing."""
    script: Script = [("PUT", "S1/alarm", {"slot": 2, "jammed": True})]
    first, second = published(script, 1).events(), published(script, 2).events()
    for output in (first, second):
        for each in output:
            each.pop("vehicle_state", None)
    assert [
        {"slot": 2, "ts": TS, "veh": "B1", "event_type": "provider_drop_off"},
        {"slot": 2, "ts": TS + 1, "alarm": "jammed"},
    ] == first
    assert [
        {
            "slot": "02",
            "timestamp": TS * 1000,
            "vehicle_id": "B1",
            "event_types": ["provider_drop_off"],
        },
        {"slot": "02", "timestamp": TS * 1000 + 1000, "alarm": "jammed"},
    ] == second


def test_what_moves_in_a_hub_is_published_in_our_words() -> None:
    script: Script = [
        ("POST", "S1/open", {"veh": "B1"}),
        ("POST", "S1/insert", {"veh": "B2"}),
        ("PUT", "S1/alarm", {"slot": 1, "jammed": True}),
        ("PUT", "S1/alarm", {"slot": 1, "jammed": False}),
        ("POST", "S1/open", {"veh": "B2", "by": "workshop"}),
    ]
    at = [datetime.fromtimestamp(TS + n, UTC) for n in range(7)]
    expected = [
        Docked("B1", "S1", "S1-02", at[0]),
        Taken("B1", "S1", at[1]),
        Docked("B2", "S1", "S1-01", at[2]),
        DockState("S1", "S1-01", True, at[3]),
        DockState("S1", "S1-01", False, at[4]),
        Taken("B2", "S1", at[5]),
    ]
    assert expected == published(script).reports()


# --- lines ------------------------------------------------------------------------


def test_a_disconnected_hub_sends_everything_later_and_in_order() -> None:
    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        await ask(world, "PUT", "S1/line", up=False)
        await ask(world, "POST", "S1/open", veh="B1")
        await world.clock.sleep(600)
        await ask(world, "POST", "S1/insert", veh="B2")
        silent = len(listener.events())
        await ask(world, "PUT", "S1/line", up=True)
        await world.clock.sleep(1)
        return silent, [type(each).__name__ for each in listener.reports()]

    assert (1, ["Docked", "Taken", "Docked"]) == run(scenario)


def test_what_was_not_accepted_is_sent_again_until_it_is() -> None:
    """With later messages, in order; nothing that was accepted is sent twice."""
    listener = published([("POST", "S1/open", {"veh": "B1"})], 1, 503, 500)
    assert [1, 2, 2] == [len(message["events"]) for message in listener.received]
    assert ["Docked", "Taken"] == [
        type(each).__name__ for each in translate(listener.received[-1])
    ]


def test_a_line_that_goes_down_in_mid_telling_ends_it() -> None:
    """And one that is up again before the next try goes on, once."""

    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        listener.statuses = [503]
        await ask(world, "POST", "S1/open", veh="B1")
        await world.clock.sleep(0.1)
        for up in (False, True, True, False):
            await ask(world, "PUT", "S1/line", up=up)
        await world.clock.sleep(10 * AGAIN)
        down = len(listener.received)
        await ask(world, "PUT", "S1/line", up=True)
        await world.clock.sleep(AGAIN)
        return down, len(listener.received)

    assert (2, 3) == run(scenario)


def test_while_stations_does_not_listen_the_hub_keeps_what_it_has_to_tell() -> None:
    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        world.network.crash("stations")
        await ask(world, "POST", "S1/open", veh="B1")
        await world.clock.sleep(60)
        await world.network.restart("stations")
        await world.clock.sleep(AGAIN)
        return [type(each).__name__ for each in listener.reports()]

    assert ["Docked", "Taken"] == run(scenario)


# --- slots ------------------------------------------------------------------------


def test_a_hub_takes_what_it_has_room_for_and_lets_go_of_what_it_holds() -> None:
    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        answers = [
            await ask(world, "POST", "S1/insert", veh="B2"),
            await ask(world, "POST", "S1/insert", veh="B3"),
            await ask(world, "POST", "S1/open", veh="B9"),
            await ask(world, "POST", "S1/open", veh="B1"),
            await ask(world, "POST", "S9/open", veh="B1"),
        ]
        slots = (await ask(world, "GET", "S1")).json()
        return [(a.status_code, a.json().get("detail")) for a in answers], slots

    output, slots = run(scenario)
    refused = [(409, "full"), (409, "not here"), (200, None), (404, "no hub 'S9'")]
    assert ([(200, None), *refused], {"1": None, "2": "B2"}) == (output, slots)


def test_a_hub_that_is_asked_again_under_a_reference_lets_go_once() -> None:
    """And in time, or not at all: whoever wanted the vehicle may have left."""

    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        now = int(world.clock.now().timestamp())
        wanted = {"veh": "B1", "ref": "r1", "until": now}
        first = await ask(world, "POST", "S1/open", **wanted)
        await ask(world, "POST", "S1/insert", veh="B1")
        await world.clock.sleep(2)
        again = await ask(world, "POST", "S1/open", **wanted)
        late = await ask(world, "POST", "S1/open", **wanted | {"ref": "r2"})
        slots = (await ask(world, "GET", "S1")).json()
        return first.json() == again.json(), late.json(), slots["1"]

    assert (True, {"detail": "too late"}, "B1") == run(scenario)


def test_a_jammed_slot_keeps_what_it_holds_and_takes_nothing() -> None:
    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        for slot in (1, 2):
            await ask(world, "PUT", "S1/alarm", slot=slot, jammed=True)
        return [
            (await ask(world, "POST", "S1/open", veh="B1")).json(),
            (await ask(world, "POST", "S1/lift", vehs=["B1"])).json(),
            (await ask(world, "POST", "S1/insert", veh="B2")).json(),
            (await ask(world, "POST", "S1/load", vehs=["B2"])).json(),
            (await ask(world, "PUT", "S1/alarm", slot=1)).status_code,
            (await ask(world, "POST", "S1/lift", vehs=["B1"])).json(),
            (await ask(world, "POST", "S1/load", vehs=["B2", "B3"])).json(),
        ]

    jammed, full, none = {"detail": "jammed"}, {"detail": "full"}, {"vehs": []}
    expected = [jammed, none, full, none, 204, {"vehs": ["B1"]}, {"vehs": ["B2"]}]
    assert expected == run(scenario)


def test_a_bike_that_is_pushed_in_again_is_in_one_slot() -> None:
    """A caller that missed the first answer may ask again, an installer too."""

    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        again = await ask(world, "POST", "S1/insert", veh="B1")
        await ask(world, "PUT", "S1", slots=2, vehicles={1: "B1"})
        slots = (await ask(world, "GET", "S1")).json()
        return again.json()["slot"], slots, len(listener.received)

    assert (1, {"1": "B1", "2": None}, 1) == run(scenario)


def test_it_says_in_one_line_what_it_is() -> None:
    async def scenario(world: SimulatedWorld) -> str:
        return repr(DockLink(world.node("docklink"), 2, "http://stations/docklink"))

    assert "<DockLink 2: 0 hubs>" == simulate(scenario, seed=7).result


def test_a_truck_lifts_each_bike_once_however_often_it_is_named() -> None:
    async def scenario(world: SimulatedWorld, listener: Listener) -> Any:
        lifted = await ask(world, "POST", "S1/lift", vehs=["B1", "B1", "B9"])
        return lifted.json(), len(listener.received)

    assert ({"vehs": ["B1"]}, 1) == run(scenario)


# --- what cannot be read ----------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "slot",
        "veh",
        "event_type",
        "alarm",
        "ts",
        "timestamp",
        "vehicle_id",
        "event_types",
    ]
)
odd_numbers = st.sampled_from([10**11, 10**12, 10**18, 10**30, -(10**13), "9" * 5000])
almost = st.dictionaries(fields, st.one_of(json_values, odd_numbers, st.integers(1, 9)))
hubs = st.fixed_dictionaries({"fw": st.sampled_from(["1", "2"]), "hub": st.just("S1")})
messages = st.builds(
    lambda message, events: {**message, "events": events},
    hubs,
    st.lists(st.one_of(almost, json_values), max_size=4),
)


@pytest.mark.slow
@given(st.one_of(json_values, messages))
@example({"fw": "1", "hub": "S1", "events": [{"slot": 1, "veh": "B", "ts": 10**12}]})
@example({"fw": "2", "hub": "S1", "events": [{"slot": "9" * 5000, "timestamp": 1}]})
def test_nothing_that_a_hub_says_makes_the_border_raise(message: Any) -> None:
    """And nothing is dropped: each event is read, or kept with the reason why not."""
    found = translate(message)
    assert all(each.why for each in found if isinstance(each, Unreadable))
    if isinstance(message, dict) and set(message) >= {"fw", "hub", "events"}:
        assert len(message["events"]) == len(found)
    else:
        [unreadable] = found
        assert isinstance(unreadable, Unreadable)
        assert str(message) == unreadable.text


GOOD = {"slot": 2, "veh": "B1", "event_type": "trip_end", "ts": TS}
GOOD_2 = {"slot": "2", "vehicle_id": "B1", "event_types": ["trip_end"]}


@pytest.mark.parametrize(
    ("fw", "event", "why"),
    [
        ("1", {**GOOD, "slot": 0}, "slot: "),
        ("1", {**GOOD, "ts": "soon"}, "ts: "),
        ("1", {**GOOD, "ts": 10**12}, "year "),
        ("1", {**GOOD, "event_type": "reservation_start"}, "vehicle 'B1' and event"),
        ("1", {**GOOD, "veh": ""}, "vehicle '' and event 'trip_end'"),
        ("1", {**GOOD, "alarm": "on fire"}, "alarm 'on fire'"),
        ("1", 7, "message: "),
        ("2", {**GOOD_2, "slot": "00", "timestamp": TS * 1000}, "slot: "),
        ("2", {**GOOD_2, "slot": "-1", "timestamp": TS * 1000}, "slot: "),
        (
            "2",
            {**GOOD_2, "event_types": [], "timestamp": 0},
            "vehicle 'B1' and event ''",
        ),
        ("2", GOOD_2, "timestamp: "),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason_and_spoils_nothing_else(
    fw: str, event: Any, why: str
) -> None:
    good = GOOD if fw == "1" else {**GOOD_2, "timestamp": TS * 1000}
    found = translate({"fw": fw, "hub": "S1", "events": [good, event, good]})
    assert ["Docked", "Unreadable", "Docked"] == [type(e).__name__ for e in found]
    assert found[1].why.startswith(why)
    assert f"S1: {event}" == found[1].text


@pytest.mark.parametrize(
    "message", [{}, 7, None, {"fw": "3", "hub": "S1", "events": []}]
)
def test_a_message_of_another_kind_is_kept_whole(message: Any) -> None:
    [found] = translate(message)
    assert str(message) == found.text


def test_what_the_vendor_adds_is_let_pass() -> None:
    """Its first version, with the fields of a third in it."""
    event = {**GOOD, "battery": 0.5, "event_types": None, "location": {"lat": 1}}
    message = {"fw": "1", "hub": "S1", "events": [event], "signature": "0af7"}
    at = datetime.fromtimestamp(TS, UTC)
    assert [Docked("B1", "S1", "S1-02", at)] == translate(message)


class Vendor:
    """Answers a request to open a dock as a test wants."""

    def __init__(self, status: int, answer: Any) -> None:
        self.status, self.answer = status, answer

    async def post(self, url: str, json: Any) -> httpx.Response:
        return httpx.Response(self.status, json=self.answer)


def opened(status: int, answer: Any) -> datetime:
    """Return when a dock let go, as its vendor's answer is read."""
    vendor: Any = Vendor(status, answer)
    wanted = Unlock(RideId("r1"), StationId("S1"), BikeId("B1"))
    return at_once(open_dock(vendor, wanted))


def test_when_a_dock_let_go_is_read_from_the_answer() -> None:
    assert EPOCH == opened(200, {"slot": 3, "ts": TS, "more": 1})


@pytest.mark.parametrize("answer", [{"slot": 3}, {"ts": "now"}, [], {"ts": 10**12}])
def test_an_answer_that_cannot_be_read_may_be_one_that_it_let_go(answer: Any) -> None:
    with pytest.raises(httpx.TransportError):
        opened(200, answer)


def test_a_refusal_is_definite_and_a_failure_is_not() -> None:
    with pytest.raises(Refused, match=r"^the dock of bike B1 did not open: "):
        opened(409, {"detail": "not here"})
    with pytest.raises(httpx.TransportError):
        opened(503, {"detail": "not now"})
