"""A simulated instance: its times, its deaths, and what its source can see."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from movingparts.core.random import Constant, Uniform
from movingparts.function import (
    InitError,
    Platform,
    Profile,
    Request,
    SimulatedBackend,
)
from movingparts.function.simulated import SimulatedInstance
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.function.scripted import ECHO, code, on_platform


def instance_of(
    scenario: Any, source: str = ECHO, profile: Profile | None = None, **config: Any
) -> Any:
    """Run with one instance and its backend."""

    async def main(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        layers = {"effects": [], "clock": node.clock}
        profiles = {"fares": profile or Profile()}
        backend = SimulatedBackend(node.clock, node.random, profiles, layers)
        instance = await backend.start(code(source, **config))
        return await scenario(instance, backend)

    return simulate(main, seed=1).result


@pytest.mark.parametrize(
    ("memory_mb", "expected"), [(1769, 1.0), (3538, 1.0), (884, 2.0), (177, 10.0)]
)
def test_cpu_time_grows_where_memory_buys_less_than_a_cpu(
    memory_mb: int, expected: float
) -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO, memory_mb=memory_mb, timeout=60)
        done = await platform.invoke("fares", 1)
        return round(done.init, 1), round(done.run, 1)

    profile = Profile(start=Constant(0.0), init=Constant(1.0), run=Constant(1.0))
    assert (expected, expected) == on_platform(scenario, {"fares": profile})


def test_waiting_for_others_takes_no_longer_with_less_memory() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO, memory_mb=128)
        return (await platform.invoke("fares", 1)).run

    profile = Profile(run=Constant(0.0), wait=Constant(0.5))
    assert 0.5 == on_platform(scenario, {"fares": profile})


def test_requests_at_once_share_the_cpu() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO, memory_mb=1769, concurrency=2)
        await platform.invoke("fares", 0)
        both = [platform.invoke("fares", number) for number in (1, 2)]
        return [each.run for each in await asyncio.gather(*both)]

    one, two = on_platform(scenario, {"fares": Profile(run=Constant(0.1))})
    assert one < two
    assert two == pytest.approx(0.2)


def test_a_function_that_needs_more_memory_does_not_start() -> None:
    async def scenario(*_: Any) -> Any: ...

    with pytest.raises(InitError, match="needs 200 MB of 128"):
        instance_of(scenario, profile=Profile(needs_mb=200))


EFFECT = "def handler(event, context):\n    effects.append(event)"


def test_an_instance_that_dies_may_or_may_not_have_done_its_work() -> None:
    async def scenario(instance: SimulatedInstance, backend: SimulatedBackend) -> Any:
        results = [await instance.run(Request("r", number)) for number in range(50)]
        return {each.status for each in results}, len(backend.layers["effects"])

    statuses, effects = instance_of(scenario, EFFECT, Profile(dies=1.0))
    assert {"killed"} == statuses
    assert 10 < effects < 40


def test_an_effect_happens_in_the_middle_of_a_run() -> None:
    source = "def handler(event, context):\n    return clock.monotonic()"

    async def scenario(instance: SimulatedInstance, backend: SimulatedBackend) -> Any:
        begun = backend.clock.monotonic()
        result = await instance.run(Request("r", None))
        return result.value - begun, backend.clock.monotonic() - begun

    profile = Profile(run=Constant(0.0), wait=Constant(1.0))
    middle, end = instance_of(scenario, source, profile)
    assert (0.5, 1.0) == (pytest.approx(middle), pytest.approx(end))


def test_time_that_is_left_grows_less_while_a_handler_waits() -> None:
    source = (
        "async def handler(event, context):\n"
        "    left = [context.get_remaining_time_in_millis()]\n"
        "    await clock.sleep(1)\n"
        "    return left + [context.get_remaining_time_in_millis()]"
    )

    async def scenario(instance: SimulatedInstance, backend: SimulatedBackend) -> Any:
        return (await instance.run(Request("r", None))).value

    assert [3000, 2000] == instance_of(scenario, source, Profile(run=Constant(0.0)))


def test_two_requests_that_are_late_together_end_together() -> None:
    source = "async def handler(event, context):\n    await clock.sleep(60)"

    async def scenario(instance: SimulatedInstance, backend: SimulatedBackend) -> Any:
        async def ended(number: int) -> Any:
            result = await instance.run(Request(f"r{number}", number))
            await instance.close()
            return result.status

        return await asyncio.gather(ended(1), ended(2), ended(3))

    statuses = instance_of(scenario, source, concurrency=3)
    assert "timeout" == statuses[0]
    assert {"timeout", "killed"} >= set(statuses)


def test_the_environment_is_the_functions_alone_while_another_waits() -> None:
    source = (
        "import os\n"
        "async def handler(event, context):\n"
        "    seen = []\n"
        "    for _ in range(3):\n"
        "        seen.append(os.environ.get('NAME'))\n"
        "        try:\n"
        "            await context.invoke('nobody', 1)\n"
        "        except Exception as error:\n"
        "            seen.append(os.environ['NAME'])\n"
        "        await clock.sleep(0.1)\n"
        "    return seen"
    )

    async def main(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        layers = {"clock": node.clock}
        backend = SimulatedBackend(node.clock, node.random, {}, layers)
        platform = Platform(node, backend)
        for name in ("fares", "receipts"):
            await platform.deploy(name, source, environment={"NAME": name})
        before = os.environ
        both = [platform.invoke(name, 1) for name in ("fares", "receipts")]
        done = await asyncio.gather(*both)
        return [each.value for each in done], os.environ is before

    values, restored = simulate(main, seed=1).result
    assert [["fares"] * 6, ["receipts"] * 6] == values
    assert restored


def test_the_same_seed_gives_the_same_run() -> None:
    profiles = {"fares": Profile(run=Uniform(0.01, 0.2), dies=0.3)}

    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        for number in range(20):
            platform.send("fares", number)
        await platform.node.clock.sleep(900)
        return platform.invocations, platform.sizes

    assert on_platform(scenario, profiles) == on_platform(scenario, profiles)
