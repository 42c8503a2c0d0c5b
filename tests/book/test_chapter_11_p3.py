"""Page 3 of chapter 11 says nothing that its own runs do not bear out."""

import asyncio
from itertools import pairwise

import pytest

from movingparts.function import Platform, SimulatedBackend
from movingparts.function.local import LocalBackend
from movingparts.scenes.ch11 import harm
from movingparts.scenes.ch11.database import ClosingBackend, Database, Proxy
from movingparts.scenes.ch11.numbers import RECEIPTS, apart, rides_of, serve
from movingparts.scenes.ch11.storm import storm
from movingparts.world import LocalWorld
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("11-code-without-servers/3-what-an-instance-forgets").run()


def test_one_instance_counts_right_and_several_give_the_same_numbers(
    run: Names,
) -> None:
    quiet, peak = run["counted"].values()
    assert [*range(1, 11)] == quiet.numbers
    assert 1 == quiet.instances < peak.instances
    assert peak.shared > 0.9 * len(peak.numbers)


def test_the_figure_shows_instances_that_count_apart(run: Names) -> None:
    given = [(e.instance, e.value["number"]) for e in run["few"].invocations]
    assert 3 == run["few"].instances
    assert 3 == sum(number == 1 for _, number in given) < len(given)


def test_after_a_quiet_half_hour_an_instance_begins_again(run: Names) -> None:
    assert [1, 2, 3, 1] == serve(run["COUNT"], apart([60, 60, 60, 1800])).numbers


def test_each_number_is_given_once_by_the_database(run: Names) -> None:
    for each in (run["late"], run["keep"]):
        assert [*range(1, len(each.numbers) + 1)] == sorted(each.numbers)
    assert len(run["late"].numbers) == run["late"].database.opened
    assert run["keep"].instances == run["keep"].database.opened


def test_a_ride_that_asks_twice_gets_the_same_number() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        connection = Database(world.clock).connect()
        return [await connection.number_of(ride) for ride in "abab"]

    assert [1, 2, 1, 2] == simulate(scenario, seed=1).result


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kept_connections_refuse_receipts_and_then_refunds(
    run: Names, seed: int
) -> None:
    kept = storm(run["KEEP"], seed=seed)
    assert kept.refused() > 60
    assert kept.lost > 0
    refused = [
        each.began
        for each in kept.invocations
        if each.function == "refunds" and each.status == "init"
    ]
    assert 5 == len(refused)
    assert all(b - a == pytest.approx(60) for a, b in pairwise(refused))
    assert refused[0] < 120 < 270 < refused[-1]
    assert max(count for _, count in kept.open) == kept.database.limit


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_of_the_four_ways_refuses_nobody_and_loses_nothing(
    run: Names, seed: int
) -> None:
    ways = [
        storm(run["KEEP"], reserved=15, seed=seed),
        storm(run["KEEP"], concurrency=10, seed=seed),
        storm(run["LATE"], seed=seed),
        storm(run["KEEP"], layer=Proxy, seed=seed),
    ]
    for way in ways:
        assert (0, 0, 0) == (way.refused(), way.refused("refunds"), way.lost)
    assert [way.p99 > 10 for way in ways] == [True, False, False, False]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_concurrency_alone_is_no_limit(run: Names, seed: int) -> None:
    for way, refunds in ((200, 5), (60, 0)):
        found = storm(run["KEEP"], concurrency=10, reports=way, seed=seed)
        assert refunds == found.refused("refunds")


def test_all_of_the_limit_reserved_leaves_none_for_refunds(run: Names) -> None:
    grid = run["grid"]
    for (reserved, concurrency), found in grid.items():
        refused = found.refused() + found.refused("refunds")
        fits = reserved < 20 * concurrency and (reserved, concurrency) != (60, 2)
        assert (refused == 0) == fits, (reserved, concurrency)


def test_few_receipts_come_from_the_same_instance_as_the_one_before(
    run: Names,
) -> None:
    for seed in (1, 2, 3):
        served = serve(run["COUNT"], rides_of(8, 8.25), seed=seed).invocations
        order = [e.instance for e in sorted(served, key=lambda e: e.began)]
        same = sum(a == b for a, b in pairwise(order))
        assert same < 0.5 * len(order)


def test_a_new_version_is_refused_while_the_old_one_keeps_connections(
    run: Names,
) -> None:
    async def deployed_in_the_peak(world: SimulatedWorld) -> list[set[str]]:
        node = world.node("functions")
        layers = {"database": Database(node.clock)}
        backend = SimulatedBackend(
            node.clock, node.random, {"receipts": RECEIPTS}, layers
        )
        platform = Platform(node, ClosingBackend(backend))
        found: list[set[str]] = []

        async def twenty_at_once() -> None:
            asked = [
                platform.invoke("receipts", each.event()) for each in apart([0] * 20)
            ]
            found.append({done.status for done in await asyncio.gather(*asked)})

        for wait in (0, 1):
            await node.clock.sleep(wait)
            await platform.deploy("receipts", run["KEEP"], reserved=20)
            await twenty_at_once()
        await node.clock.sleep(400)
        await twenty_at_once()
        return found

    found = simulate(deployed_in_the_peak, seed=1).result
    assert [{"ok"}, {"init"}, {"ok"}] == found


def test_real_instances_count_apart_and_each_harm_is_reported() -> None:
    async def locally() -> tuple[dict[str, list[int]], list[tuple[str, ...]]]:
        async with LocalWorld() as world, LocalBackend() as backend:
            node = world.node("functions")
            counted = await harm.count_in_a_file(node, backend)
            return counted, (await harm.harm(node, backend)).rows

    counted, reported = asyncio.run(locally())
    assert [[1, 2, 3], [1, 4], [1]] == [sorted(given) for given in counted.values()]
    wanted = ["error", "timeout", "memory", "killed", "killed", "ok"]
    assert wanted == [status for _, status, _ in reported]
    assert all(after.startswith("fine, ") for _, _, after in reported)


def test_landlock_forbids_what_limits_let_through() -> None:
    async def locally() -> list[tuple[str, ...]]:
        backends = [LocalBackend(), harm.confined()]
        async with LocalWorld() as world:
            found = await harm.tries(world.node("functions"), *backends)
        for each in backends:
            if each is not None:
                await each.close()
        return found.rows

    limits, landlock = [*zip(*asyncio.run(locally()), strict=True)][1:]
    assert ("yes",) * 3 == limits
    assert landlock in {("yes", "no", "no"), ("not on this system",) * 3}
