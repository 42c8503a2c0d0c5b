"""One ride's end: what the monolith promises, and what the network takes away."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.scenes.ch01.one_ride import (
    ATTEMPTS,
    STANDARD,
    Tariff,
    charges,
    fare,
    monolith,
    pricing,
    rides,
)
from movingparts.scenes.ch01.one_ride_by_event import pricing_by_event, rides_by_event
from movingparts.world.simulated import SimulatedWorld, simulate

RIDE = {"ride_id": "ride-1", "rider": "Ada", "minutes": 12}
Scenario = Callable[[SimulatedWorld], Awaitable[Any]]


async def split(world: SimulatedWorld) -> None:
    await world.serve("pricing", pricing)
    await world.serve("rides", rides)


async def report(world: SimulatedWorld, at: str = "rides", **ride: Any) -> int:
    dock = world.client("dock", timeout=None)
    return (await dock.post(f"http://{at}/rides", json=RIDE | ride)).status_code


@given(st.integers(0, 100_000))
def test_a_longer_ride_never_costs_less(minutes: int) -> None:
    assert fare(minutes) <= fare(minutes + 1)


@given(st.integers(0, 100_000))
def test_a_ride_never_costs_more_than_the_cap_for_each_day_begun(minutes: int) -> None:
    assert fare(minutes) <= STANDARD.day_cap * (minutes // 1440 + 1)


def test_another_tariff_gives_another_fare() -> None:
    assert 240 == fare(12, Tariff(unlock=0, per_minute=20))


@pytest.mark.parametrize("copies", [1, 2])
def test_the_monolith_charges_once_however_often_a_ride_is_reported(
    copies: int,
) -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await world.serve("monolith", monolith)
        for _ in range(copies):
            assert 201 == await report(world, "monolith")
        return charges(world.node("monolith"))

    assert [("ride-1", 280)] == simulate(scenario, seed=7).result


def test_the_split_charges_once_on_a_quiet_network() -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await split(world)
        assert [201, 201] == [await report(world), await report(world)]
        return charges(world.node("pricing"))

    assert [("ride-1", 280)] == simulate(scenario, seed=7).result


def test_a_lost_reply_charges_the_rider_twice() -> None:
    """The book's first failure: the retry cannot know that the charge was made."""

    async def scenario(world: SimulatedWorld) -> tuple[int, list[tuple[str, int]]]:
        await split(world)
        world.network.lose("pricing", "rides", kind="reply")
        return await report(world), charges(world.node("pricing"))

    assert (201, [("ride-1", 280)] * 2) == simulate(scenario, seed=7).result


def test_a_lost_request_does_not() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, list[tuple[str, int]]]:
        await split(world)
        world.network.lose("rides", "pricing", kind="request")
        return await report(world), charges(world.node("pricing"))

    assert (201, [("ride-1", 280)]) == simulate(scenario, seed=7).result


def test_two_reports_at_once_charge_twice() -> None:
    """Between looking the ride up and saving it, the split waits; others run."""

    async def scenario(world: SimulatedWorld) -> int:
        await split(world)
        tasks = world.node("dock").tasks
        both = [tasks.create_task(report(world)) for _ in range(2)]
        assert [201, 201] == [await each for each in both]
        return len(charges(world.node("pricing")))

    assert 2 == simulate(scenario, seed=7).result


def test_without_pricing_rides_still_answers_what_needs_no_price() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        await split(world)
        done = await report(world)
        world.network.crash("pricing")
        look = await world.client("rider").get("http://rides/rides/ride-1")
        return [done, look.status_code, await report(world, ride_id="ride-2")]

    recording = simulate(scenario, seed=7)
    assert [201, 200, 503] == recording.result
    refused = [m for m in recording.messages if m.fate == "refused"]
    assert ATTEMPTS == len(refused)


def test_an_unknown_ride_is_not_found() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await split(world)
        return (await world.client("rider").get("http://rides/rides/none")).json()

    assert {"detail": "no ride 'none' has ended"} == simulate(scenario, seed=7).result


def test_pricing_quotes_by_its_own_tariff() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        cheap = Tariff(unlock=0, per_minute=1)
        await world.serve("pricing", lambda node: pricing(node, tariff=cheap))
        url = "http://pricing/quotes?minutes=12"
        return (await world.client("rider").get(url)).json()

    assert {"minutes": 12, "cents": 12} == simulate(scenario, seed=7).result


@pytest.mark.parametrize("minutes", [-1, "soon"])
def test_a_ride_that_cannot_be_is_refused(minutes: object) -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, int]:
        await split(world)
        status = await report(world, minutes=minutes)
        return status, len(charges(world.node("pricing")))

    assert (422, 0) == simulate(scenario, seed=7).result


def test_an_event_delivered_twice_charges_the_ride_once() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, list[tuple[str, int]]]:
        await world.serve("pricing", pricing_by_event)
        await world.serve("rides", rides_by_event)
        await report(world)
        status = await report(world)
        await world.clock.sleep(60)
        return status, charges(world.node("pricing"))

    assert (202, [("ride-1", 280)]) == simulate(scenario, seed=7).result


def test_by_event_a_ride_waits_for_pricing_to_come_back() -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await world.serve("pricing", pricing_by_event)
        await world.serve("rides", rides_by_event)
        world.network.crash("pricing")
        assert 202 == await report(world)
        await world.network.restart("pricing")
        await world.clock.sleep(60)
        return charges(world.node("pricing"))

    assert [("ride-1", 280)] == simulate(scenario, seed=7).result


@pytest.mark.slow
def test_by_event_no_lossy_network_charges_twice_or_not_at_all() -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await world.serve("pricing", pricing_by_event)
        await world.serve("rides", rides_by_event)
        world.network.between("rides", "bus", loss=0.2, duplicate=0.2)
        world.network.between("pricing", "bus", loss=0.2, duplicate=0.2)
        while await report(world) != 202:
            pass
        await world.clock.sleep(60)
        return charges(world.node("pricing"))

    found = {tuple(simulate(scenario, seed=seed).result) for seed in range(30)}
    assert {(("ride-1", 280),)} == found


def test_by_event_a_deploy_of_pricing_misses_no_ride_and_charges_none_twice() -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        old = await world.serve("pricing", pricing_by_event)
        await world.serve("rides", rides_by_event)
        for number in range(3):
            if number == 1:
                await old.stop()
            assert 202 == await report(world, ride_id=f"ride-{number}")
            if number == 1:
                await world.serve("pricing", pricing_by_event)
        await world.clock.sleep(60)
        return charges(world.node("pricing"))

    expected = [(f"ride-{number}", 280) for number in range(3)]
    assert expected == simulate(scenario, seed=7).result
