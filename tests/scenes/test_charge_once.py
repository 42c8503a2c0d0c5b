"""The two services of chapter 01 once they are fixed: charge once, price later."""

from typing import Any

import pytest

from movingparts.scenes.ch01 import charge_once, price_later
from movingparts.scenes.ch01.cold import cold
from movingparts.scenes.ch01.marks import marked
from movingparts.scenes.ch01.one_ride import Tariff, charges
from movingparts.world.simulated import SimulatedWorld, simulate

RIDE = {"ride_id": "ride-1", "rider": "Ada", "minutes": 12}
each_rides = pytest.mark.parametrize("rides", [charge_once.rides, price_later.rides])


async def report(world: SimulatedWorld) -> Any:
    dock = world.client("dock", timeout=None)
    return (await dock.post("http://rides/rides", json=RIDE)).json()


async def start(world: SimulatedWorld, rides: Any) -> None:
    await world.serve("pricing", charge_once.pricing)
    await world.serve("rides", rides)


@each_rides
def test_on_any_network_a_ride_is_charged_once(rides: Any) -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await start(world, rides)
        world.network.between("rides", "pricing", loss=0.3, duplicate=0.2)
        while "cents" not in await report(world):
            pass
        await world.clock.sleep(60)
        return charges(world.node("pricing"))

    found = {tuple(simulate(scenario, seed=seed).result) for seed in range(20)}
    assert {(("ride-1", 280),)} == found


@each_rides
def test_two_reports_at_once_charge_once(rides: Any) -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await start(world, rides)
        tasks = world.node("dock").tasks
        for each in [tasks.create_task(report(world)) for _ in range(2)]:
            assert 280 == (await each)["cents"]
        return charges(world.node("pricing"))

    assert [("ride-1", 280)] == simulate(scenario, seed=7).result


def test_a_repeated_charge_keeps_the_price_of_the_first() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        cheap = Tariff(unlock=0, per_minute=1)
        client, cents = world.client("rides"), []
        for tariff in (charge_once.STANDARD, cheap):
            await world.serve(
                "pricing", lambda node, t=tariff: charge_once.pricing(node, tariff=t)
            )
            reply = await client.put("http://pricing/charges/ride-1", json=RIDE)
            cents.append(reply.json()["cents"])
        return cents

    assert [280, 280] == simulate(scenario, seed=7).result


def test_unpriced_rides_survive_a_crash_of_rides() -> None:
    async def scenario(world: SimulatedWorld) -> list[tuple[str, int]]:
        await start(world, price_later.rides)
        world.crash("pricing")
        assert (await report(world))["cents"] is None
        world.crash("rides")
        await world.restart("pricing")
        await world.restart("rides")
        await world.clock.sleep(2)
        return charges(world.node("pricing"))

    assert [("ride-1", 280)] == simulate(scenario, seed=7).result


def test_a_figure_marks_each_charge_that_is_written() -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await start(world, charge_once.rides)
        world.network.lose("pricing", "rides", kind="reply")
        await report(world)

    moments = simulate(marked(scenario), seed=7).moments
    assert ["charge 1"] == [moment.text for moment in moments]


def test_only_the_first_request_to_a_cold_service_is_slow() -> None:
    async def scenario(world: SimulatedWorld) -> list[float]:
        await world.serve("pricing", cold(charge_once.pricing, 1.3))
        client, took = world.client("rider"), []
        for _ in range(2):
            begun = world.clock.monotonic()
            await client.get("http://pricing/quotes?minutes=12")
            took.append(world.clock.monotonic() - begun)
        return took

    first, second = simulate(scenario, seed=7).result
    assert first > 1.3 > 0.1 > second
