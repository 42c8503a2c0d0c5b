"""Several processes that serve the same stands from one file."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from movingparts.city.availability.model import BikeId, Stand, StandId
from movingparts.core import World
from movingparts.core.node import Factory
from movingparts.repository import SqliteRows
from movingparts.scenes.ch03 import copies
from movingparts.scenes.ch03.last_bike import agrees
from movingparts.unit_of_work import RowStore
from movingparts.world import LocalWorld
from movingparts.world.simulated import SimulatedWorld, simulate

NAMES = ("stands-1", "stands-2")


async def ask(world: World, copy: str, what: str, rider: str) -> Any:
    reply = await world.client(rider).post(
        f"http://{copy}/{what}", json={"rider_id": rider}
    )
    return reply.json() if reply.status_code == 200 else reply.status_code


@pytest.mark.parametrize(
    ("copy", "given"),
    [(copies.anemic_copy, ["B7", "B7"]), (copies.guarded_copy, ["B7", 409])],
)
def test_two_copies_give_one_bike_twice_unless_the_version_is_looked_at(
    copy: Factory, given: list[Any]
) -> None:
    async def scenario(world: SimulatedWorld) -> list[Any]:
        world.node("stands").disk.connect()
        for name in ("riders", "billing", "fleet"):
            await world.serve(name, agrees)
        for name in NAMES:
            await world.serve(name, copy)
        tasks = world.node("city").tasks
        sent = [
            tasks.create_task(ask(world, name, "reservations", f"rider-{name}"))
            for name in NAMES
        ]
        return [await each for each in sent]

    assert given == simulate(scenario, seed=7).result


async def stock(world: World) -> dict[str, list[str]]:
    """Return the bikes of both stands; a second stand is made where there is none."""
    work = RowStore(SqliteRows(world.node("stands").disk.connect())).begin()
    stands = work.of(Stand)
    if await stands.find("S02") is None:
        stands.add(Stand(StandId("S02"))).offer(BikeId("B8"), world.clock.now())
        await work.commit()
    return {key: list((await stands.get(key)).bikes) for key in ("S01", "S02")}


def test_a_move_takes_a_free_bike_or_is_refused() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        world.node("stands").disk.connect()
        await world.serve("truck", copies.moving_copy)
        before = await stock(world)
        moved = [await ask(world, "truck", "moves", "driver") for _ in range(2)]
        return before, moved, await stock(world)

    before, moved, after = simulate(scenario, seed=7).result
    assert {"S01": ["B1", "B7"], "S02": ["B8"]} == before
    assert ["B7", 409] == moved
    assert {"S01": ["B1"], "S02": ["B8", "B7"]} == after


async def killed_between_two_rows(world: World) -> Any:
    truck = await world.spawn("truck", copies.halting_copy)  # type: ignore[attr-defined]  # a LocalWorld's
    before = await stock(world)
    client = world.client("driver", timeout=None)
    moving = world.node("driver").tasks.create_task(
        client.post("http://truck/moves", json={"rider_id": "driver"})
    )
    halted = world.node("stands").disk.path.with_name("truck") / "halted"
    while not halted.exists():
        await world.clock.sleep(0.01)
    meanwhile = await stock(world)
    truck.kill()
    moving.cancel()
    return before, meanwhile, await stock(world)


@pytest.mark.slow
def test_who_is_killed_between_two_rows_has_saved_neither() -> None:
    async def scenario() -> Any:
        async with LocalWorld(seed=7) as world:
            world.node("stands").disk.connect()
            return await killed_between_two_rows(world)

    before, meanwhile, after = asyncio.run(scenario())
    assert before == meanwhile == after == {"S01": ["B1", "B7"], "S02": ["B8"]}
