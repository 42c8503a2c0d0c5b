"""What lab 07 does to real processes, in a simulated world; its check can fail."""

from __future__ import annotations

from contextlib import closing

import pytest

from movingparts.core.node import Factory
from movingparts.projection import ADVANCE
from movingparts.scenes.ch07 import real
from movingparts.scenes.ch07.stations import commands
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

EACH = {f"S{number:03}": 1 for number in range(2, 12)}  # S001 is STATIONS[0]


async def ten_bikes(world: SimulatedWorld, city_map: Factory) -> list[int]:
    """Report ten bikes; the write side is down at first."""
    saved: list[int] = []
    await world.serve("stations", commands)
    world.crash("stations")
    reporting = world.node("docks").tasks.create_task(
        real.report(world, range(1, 11), saved)
    )
    await world.clock.sleep(5)
    assert [] == saved
    await world.restart("stations")
    await reporting
    await world.serve("map", city_map)
    await world.clock.sleep(1)
    return saved


@pytest.mark.parametrize(
    ("city_map", "view"), [(real.city_map, real.OLD), (real.rebuilt_map, real.NEW)]
)
def test_each_bike_is_saved_and_counted_once(city_map: Factory, view: str) -> None:
    async def scenario(world: SimulatedWorld) -> tuple[list[int], real.Files]:
        return await ten_bikes(world, city_map), real.files(world, view)

    saved, found = simulate(scenario, seed=1).result
    assert [*range(1, 11)] == saved
    assert [f"B{number}" for number in saved] == [bike for _, bike in found.docked]
    assert (EACH, 10, 0) == (found.counts, found.position, found.off)


def test_a_rebuilt_map_has_all_of_the_log_when_it_first_answers() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, int]:
        await ten_bikes(world, real.city_map)
        with closing(world.node("map").disk.connect(real.OLD)) as view, view:
            view.execute(ADVANCE, (0,))  # so the next poll counts each bike again
        await world.clock.sleep(1)
        wrong = real.files(world).off
        await world.serve("map", real.rebuilt_map)
        body = (await world.client("ada").get("http://map/map")).json()
        return wrong, sum(body["bikes"].values())

    assert (10, 10) == simulate(scenario, seed=1).result
