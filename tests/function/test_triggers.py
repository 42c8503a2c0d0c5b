"""What runs a function: where a request and a schedule differ from a call."""

from __future__ import annotations

from typing import Any

import pytest

from movingparts.core.random import Constant
from movingparts.function import Every, Platform, Profile, SimulatedBackend, gateway
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.function.scripted import ECHO, on_platform

SLOW = {"fares": Profile(run=Constant(0.0), wait=Constant(8.0))}


def test_a_throttled_request_is_told_to_come_back_later() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        node = world.node("functions")
        backend = SimulatedBackend(node.clock, node.random, SLOW)
        platform = Platform(node, backend, limit=1)
        await platform.deploy("fares", ECHO, timeout=60)
        await world.serve("gateway", lambda node: gateway(node, platform))
        client = world.client("rider", timeout=None)
        url = "http://gateway/functions/fares"
        task = node.tasks.create_task(client.post(url, json=1))
        await world.clock.sleep(1)
        second = await client.post(url, json=2)
        first = await task  # it took longer than a service's usual limit
        return first.json(), second.status_code, second.headers["Retry-After"]

    assert (1, 429, "1") == simulate(scenario, seed=1).result


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 7.0, 60.0])
def test_a_schedule_runs_once_in_each_period(seconds: float) -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.node.clock.sleep(seconds * 0.4)
        await platform.deploy("fares", ECHO, triggers=(Every(seconds),))
        await platform.node.clock.sleep(seconds * 20)
        return [int(each.value["id"]) for each in platform.invocations]

    quick = {"fares": Profile(start=Constant(0.0), run=Constant(0.0))}
    numbers = on_platform(scenario, quick)
    assert 19 <= len(numbers) <= 20
    assert sorted(set(numbers)) == numbers
