"""The six services together: rides, refusals, bad input, crashes, a bad network."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from movingparts.city.audit import Audit
from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.docklink import AGAIN
from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.stations.model import LATE, MOVED
from movingparts.city.synthetic import larkhaven
from movingparts.core.random import LogNormal
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.town import Ledger, Town, live

# --- a whole ride -----------------------------------------------------------------


def test_a_ride_from_the_reservation_to_the_charge() -> None:
    async def scenario(town: Town) -> Any:
        before = len(town.events())
        bike = await town.ride()
        await town.pause(12 * 60 - 5)
        await town.dock(bike)
        await town.pause(1)
        ride = await town.get("rides", "rides/r1")
        payment = await town.get("billing", "authorizations/r1")
        account = await town.get("billing", "accounts/ada")
        return [n for n, _ in town.events()[before:]], ride, payment, account

    names, ride, payment, account = live(scenario)
    assert [
        "availability.bike-reserved",
        "billing.payment-authorized",
        "availability.reservation-closed",
        "stations.bike-left",
        "rides.ride-started",
        "stations.bike-docked",
        "rides.ride-ended",
        "billing.fare-charged",
    ] == names
    assert ("ended", []) == (ride["state"], ride["anomalies"])
    fare = {"amount": "2.80", "currency": "EUR"}
    assert ("charged", fare) == (payment["state"], payment["fare"])
    assert (fare, "147.20") == (account["owed"], account["left"]["amount"])


WHERE = {
    "availability": "bikes/B1",
    "rides": "bikes/B1",
    "stations": "bikes/B1",
    "fleet": "bikes/B1",
    "riders": "riders/ada",
    "billing": "authorizations/r1",
}


def test_available_means_another_thing_in_each_context() -> None:
    """Each says so itself; at no moment of a ride do they all say the same."""

    async def scenario(town: Town) -> Any:
        async def available() -> str:
            output = ""
            for context, path in WHERE.items():
                reply = await town.ask("GET", context, path)
                found = reply.is_success and reply.json()["available"]
                output += context[:2] if found else "--"
            return output

        moments = [await available()]
        await town.reserve()
        moments.append(await available())
        await town.start()
        await town.pause(1)
        moments.append(await available())
        await town.good("POST", "fleet", "bikes/B1/faults", what="a flat tire")
        await town.dock("B1")
        await town.pause(1)
        moments.append(await available())
        return moments

    assert [
        "avristflri--",
        "--ristflri--",
        "------flribi",
        "--rist--ri--",
    ] == live(scenario)


# --- refusals ---------------------------------------------------------------------


async def _nobody_signed_up(town: Town) -> Any:
    return await town.reserve(rider="nobody")


async def _suspended(town: Town) -> Any:
    await town.good("PUT", "riders", "riders/ada/standing", standing="suspended")
    await town.pause(1)
    return await town.reserve()


async def _none_left(town: Town) -> Any:
    await town.reserve("v1", "ada", "S2")
    return await town.reserve("v2", "ben", "S2")


async def _second_reservation(town: Town) -> Any:
    await town.reserve("v1")
    return await town.reserve("v2")


async def _somebody_elses(town: Town) -> Any:
    await town.reserve("v1", "ben")
    return await town.start()


async def _lapsed(town: Town) -> Any:
    await town.reserve()
    await town.pause(600)
    return await town.start()


async def _poor(town: Town) -> Any:
    await town.good("PUT", "billing", "accounts/ada/limit", amount="5.00")
    await town.reserve()
    return await town.start()


async def _unlock(town: Town, bike: str = "B1", at: str = "S1") -> Any:
    wanted = {"ride_id": "r1", "bike_id": bike, "until": "2031-05-05T09:00:00Z"}
    return await town.ask("POST", "stations", f"stations/{at}/unlocks", **wanted)


async def _no_such_bike(town: Town) -> Any:
    return await _unlock(town, "B9")


async def _broken_dock(town: Town) -> Any:
    await town.good("PUT", "docklink", "hubs/S1/alarm", slot=1, jammed=True)
    await town.pause(1)
    return await _unlock(town)


async def _promise_broken(town: Town) -> Any:
    await town.reserve()
    await town.good("PUT", "docklink", "hubs/S1/alarm", slot=1, jammed=True)
    await town.pause(1)
    return await town.start()


async def _bike_underway(town: Town) -> Any:
    await town.ride()
    return await town.start("r2", rider_id="ben", reservation="v9")


async def _cut_off(town: Town, other: str) -> Any:
    await town.reserve()
    town.world.network.partition("rides", other)
    return await town.start()


async def _vendor_silent(town: Town) -> Any:
    town.world.network.crash("docklink")
    return await _unlock(town)


async def _vendor_silent_on_a_ride(town: Town) -> Any:
    await town.reserve()
    town.world.network.crash("docklink")
    return await town.start()


async def _pass_twice(town: Town) -> Any:
    await town.good("PUT", "riders", "riders/ada/passes/p1", kind="day")
    return await town.ask("PUT", "riders", "riders/ada/passes/p2", kind="day")


Asked = Callable[[Town], Awaitable[Any]]


def is_refused(reply: Any, status: int, output: str) -> bool:
    """Return whether an answer is a problem document that says what, and why."""
    assert (status, "application/problem+json") == (
        reply.status_code, reply.headers["content-type"],
    )  # fmt: skip
    reported = reply.json()
    assert (status, True) == (reported["status"], reported["detail"].startswith(output))
    return True


@pytest.mark.parametrize(
    ("asked", "status", "output"),
    [
        (_nobody_signed_up, 409, "rider nobody may not reserve"),
        (_suspended, 409, "rider ada may not reserve"),
        (_none_left, 409, "no bike is left at S2"),
        (_second_reservation, 409, "rider ada has a reservation already"),
        (_somebody_elses, 409, "availability: reservation v1 does not hold at S1:"),
        (_lapsed, 409, "availability: reservation v1 does not hold at S1:"),
        (_poor, 402, "billing: the payment for ride r1 was not authorized"),
        (_broken_dock, 409, "dock S1-01, which holds bike B1, is jammed"),
        (_no_such_bike, 409, "bike B9 is in no dock of S1"),
        (_promise_broken, 409, "availability: reservation v1 does not hold at S1:"),
        (_bike_underway, 409, "bike B1 is on ride r1"),
        (lambda t: _cut_off(t, "billing"), 503, "the ride is cancelled: waited 0.5 s"),
        (
            lambda t: _cut_off(t, "stations"),
            503,
            "ride r1 is stuck, until somebody loo",
        ),
        (_vendor_silent, 504, "the dock did not answer: it may have let go"),
        (
            _vendor_silent_on_a_ride,
            503,
            "ride r1 is stuck, until somebody looks: unlock: stations: the dock did",
        ),
        (_pass_twice, 409, "rider ada has a pass until 2031-05-06"),
    ],
)
def test_a_refusal_says_what_and_why_in_a_problem_document(
    asked: Asked, status: int, output: str
) -> None:
    assert is_refused(live(asked), status, output)


REFUSED: list[tuple[str, str, str, dict[str, Any], int, str]] = [
    ("POST", "stations", "stations/S9/unlocks",
     {"ride_id": "r1", "bike_id": "B1", "until": "2031-05-05T09:00:00Z"},
     404, "there is no Station 'S9'"),
    ("PUT", "stations", "stations/S1", {"docks": ["S1-02"]},
     409, "dock S1-01 holds bike B1"),
    ("GET", "stations", "stations/S9", {}, 404, "there is no Station 'S9'"),
    ("GET", "stations", "bikes/B9", {}, 404, "there is no Bike 'B9'"),
    ("GET", "availability", "stations/S9", {}, 404, "there is no Stand 'S9'"),
    ("GET", "availability", "bikes/B9", {}, 404, "there is no Bike 'B9'"),
    ("PUT", "availability", "reservations/v9", {"rider_id": "cy", "station_id": "S1"},
     409, "rider cy may not reserve"),
    ("GET", "rides", "rides/r9", {}, 404, "there is no Ride 'r9'"),
    ("GET", "billing", "authorizations/r9", {}, 404, "there is no Payment 'r9'"),
    ("GET", "billing", "accounts/cy", {}, 404, "there is no Account 'cy'"),
    ("GET", "fleet", "bikes/B9", {}, 404, "there is no Bike 'B9'"),
    ("DELETE", "fleet", "bikes/B1/faults", {}, 409, "bike B1 has nothing to repair"),
    ("PUT", "fleet", "bikes/B1/workshop", {}, 409, "bike B1 is available"),
    ("POST", "fleet", "bikes/B9/faults", {"what": "flat"},
     404, "there is no Bike 'B9'"),
    ("PUT", "fleet", "moves/m1/bikes", {"bikes": ["B1"]},
     409, "no truck has taken move m1"),
    ("GET", "riders", "riders/cy", {}, 404, "there is no Rider 'cy'"),
    ("PUT", "riders", "riders/cy", {"name": "Cy", "email": "cy"},
     409, "'cy' is no address: it has the form name@place"),
    ("PUT", "riders", "riders/cy/passes/p1", {"kind": "day"},
     404, "there is no Rider 'cy'"),
    ("PUT", "riders", "riders/cy/standing", {"standing": "good"},
     404, "there is no Rider 'cy'"),
    ("POST", "fleet", "no/such/path", {}, 404, "Not Found"),
]  # fmt: skip


def test_each_service_refuses_in_its_own_words_and_nothing_has_happened() -> None:
    async def scenario(town: Town) -> Any:
        rows, reported = town.all_rows(), len(town.published)
        replies = [
            await town.ask(method, service, path, **body)
            for method, service, path, body, _, _ in REFUSED
        ]
        await town.pause(1)
        return replies, rows == town.all_rows(), reported == len(town.published)

    replies, *nothing = live(scenario)
    for reply, (*_, status, output) in zip(replies, REFUSED, strict=True):
        assert is_refused(reply, status, output)
    assert [True, True] == nothing


async def _no_such_vehicle(town: Town) -> None:
    assert None is await town.good("POST", "fleet", "trucks/t1/moves")


def test_a_truck_with_nothing_to_do_gets_no_move() -> None:
    live(_no_such_vehicle)


# --- asked again ------------------------------------------------------------------


AGAINST = {"what": "docked", "bike_id": "B1", "station_id": "S2"}
COLLECTION = {"rider_id": "ada", "station_id": "S1", "bike_id": "B1"}
UNLOCK = {"ride_id": "r1", "bike_id": "B1", "until": "2031-05-05T09:00:00Z"}
TWICE: list[tuple[str, str, str, dict[str, Any]]] = [
    ("PUT", "stations", "stations/S3", {"docks": ["S3-01"]}),
    ("PUT", "fleet", "bikes/B9", {"bike_type": "electric_bike"}),
    ("PUT", "riders", "riders/cy", {"name": "Cy", "email": "cy@larkhaven.example"}),
    ("PUT", "riders", "riders/ada/passes/p1", {"kind": "member"}),
    ("PUT", "billing", "authorizations/r1", {"rider_id": "ada"}),
    ("PUT", "availability", "reservations/v1", {"rider_id": "ada", "station_id": "S1"}),
    ("POST", "availability", "reservations/v1/collection", COLLECTION),
    ("POST", "stations", "stations/S1/unlocks", UNLOCK),
    ("PUT", "riders", "riders/ada/standing", {"standing": "suspended"}),
    ("POST", "stations", "reports", {**AGAINST, "at": "2031-05-05T07:00:00Z"}),
    ("POST", "fleet", "bikes/B2/faults", {"what": "a flat tire"}),
    ("DELETE", "fleet", "bikes/B2", {}),
]


def test_what_is_asked_for_again_is_answered_alike_and_done_once() -> None:
    async def scenario(town: Town) -> None:
        for method, service, path, body in TWICE:
            first = await town.ask(method, service, path, **body)
            await town.pause(1)
            rows, reported = town.all_rows(), len(town.published)
            second = await town.ask(method, service, path, **body)
            await town.pause(1)
            assert first.is_success, first.text
            assert first.status_code == second.status_code
            assert first.content == second.content
            assert (rows, reported) == (town.all_rows(), len(town.published)), path

    live(scenario)


def test_a_ride_that_is_asked_for_again_is_the_ride_that_is_under_way() -> None:
    async def scenario(town: Town) -> Any:
        await town.reserve()
        first = await town.start()
        rows = town.all_rows()
        second = await town.start()
        return first.json() == second.json(), rows == town.all_rows()

    assert (True, True) == live(scenario)


@pytest.mark.slow
def test_a_request_that_the_network_doubles_begins_one_ride() -> None:
    """Whichever copy gets further, the rider has her bike and learns it."""

    async def scenario(town: Town) -> Any:
        await town.reserve()
        town.world.network.everywhere(latency=LogNormal(median=0.02, p99=0.5))
        town.world.network.duplicate("app", "rides", kind="request")
        reply = await town.start()
        await town.pause(30)
        ride = await town.get("rides", "rides/r1")
        return (
            reply.status_code,
            ride["state"],
            town.names().count("rides.ride-started"),
        )

    found = {live(scenario, seed=seed) for seed in range(8)}
    assert {(200, "underway", 1)} == found


# --- bad input --------------------------------------------------------------------

JSON = {"content-type": "application/json"}


def output(**more: str) -> str:
    return json.dumps({"bike_id": "B1", "station_id": "S1", **more})


UNREADABLE = [
    ("stations", "docklink", "{", "body.1"),
    ("stations", "docklink", "[]", "body"),
    ("stations", "reports", "not json", "body.0"),
    ("stations", "reports", output(what="docked", at="2031-05-05T08:00:00"), "body.at"),
    ("stations", "reports", output(what="docked", at="soon"), "body.at"),
    (
        "stations",
        "reports",
        output(what="stolen", at="2031-05-05T08:00:00Z"),
        "body.what",
    ),
    ("rides", "rides/r1/report", "", "body"),
    ("rides", "rides/r1/report", output(at="2031-05-05 08:00"), "body.at"),
    ("fleet", "bikes/B1/faults", '{"what": 7}', "body.what"),
]


def test_unreadable_rows_are_reported_and_change_nothing() -> None:
    """A time without a zone is none; JSON that breaks off is none."""

    async def scenario(town: Town) -> Any:
        rows, reported = town.all_rows(), len(town.published)
        for service, path, content, at in UNREADABLE:
            address = f"http://{service}/{path}"
            reply = await town.client.post(address, content=content, headers=JSON)
            assert is_refused(reply, 422, "the request is not valid")
            assert at in [error["at"] for error in reply.json()["errors"]]
        for amount in ("5", "5.0", "-5.00", "1e3", "9" * 30 + ".00", "5,00"):
            path = "accounts/ada/limit"
            reply = await town.ask("PUT", "billing", path, amount=amount)
            assert is_refused(reply, 422, "the request is not valid")
        await town.pause(1)
        return rows == town.all_rows(), reported == len(town.published)

    assert (True, True) == live(scenario)


def test_a_vendors_message_is_taken_with_all_that_it_adds() -> None:
    """What can be read is, what cannot is in the log; nothing is refused."""

    async def scenario(town: Town) -> Any:
        ts = int(town.world.clock.now().timestamp())
        good = {"slot": 3, "veh": "B7", "event_type": "trip_end", "ts": ts, "soc": 0.5}
        events = [good, {**good, "veh": "B8", "ts": 10**12}, "?"]
        body = {"fw": "1", "hub": "S1", "events": events, "signed": "0af7"}
        reply = await town.ask("POST", "stations", "docklink", **body)
        logs = town.world._services["stations"].logs
        kept = [line for line in logs if "unreadable" in line]
        return (
            reply.status_code,
            reply.json(),
            (await town.get("stations", "bikes/B7")),
            kept,
        )

    status, output, bike, kept = live(scenario)
    assert (202, {"read": 1, "unread": 2}) == (status, output)
    assert ("S1", True) == (bike["station_id"], bike["available"])
    assert ["B8" in line for line in kept] == [True, False]


def test_names_may_be_of_any_letters() -> None:
    """A whole ride with a space, a quotation mark, an é and an emoji in every id."""
    rider, ride, station = "Zoë O'Hara", "fähre 7?#&%", 'Møllen "Ø" 🚲'

    async def scenario(town: Town) -> Any:
        at, who = quote(station), quote(rider)
        person = {"name": "Zoë", "email": "zoe@larkhaven.example"}
        await town.good("PUT", "riders", f"riders/{who}", **person)
        await town.good("PUT", "stations", f"stations/{at}", docks=[f"{station}-01"])
        fitted = {"slots": 1, "vehicles": {1: "Bä"}}
        await town.good("PUT", "docklink", f"hubs/{at}", **fitted)
        await town.pause(2)
        bike = await town.ride(ride, rider, station)
        await town.pause(600)
        await town.dock(bike)
        await town.pause(2)
        payment = await town.get("billing", f"authorizations/{quote(ride, safe='')}")
        [charged] = town.data("billing.fare-charged")
        return bike, payment["state"], charged["ride_id"], charged["rider_id"]

    assert ("Bä", "charged", ride, rider) == live(scenario)


def test_a_station_may_have_a_slash_in_its_name() -> None:
    """It is installed, reported about, shown and asked to let a bike go."""

    async def scenario(town: Town) -> Any:
        await town.good("PUT", "stations", "stations/A%2FB", docks=["A/B-01"])
        about = {"bike_id": "B1", "station_id": "A/B", "at": "2031-05-05T07:00:00Z"}
        await town.good("POST", "stations", "reports", what="docked", **about)
        await town.pause(1)
        station = await town.get("stations", "stations/A%2FB")
        return station, await _unlock(town, "B9", "A%2FB")

    station, refused = live(scenario)
    assert ("A/B", {"A/B-01": "B1"}) == (station["station_id"], station["docks"])
    assert "bike B9 is in no dock of A/B" == refused.json()["detail"]


# --- crashes ----------------------------------------------------------------------


@pytest.mark.parametrize("service", CONTEXTS)
def test_a_crash_loses_nothing_that_was_committed(service: str) -> None:
    """With one ride under way and one bike promised; then the ride ends as any."""

    async def scenario(town: Town) -> Any:
        bike = await town.ride("r1", "ada")
        await town.reserve("v2", "ben")
        rows, shown = town.rows(service), await town.get(service, WHERE[service])
        town.world.network.crash(service)
        await town.pause(5)
        await town.world.network.restart(service)
        same = (town.rows(service), await town.get(service, WHERE[service]))
        await town.pause(300)
        await town.dock(bike)
        await town.pause(10)
        return same == (rows, shown), (await town.get("billing", "authorizations/r1"))

    same, payment = live(scenario)
    assert (True, "charged") == (same, payment["state"])


@pytest.mark.parametrize("service", ["stations", "rides", "billing", "availability"])
def test_what_happened_while_a_service_was_down_is_received_when_it_is_up(
    service: str,
) -> None:
    async def scenario(town: Town) -> Any:
        bike = await town.ride()
        town.world.network.crash(service)
        await town.pause(300)
        await town.dock(bike)
        await town.pause(60)
        await town.world.network.restart(service)
        await town.pause(2 * AGAIN)
        stand = await town.get("availability", "stations/S2")
        return town.names().count("billing.fare-charged"), sorted(stand["bikes"])

    assert (1, ["B1", "B3"]) == live(scenario)


@pytest.mark.parametrize(("down", "late"), [((60, 120), 0), ((60, 1200), 600)])
def test_a_reservation_lapses_also_after_a_restart(
    down: tuple[int, int], late: int
) -> None:
    """At its time if the service is up then, else as soon as it is."""

    async def scenario(town: Town) -> Any:
        promise = (await town.reserve()).json()
        await town.pause(down[0])
        town.world.network.crash("availability")
        await town.pause(down[1] - down[0])
        await town.world.network.restart("availability")
        await town.pause(700)
        return promise, town.data("availability.reservation-closed")

    promise, [closed] = live(scenario)
    assert "expired" == closed["why"]
    was = datetime.fromisoformat(closed["at"]) - datetime.fromisoformat(
        promise["until"]
    )
    assert abs(was - timedelta(seconds=late)) < timedelta(seconds=0.01)


def test_what_was_saved_before_a_crash_is_published_after_it() -> None:
    """The ride is over, which nobody could be told before rides crashed."""

    async def scenario(town: Town) -> Any:
        bike = await town.ride()
        await town.pause(300)
        town.world.network.partition("rides", "bus", one_way=True)
        await town.dock(bike)
        await town.pause(1)
        saved = await town.get("rides", "rides/r1")
        published = "rides.ride-ended" in town.names()
        town.world.network.crash("rides")
        town.world.network.heal()
        await town.world.network.restart("rides")
        await town.pause(600)
        payment = await town.get("billing", "authorizations/r1")
        ended = town.names().count("rides.ride-ended")
        return saved["state"], published, ended, payment["state"]

    assert ("ended", False, 1, "charged") == live(scenario)


def test_a_request_does_not_wait_for_a_silent_broker() -> None:
    """What it saved is published as soon as the broker is back, once and in order."""

    async def scenario(town: Town) -> Any:
        town.world.network.partition("availability", "bus")
        begun = town.world.clock.monotonic()
        replies = [await town.reserve("v1"), await town.reserve("v2", "ben", "S2")]
        took = town.world.clock.monotonic() - begun
        await town.pause(30)
        published = "availability.bike-reserved" in town.names()
        town.world.network.heal()
        await town.pause(10)
        reserved = town.data("availability.bike-reserved")
        codes = [reply.status_code for reply in replies]
        return codes, took < 3, published, [each["reservation_id"] for each in reserved]

    assert ([200, 200], True, False, ["v1", "v2"]) == live(scenario)


# --- docks that go offline --------------------------------------------------------


def test_docks_that_were_offline_report_late_and_nobody_is_misled() -> None:
    """The bike was seen at S2 before S1 could say that it had left."""

    async def scenario(town: Town) -> Any:
        await town.good("PUT", "docklink", "hubs/S1/line", up=False)
        await town.pause(1)
        moved = await town.good("POST", "docklink", "hubs/S1/lift", vehs=["B1"])
        await town.pause(60)
        await town.good("POST", "docklink", "hubs/S2/load", **moved)
        await town.pause(1)
        seen = (await town.get("availability", "stations/S2"))["bikes"]
        await town.good("PUT", "docklink", "hubs/S1/line", up=True)
        await town.pause(1)
        anomalies = [each["reason"] for each in town.data("stations.anomaly-found")]
        return seen, anomalies, await stood(town)

    seen, anomalies, standing = live(scenario)
    assert (["B3", "B1"], [MOVED, LATE]) == (seen, anomalies)
    assert {"S1": ["B2"], "S2": ["B1", "B3"]} == standing


async def stood(town: Town) -> dict[str, list[str]]:
    """Return where bikes stand, which hubs, stations and availability agree on."""
    found: dict[str, list[str]] = {}
    for station in ("S1", "S2"):
        hub = (await town.get("docklink", f"hubs/{station}")).values()
        docks = (await town.get("stations", f"stations/{station}"))["docks"].values()
        offered = (await town.get("availability", f"stations/{station}"))["bikes"]
        found[station] = sorted(filter(None, hub))
        assert found[station] == sorted(filter(None, docks)) == sorted(offered)
    return found


def test_a_ride_that_ends_at_a_dock_that_is_offline_is_charged_when_it_reports() -> (
    None
):
    """For the time that it took, not for the time until the report came."""

    async def scenario(town: Town) -> Any:
        bike = await town.ride()
        await town.good("PUT", "docklink", "hubs/S2/line", up=False)
        await town.pause(10 * 60 - 3)
        await town.dock(bike)
        await town.pause(5 * 3600)
        await town.good("PUT", "docklink", "hubs/S2/line", up=True)
        await town.pause(2)
        return town.data("billing.fare-charged")[0]["fare"]["amount"]

    assert "2.50" == live(scenario)


# --- a bad network ----------------------------------------------------------------


def morning(seed: int, **conditions: Any) -> tuple[Ledger, Town, Any]:
    """Live two hours of a small city, with the links to the broker as bad as said."""
    city = larkhaven(seed=7, stations=6, bikes=30, riders=60, rides=120)
    ledger = Ledger()

    async def scenario(world: SimulatedWorld) -> Any:
        town = Town(world)
        await serve_city(world, ledger.contexts())
        await town.listen()
        await open_city(world, city)
        await sleep_until(world, first_day(), 7, city)
        network = world.network
        network.link("*", "bus", **conditions)
        network.link("bus", "*", **conditions)
        network.between("bus", "listener", loss=0, duplicate=0, reorder=0)
        outcome = await live_day(world, city, first_day(), hours=(7, 9))
        await town.pause(600)
        hubs = {
            s.station_id: await town.get("docklink", f"hubs/{s.station_id}")
            for s in city.stations
        }
        docks = {
            s.station_id: await town.get("stations", f"stations/{s.station_id}")
            for s in city.stations
        }
        return town, outcome, hubs, docks

    recording = simulate(scenario, seed=seed)
    town, outcome, hubs, docks = recording.result
    assert [] == [m.text for m in recording.moments if m.kind == "dead letter"]
    held = {s: sorted(filter(None, hub.values())) for s, hub in hubs.items()}
    believed = {s: sorted(filter(None, d["docks"].values())) for s, d in docks.items()}
    assert held == believed
    return ledger, town, outcome


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "conditions"),
    [
        (1, {"duplicate": 0.3}),
        (2, {"reorder": 0.5, "latency": LogNormal(median=0.02, p99=0.9)}),
        (3, {"loss": 0.1}),
        (4, {"loss": 0.05, "duplicate": 0.1, "reorder": 0.2}),
        (
            5,
            {
                "loss": 0.05,
                "duplicate": 0.2,
                "reorder": 0.2,
                "latency": LogNormal(median=0.02, p99=0.9),
            },
        ),
    ],
)
def test_no_network_between_services_and_their_broker_breaks_a_rule(
    seed: int, conditions: dict[str, Any]
) -> None:
    """Checked by what was committed, in its order; all of it is published in the end.

    A publisher sends an event until it is confirmed.
    """
    ledger, town, outcome = morning(seed, **conditions)
    audit = Audit()
    for _, name, data in ledger.published():
        audit.handle(name, data)
    assert [] == audit.close()
    assert {identity for identity, _, _ in ledger.published()} == {
        (event.source, event.id) for event in town.published
    }
    assert outcome.requests["ridden"] > 15
    if {"loss", "duplicate"} & conditions.keys():  # or the network was not so bad
        assert len(town.published) > len(town.events())
