"""Page 2 of chapter 11 says nothing that its own runs do not bear out."""

import asyncio

import pytest

from movingparts.core.random import Constant
from movingparts.function import Platform, Profile, SimulatedBackend
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.callers import COMPUTES, SHAPES, WAITS, day_of, sized
from movingparts.scenes.ch11.cold import FARES_WEB, IMPORTS, PROCESS, Waits, morning
from movingparts.scenes.ch11.functions import FARES
from movingparts.scenes.ch11.schedule import run_day
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow

SEEDS = (2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("11-code-without-servers/2-the-first-one-waits").run()


def p99(waits: Waits) -> float:
    return percentile(waits.took, 99)


def test_who_starts_an_instance_waits_nine_times_as_long(run: Names) -> None:
    for waits in (run["before"], *(morning(seed=seed) for seed in SEEDS)):
        cold = percentile([each.took for each in waits.cold], 50)
        assert waits.first.cold
        ready = [each.took for each in waits.invocations if not each.cold]
        assert cold > 9 * percentile(ready, 50)
        assert {"ok"} == {each.status for each in waits.invocations}


def test_most_riders_with_a_cold_start_wait_longer_than_the_first(run: Names) -> None:
    before = run["before"]
    longer = sum(each.took > before.first.took for each in before.cold)
    assert longer > len(before.cold) / 2


def test_cold_starts_come_after_pauses_and_when_another_is_busy(run: Names) -> None:
    done = sorted(run["before"].invocations, key=lambda each: each.began)
    ends, alone, beside = 0.0, 0, 0
    for each in done:
        if each.cold and each.began > ends:
            alone += 1
        elif each.cold:
            beside += 1
        ends = max(ends, each.began + each.took)
    assert alone > 0
    assert beside > 0


def test_most_of_a_real_start_is_imports_and_a_fork_server_saves_them(
    run: Names,
) -> None:
    assert run["median"]("fastapi") > 5 * run["median"]("bare")
    assert run["median"]("bare") < run["median"]("pydantic") < run["median"]("fastapi")
    assert run["median"]("fastapi", "fork server") < run["median"]("bare")


def test_simulated_starts_take_about_as_long_as_the_measured_ones(run: Names) -> None:
    for percent in (50, 99):
        bare, web = (
            percentile(run["real"][what, "spawn"], percent) / 1000
            for what in ("bare", "fastapi")
        )
        start, imports = (
            each.median if percent == 50 else each.p99
            for each in (PROCESS, IMPORTS[FARES_WEB])
        )
        assert bare / 2 < start < 2 * bare
        assert (web - bare) / 2 < imports < 2 * (web - bare)


def test_with_fewer_imports_there_are_as_many_cold_starts_but_short_ones(
    run: Names,
) -> None:
    assert len(run["before"].cold) == len(run["lean"].cold)
    for lean in (run["lean"], *(morning(FARES, seed=seed) for seed in SEEDS)):
        assert percentile([each.init for each in lean.cold], 99) < 0.3


def test_both_sources_give_the_same_fares(run: Names) -> None:
    both = (
        {i.value["ride_id"]: i.value["fare"] for i in run[name].invocations}
        for name in ("before", "lean")
    )
    assert 1 == len({tuple(sorted(fares.items())) for fares in both})


def test_more_memory_is_free_for_what_computes_until_one_cpu(run: Names) -> None:
    cost = {kind: dict(points) for kind, points in run["dollars"].items()}
    assert cost["computes"][1769] == pytest.approx(cost["computes"][128], rel=0.01)
    assert cost["computes"][3008] > 1.5 * cost["computes"][1769]
    assert cost["waits"][1769] > 9 * cost["waits"][128]
    for times in (COMPUTES, WAITS):
        assert p99(sized(times, 1769)) == p99(sized(times, 3008))
    assert p99(sized(COMPUTES, 128)) > 12 * p99(sized(COMPUTES, 1769))
    assert p99(sized(WAITS, 128)) < 1.5 * p99(sized(WAITS, 1769))


def test_fifteen_minutes_save_no_cold_start_where_a_train_comes_each_half_hour(
    run: Names,
) -> None:
    one, fifteen, sixty = (len(run["day"]("by trains", m).cold) for m in (1, 15, 60))
    assert one == fifteen > 10 * sixty
    for seed in SEEDS:
        found = [day_of("by trains", keep_warm=60 * m, seed=seed) for m in (1, 15)]
        assert 1 == len({len(each.cold) for each in found})


def test_otherwise_longer_warmth_saves_cold_starts_and_costs_idle_hours(
    run: Names,
) -> None:
    for shape in ("at random", "in two peaks"):
        days = [run["day"](shape, minutes) for minutes in (1, 5, 15, 60)]
        cold = [len(each.cold) for each in days]
        assert sorted(cold, reverse=True) == cold
        assert sorted(each.idle for each in days) == [each.idle for each in days]
    assert p99(run["steady"][15]) < 1 < p99(run["steady"][5])
    assert {600, 576} >= {len(run["day"](shape, 1).took) for shape in SHAPES}


def test_fewer_imports_and_a_cpu_help_more_than_provisioned_instances(
    run: Names,
) -> None:
    for seed in (1, *SEEDS):
        before, both = morning(seed=seed), morning(FARES, memory_mb=1769, seed=seed)
        ready = morning(provisioned=3, seed=seed)
        assert [] == ready.cold
        assert 20 * p99(both) < p99(before)
        assert p99(both) < p99(ready)
        assert both.bill.cost < before.bill.cost < ready.bill.cost / 30


def test_the_schedule_counts_cold_starts_as_the_platform_does() -> None:
    run = 1.0
    calls = [(at * 37.0 + at * at % 101, run) for at in range(120)]
    calls = [(at + bunch, run) for at, _ in sorted(calls) for bunch in (0.0, 0.4)]
    times = Profile(start=Constant(4.0), run=Constant(run))

    async def scenario(world: SimulatedWorld) -> int:
        node = world.node("functions")
        backend = SimulatedBackend(node.clock, node.random, profiles={"fares": times})
        platform = Platform(node, backend)
        await platform.deploy("fares", SOURCE, memory_mb=1769, provisioned=count)
        begin = node.clock.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for at, _ in sorted(calls):
                wait = begin + at - node.clock.monotonic()
                await node.clock.sleep(max(wait, 0.0))
                tasks.create_task(platform.invoke("fares", {}))
        return sum(each.cold for each in platform.invocations)

    for count in (0, 1, 2):
        cold = sum(run_day(sorted(calls), [count] * 24).cold)
        assert simulate(scenario, seed=1).result == cold


SOURCE = "def handler(event, context):\n    return None\n"
