"""A day of Larkhaven: every rule holds, and what is counted adds up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from movingparts.city.audit import Audit, auditor
from movingparts.city.day import Day, Outcome, first_day, live_day, sleep_until
from movingparts.city.larkhaven import open_city, own_service, serve_city
from movingparts.city.synthetic import City, larkhaven
from movingparts.repository import SqliteRows
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.town import Town
from tests.city.town import live as in_town

WHY_NOT = {"no bike", "declined", "refused at the dock", "stayed away"}


@dataclass
class DayRun:
    """The outcome of a day, and what is in the services when it is over."""

    city: City
    outcome: Outcome
    audit: Audit
    hubs: dict[str, list[str]]  # where bikes stand: in the vendor's slots,
    docks: dict[str, list[str]]  # as stations believes,
    offered: dict[str, list[str]]  # and as availability offers them
    payments: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    requested: int


def run(city: City, *, seed: int = 1, poor: int = 13, **day: Any) -> DayRun:
    """Open a city, play its first day, and read its state afterward."""
    audit = Audit({each.station_id: each.capacity for each in city.stations})

    async def scenario(world: SimulatedWorld) -> Any:
        await serve_city(world)
        await world.serve("audit", auditor(audit))
        await open_city(world, city, poor=poor)
        if "hours" in day:
            await sleep_until(world, first_day(), day["hours"][0], city)
        outcome = await live_day(world, city, first_day(), **day)
        await world.clock.sleep(1200)  # the last promises lapse
        return outcome, *[await read(world, city, what) for what in VIEWS], rows(world)

    recording = simulate(scenario, seed=seed)
    assert [] == [m.text for m in recording.moments if m.kind == "dead letter"]
    outcome, hubs, docks, offered, (payments, accounts) = recording.result
    requested = sum(1 for _ in city.rides(first_day()))
    return DayRun(
        city, outcome, audit, hubs, docks, offered, payments, accounts, requested
    )


VIEWS = ("docklink/hubs", "stations/stations", "availability/stations")


async def read(world: SimulatedWorld, city: City, where: str) -> dict[str, list[str]]:
    """Return the bikes of each station, as one of the services has them.

    Availability does not know a station that no bike has ever come to.
    """
    client, found = world.client("looker"), {}
    for station in city.stations:
        reply = await client.get(f"http://{where}/{station.station_id}")
        shown = reply.json() if reply.is_success else {"bikes": []}
        if "bikes" not in shown:
            shown = {"bikes": shown.get("docks", shown).values()}
        found[station.station_id] = sorted(filter(None, shown["bikes"]))
    return found


def rows(world: SimulatedWorld) -> Any:
    """Return all payments and accounts that billing has committed."""
    store = SqliteRows(world.node("billing").disk.connect())

    def states(kind: str) -> Iterator[dict[str, Any]]:
        for key in store.keys(kind):
            row = store.read(kind, key)
            assert row is not None
            yield json.loads(row[1])

    return list(states("Payment")), list(states("Account"))


def check(day: DayRun) -> None:
    """Check what holds for every day."""
    requests, published = day.outcome.requests, day.audit.counts
    # Every rule holds in the published events.
    assert [] == day.audit.close()
    # Each request has one outcome, and each ride was requested.
    assert {"ridden", *WHY_NOT} >= set(requests)
    assert day.requested == requests.total()
    assert (
        requests["ridden"]
        == published["rides.ride-started"]
        == published["rides.ride-ended"]
    )
    assert requests["declined"] == published["billing.payment-declined"]
    refused = requests["declined"] + requests["refused at the dock"]
    assert refused == published["rides.ride-cancelled"]
    promised = day.requested - requests["no bike"]
    assert promised == published["availability.bike-reserved"]
    assert promised == published["availability.reservation-closed"]
    assert day.outcome.faults * 2 == published["fleet.condition-changed"] - len(
        day.city.bikes
    )
    # All bikes are there, where everybody thinks they are.
    assert day.hubs == day.docks == day.offered
    everywhere = sorted(bike for bikes in day.hubs.values() for bike in bikes)
    assert [bike.bike_id for bike in day.city.bikes] == everywhere
    # In billing's database is one charge for each ride, and they are what is owed.
    charged = [each for each in day.payments if each["state"] == "charged"]
    assert requests["ridden"] == len(charged) == published["billing.fare-charged"]
    assert len(day.payments) == len(charged) + refused
    fares: Counter[str] = Counter()
    for each in charged:
        fares[each["account_id"]] += cents(each["fare"])
    for each in day.accounts:
        assert fares[each["account_id"]] == cents(each["owed"])
    assert {each["account_id"] for each in day.accounts} >= set(fares)
    assert [] == [each for each in day.accounts if each["held"]]


def cents(money: dict[str, str]) -> int:
    return int(Decimal(money["amount"]) * 100)


def small(**more: int) -> City:
    size = {"stations": 5, "bikes": 24, "riders": 40, "rides": 110, **more}
    return larkhaven(seed=7, **size)


@pytest.mark.slow
def test_a_small_day() -> None:
    check(run(small(), trucks=2))


@pytest.mark.slow
def test_a_morning_with_hardly_a_bike() -> None:
    """Riders look elsewhere, wait, look again, and walk at last."""
    day = run(small(stations=8, bikes=4, riders=60, rides=220), hours=(7, 9), trucks=0)
    day.requested = day.outcome.requests.total()
    check(day)
    assert day.outcome.requests["no bike"]


@pytest.mark.slow
def test_a_morning_with_hardly_a_free_dock() -> None:
    """Riders ride on to where there is one."""
    day = run(small(stations=3, bikes=83, riders=80, rides=260), hours=(7, 9), trucks=0)
    day.requested = day.outcome.requests.total()
    check(day)
    assert day.outcome.found_full


@pytest.mark.slow
def test_the_same_seed_gives_the_same_day_in_any_process() -> None:
    """Whatever order its sets have there."""
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.city.test_day import morning\n"
        "print(morning())\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("1", "4242")
    }
    assert {morning()} == seen


def morning() -> str:
    """Return the whole result of a small morning, in one line."""
    day = run(small(), hours=(7, 8), trucks=1)
    counts = sorted(day.audit.counts.items())
    return f"{day.outcome!r} {day.hubs} {counts} {day.payments}"


@pytest.mark.slow
def test_the_rush_of_larkhaven() -> None:
    """24 stations, 300 bikes, 1,500 riders, and the busiest hour of its day."""
    day = run(larkhaven(seed=1), poor=97, hours=(8, 9))
    day.requested = day.outcome.requests.total()
    check(day)
    assert day.outcome.requests["ridden"] >= 250
    assert day.outcome.moved > 10
    assert day.outcome.requests.keys() >= {"stayed away", "declined"}


def test_a_rider_who_does_not_notice_the_dock_pushes_again() -> None:
    """And her bike is in one slot, and the ride over once."""

    async def scenario(town: Town) -> Any:
        bike = await town.ride()
        await town.pause(300)
        town.world.network.lose("docklink", "app", kind="reply")
        day = Day(town.world, small(), own_service)
        docked = await day._docked(bike, "S2")
        await town.pause(1)
        held = (await town.get("docklink", "hubs/S2")).values()
        return docked, [*held].count(bike), town.names().count("rides.ride-ended")

    assert (True, 1, 1) == in_town(scenario)


def test_a_rider_who_finds_no_dock_in_all_the_city_keeps_her_bike() -> None:
    async def scenario(town: Town) -> Any:
        city = small(stations=2)
        for each in city.stations:
            hub = f"hubs/{each.station_id}"
            await town.good("PUT", "docklink", hub, slots=0, vehicles={})
        day = Day(town.world, city, own_service)
        await day._dock("B1", city.stations[0])
        await day._put_down(["B2"], city.stations[0].station_id)
        return day.outcome.found_full

    assert 2 == in_town(scenario)


def test_a_day_is_summarized_in_one_line() -> None:
    requests = Counter({"ridden": 1200, "no bike": 1})
    output = "<Outcome of 1,201 ride requests: 1,200 ridden, 1 no bike>"
    assert output == repr(Outcome(requests))


def test_a_world_sleeps_until_shortly_before_an_hour_on_the_citys_clock() -> None:
    """London's summer is an hour ahead of UTC; what is past is not waited for."""

    async def scenario(world: SimulatedWorld) -> Any:
        begun = world.clock.now()
        await sleep_until(world, begun.date(), 8, small())
        then = world.clock.now() - begun
        await sleep_until(world, begun.date(), 3, small())
        return then, world.clock.now() - begun

    hour = timedelta(minutes=50)
    assert (hour, hour) == simulate(scenario, seed=7).result
