"""The last bike: three handlers, each right alone, and one rule inside an aggregate."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException

from movingparts.city.availability import model
from movingparts.city.availability.relational import TableStore, engine
from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.repository import SqliteRows
from movingparts.scenes.ch03.last_bike import agrees, anemic, guarded, watched
from movingparts.unit_of_work import RowStore
from movingparts.world.simulated import SimulatedWorld, simulate

Command = tuple[str, str]
ADA, BOB, CLEO = ("reservations", "ada"), ("walk-ups", "bob"), ("swaps", "cleo")
DORA, EVE = ("reservations", "dora"), ("walk-ups", "eve")
BOTH = pytest.mark.parametrize("service", [anemic, guarded])


async def open_stand(
    world: SimulatedWorld, service: Factory, asked: Factory = agrees
) -> None:
    for name in ("riders", "billing", "fleet"):
        await world.serve(name, asked)
    await world.serve("availability", service)


async def send(world: SimulatedWorld, command: Command) -> str | int:
    what, rider = command
    client = world.client(rider)
    reply = await client.post(f"http://availability/{what}", json={"rider_id": rider})
    if reply.status_code == 200:
        bike: str = reply.json()
        return bike
    return reply.status_code


def one_by_one(service: Factory, *commands: Command) -> list[str | int]:
    async def scenario(world: SimulatedWorld) -> list[str | int]:
        await open_stand(world, service)
        return [await send(world, command) for command in commands]

    found: list[str | int] = simulate(scenario, seed=7).result
    return found


def at_once(service: Factory, *commands: Command, seed: int = 7) -> list[str | int]:
    async def scenario(world: SimulatedWorld) -> list[str | int]:
        await open_stand(world, service)
        tasks = world.node("city").tasks
        sent = []
        for command in commands:
            await world.clock.sleep(world.random.random() * 0.003)
            sent.append(tasks.create_task(send(world, command)))
        return [await each for each in sent]

    found: list[str | int] = simulate(scenario, seed=seed).result
    return found


@BOTH
@pytest.mark.parametrize("command", [ADA, BOB, CLEO])
def test_each_handler_gives_the_last_bike_to_who_comes_alone(
    service: Factory, command: Command
) -> None:
    assert ["B7"] == one_by_one(service, command)


@BOTH
@pytest.mark.parametrize(
    "pair", [*itertools.permutations([ADA, BOB, CLEO, DORA, EVE], 2)]
)
def test_one_after_the_other_all_handlers_keep_the_rule(
    service: Factory, pair: tuple[Command, Command]
) -> None:
    assert ["B7", 409] == one_by_one(service, *pair)


@pytest.mark.parametrize(
    "pair", [(ADA, DORA), (ADA, BOB), (ADA, CLEO), (BOB, EVE), (BOB, CLEO)]
)
def test_at_the_same_time_each_pair_of_handlers_gives_one_bike_twice(
    pair: tuple[Command, Command],
) -> None:
    assert ["B7", "B7"] == at_once(anemic, *pair)


def in_tables(node: Node) -> FastAPI:
    return guarded(node, new_store=lambda db: TableStore(engine(lambda: db)))


@pytest.mark.slow
@pytest.mark.parametrize("service", [guarded, in_tables])
def test_an_aggregate_gives_each_bike_once_whatever_the_order(service: Factory) -> None:
    for seed in range(20):
        answers = at_once(service, ADA, BOB, CLEO, DORA, EVE, seed=seed)
        assert [409] * 4 + ["B7"] == sorted(answers, key=str)


def test_who_is_too_late_decides_again_and_is_refused_in_words() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await open_stand(world, guarded)
        client, tasks = world.client("city"), world.node("city").tasks
        address = "http://availability/reservations"
        sent = [
            tasks.create_task(client.post(address, json={"rider_id": rider}))
            for rider in ("ada", "dora")
        ]
        first, late = [await each for each in sent]
        return first.json(), late.status_code, late.json()["detail"]

    run = simulate(scenario, seed=7)
    assert ("B7", 409, "no bike is left at S01") == run.result
    asked = [m.label for m in run.messages if m.target == "riders"]
    assert ["POST /riders/ada/checks", "POST /riders/dora/checks"] == asked


def disagrees(node: Node) -> FastAPI:
    app = FastAPI()

    @app.post("/{what:path}")
    async def disagree(what: str) -> None:
        raise HTTPException(403, "not this one")

    return app


@BOTH
@pytest.mark.parametrize("command", [ADA, BOB, CLEO])
def test_what_is_refused_leaves_no_trace(service: Factory, command: Command) -> None:
    """In the aggregate's case it had been decided already, and was not committed."""

    async def scenario(world: SimulatedWorld) -> list[Any]:
        await open_stand(world, service, disagrees)
        before = stored(world.node("availability"))
        return [before, await send(world, command), stored(world.node("availability"))]

    before, status, after = simulate(scenario, seed=7).result
    assert 409 == status
    assert before == after


def stored(node: Node) -> list[Any]:
    db = node.disk.connect()
    [(table,)] = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [tuple(row) for row in db.execute(f"SELECT * FROM {table}")]


@BOTH
def test_who_has_no_promise_has_nothing_to_swap(service: Factory) -> None:
    assert [409, "B7"] == one_by_one(service, ("swaps", "dora"), CLEO)


@BOTH
def test_a_restart_finds_the_stand_as_it_was_left(service: Factory) -> None:
    async def scenario(world: SimulatedWorld) -> list[str | int]:
        await open_stand(world, service)
        first = await send(world, ADA)
        world.network.crash("availability")
        await world.network.restart("availability")
        return [first, await send(world, DORA)]

    assert ["B7", 409] == simulate(scenario, seed=7).result


def test_after_a_swap_both_say_the_same_of_the_stand() -> None:
    """Cleo has B7; the broken bike is no longer there."""

    async def scenario(world: SimulatedWorld) -> Any:
        await open_stand(world, anemic)
        await send(world, CLEO)
        [(_, state)] = stored(world.node("availability"))
        bare = json.loads(state)
        await open_stand(world, guarded)
        await world.clock.sleep(1)
        await send(world, CLEO)
        db = world.node("availability").disk.connect()
        stand = await RowStore(SqliteRows(db)).begin().of(model.Stand).get("S01")
        inside = {bike: each.rider_id for bike, each in stand.promised.items()}
        return (bare["bikes"], bare["promised"]), (list(stand.bikes), inside)

    bare, inside = simulate(scenario, seed=7).result
    assert (["B7"], {"B7": "cleo"}) == bare == inside


@pytest.mark.parametrize(
    ("service", "steps"),
    [
        (anemic, ["looks, ada", "looks, dora", "saves, ada", "saves, dora"]),
        (
            guarded,
            [
                *("looks, ada", "looks, dora", "saves, ada"),
                *("is too late, dora", "looks, dora"),
            ],
        ),
    ],
)
def test_a_recording_of_what_is_watched_has_each_look_and_each_save(
    service: Factory, steps: list[str]
) -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await open_stand(world, watched(service, world))
        tasks = world.node("city").tasks
        sent = []
        for command in (ADA, DORA):
            sent.append(tasks.create_task(send(world, command)))
            await world.clock.sleep(0.001)
        for each in sent:
            await each

    run = simulate(scenario, seed=7)
    assert steps == [moment.text.replace(" for", "") for moment in run.moments]
    assert {("note", ("availability",))} == {(m.kind, m.nodes) for m in run.moments}
