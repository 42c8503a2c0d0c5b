"""Discovery: leases that run out, lists that get old, copies that fail their checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.discovery import HealthChecks, Leases, Lookup, registered, registry
from movingparts.world.simulated import SimulatedWorld, simulate

ONE, TWO = "http://rides-1", "http://rides-2"


def run(scenario: Callable[[SimulatedWorld], Awaitable[Any]]) -> Any:
    return simulate(scenario, seed=7).result


async def listed(world: SimulatedWorld) -> list[str]:
    answer = await world.client("reader").get("http://registry/services/rides")
    copies: list[str] = answer.raise_for_status().json()
    return copies


def ready(node: Node, status: Callable[[], int] = lambda: 200) -> FastAPI:
    """Answer to a check with the status of the moment; 0 is no answer at all."""
    app = FastAPI()

    @app.get("/ready")
    async def answer() -> None:
        if not status():
            await node.clock.sleep(60)
        if status() != 200:
            raise ValueError("not ready")

    return app


# --- leases -------------------------------------------------------------------------


def test_a_copy_is_listed_until_its_lease_is_over() -> None:
    now = 0.0
    leases = Leases(now=lambda: now)
    leases.grant("rides", ONE, seconds=3)
    now = 2.99
    assert [ONE] == leases.copies("rides")
    now = 3.0
    assert [] == leases.copies("rides")


def test_a_renewed_lease_begins_anew() -> None:
    now = 0.0
    leases = Leases(now=lambda: now)
    leases.grant("rides", ONE, seconds=3)
    now = 2.0
    leases.grant("rides", ONE, seconds=3)
    now = 4.9
    assert [ONE] == leases.copies("rides")


def test_each_service_has_a_list_of_its_own_in_order() -> None:
    leases = Leases(now=lambda: 0.0)
    leases.grant("rides", TWO, seconds=3)
    leases.grant("rides", ONE, seconds=3)
    leases.grant("billing", "http://billing-1", seconds=3)
    assert [ONE, TWO] == leases.copies("rides")


def test_who_was_never_listed_can_be_revoked() -> None:
    leases = Leases(now=lambda: 0.0)
    leases.revoke("rides", ONE)
    leases.grant("rides", TWO, seconds=3)
    leases.revoke("rides", ONE)
    assert [TWO] == leases.copies("rides")


# --- registered ---------------------------------------------------------------------


def test_a_copy_stays_listed_while_it_renews_and_leaves_with_a_goodbye() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        async with registered(world.node("rides-1"), "rides", ONE, seconds=3):
            await world.clock.sleep(30)
            during = await listed(world)
        return during, await listed(world)

    assert ([ONE], []) == run(scenario)


def test_a_crashed_copy_stays_listed_until_its_lease_is_over() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        await world.serve("rides-1", ready)
        node, stays = world.node("rides-1"), []

        async def live() -> None:
            async with registered(node, "rides", ONE, seconds=3):
                await node.clock.sleep(3600)

        node.tasks.create_task(live())
        await world.clock.sleep(3.5)  # it has renewed at 3.0
        world.crash("rides-1")
        for _ in range(3):
            stays.append(await listed(world))
            await world.clock.sleep(1.5)
        return stays

    assert [[ONE], [ONE], []] == run(scenario)


def test_a_copy_stays_listed_when_one_renewal_is_lost() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        node, seen = world.node("rides-1"), []
        async with registered(node, "rides", ONE, seconds=3):
            world.network.lose("rides-1", "registry", kind="request")
            for _ in range(60):
                await world.clock.sleep(0.1)
                seen.append(await listed(world))
        return seen, len(node.logs)

    assert ([[ONE]] * 60, 1) == run(scenario)


def test_a_copy_is_listed_again_once_the_registry_is_back() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        node = world.node("rides-1")
        async with registered(node, "rides", ONE, seconds=3):
            world.crash("registry")
            await world.clock.sleep(5)
            await world.restart("registry")
            empty = await listed(world)
            await world.clock.sleep(1.1)
            again = await listed(world)
        return empty, again, sum("not renewed" in line for line in node.logs)

    assert ([], [ONE], 4) == run(scenario)


def test_a_copy_starts_and_ends_without_a_registry() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        node = world.node("rides-1")
        async with registered(node, "rides", ONE):
            pass
        return [line.removeprefix(f"{ONE} ").split(":")[0] for line in node.logs]

    assert ["has not renewed its lease", "has not given its lease back"] == run(
        scenario
    )


# --- lookup -------------------------------------------------------------------------


def test_a_list_is_at_most_so_many_seconds_old() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        leases = Leases(world.clock.monotonic)
        leases.grant("rides", ONE, seconds=3600)
        await world.serve("registry", lambda node: registry(node, leases))
        lookup = Lookup(world.node("app"), "rides", seconds=2)
        first = await lookup.copies()
        leases.grant("rides", TWO, seconds=3600)
        soon = await lookup.copies()
        await world.clock.sleep(2.01)
        return first, soon, await lookup.copies()

    assert ([ONE], [ONE], [ONE, TWO]) == run(scenario)


def test_however_many_ask_the_registry_is_asked_once() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        async with registered(world.node("rides-1"), "rides", ONE, seconds=300):
            app = world.node("app")
            lookup = Lookup(app, "rides", seconds=2)
            found = [app.tasks.create_task(lookup.copies()) for _ in range(20)]
            return [await each for each in found]

    recording = simulate(scenario, seed=7)
    asked = [m for m in recording.messages if m.label.startswith("GET")]
    assert [[ONE]] * 20 == recording.result
    assert 1 == len([m for m in asked if m.kind == "request"])


@pytest.mark.parametrize("empties", [False, True], ids=["is away", "knows no copy"])
def test_it_goes_on_with_its_list_when_the_registry(empties: bool) -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        leases = Leases(world.clock.monotonic)
        leases.grant("rides", ONE, seconds=3 if empties else 3600)
        await world.serve("registry", lambda node: registry(node, leases))
        lookup = Lookup(world.node("app"), "rides")
        await lookup.copies()
        if not empties:
            world.network.partition("app", "registry")
        await world.clock.sleep(60)
        begun = world.clock.monotonic()
        return await lookup.copies(), world.clock.monotonic() - begun

    assert ([ONE], 0.0) == run(scenario)


def test_without_a_registry_from_the_start_it_knows_no_copy_until_there_is_one() -> (
    None
):
    async def scenario(world: SimulatedWorld) -> Any:
        lookup = Lookup(world.node("app"), "rides")
        none = await lookup.copies()
        await world.serve("registry", registry)
        async with registered(world.node("rides-1"), "rides", ONE):
            await world.clock.sleep(1.1)
            return none, await lookup.copies()

    assert ((), [ONE]) == run(scenario)


# --- health checks ------------------------------------------------------------------


@pytest.mark.parametrize("bad", [500, 0], ids=["an error", "no answer in time"])
def test_a_copy_is_out_after_two_failures_in_a_row_and_back_after_one_success(
    bad: int,
) -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        status = 200
        await world.serve("rides-1", lambda node: ready(node, lambda: status))
        await world.serve("rides-2", ready)
        checks, seen = HealthChecks(world.node("app")), []
        for now in (200, bad, 200, bad, bad, 200):
            status = now
            await checks.check([ONE, TWO])
            seen.append(len(checks.healthy([ONE, TWO])))
        return seen

    assert [2, 2, 2, 2, 1, 2] == run(scenario)


def test_all_copies_are_asked_at_the_same_time() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        for name in ("rides-1", "rides-2"):
            await world.serve(name, lambda node: ready(node, lambda: 0))
        checks = HealthChecks(world.node("app"), patience=0.5)
        await checks.check([ONE, TWO])
        return world.clock.monotonic()

    assert run(scenario) == pytest.approx(0.5)


def test_if_all_fail_none_is_left_out() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        checks = HealthChecks(world.node("app"), failures=1)
        await checks.check([ONE, TWO])  # nobody listens
        return checks.passing([ONE, TWO]), checks.healthy([ONE, TWO])

    assert ([], [ONE, TWO]) == run(scenario)


def test_a_copy_that_was_never_asked_passes() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        return HealthChecks(world.node("app")).passing([ONE])

    assert [ONE] == run(scenario)


def test_checks_follow_a_lookup() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        async with registered(world.node("rides-1"), "rides", ONE):
            app = world.node("app")
            lookup, checks = Lookup(app, "rides"), HealthChecks(app)
            app.tasks.create_task(checks.follow(lookup))
            await world.clock.sleep(0.5)  # nobody listens at rides-1
            once = checks.passing(await lookup.copies())
            await world.clock.sleep(1)
            return once, checks.passing(await lookup.copies())

    assert ([ONE], []) == run(scenario)


def test_the_registry_answers_in_the_words_of_http() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("registry", registry)
        client = world.client("copy")
        url = "http://registry/services/rides"
        lease = {"copy": ONE, "seconds": "3"}
        put = await client.put(url, params=lease)
        gone = await client.delete(url, params={"copy": ONE})
        bad = await client.put(url, params={"copy": ONE})
        return put.status_code, gone.status_code, bad.status_code

    ok = httpx.codes.OK
    assert (ok, ok, httpx.codes.UNPROCESSABLE_ENTITY) == run(scenario)
