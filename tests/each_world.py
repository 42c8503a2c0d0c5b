"""What a scenario returns in the simulated world, and in the local one.

In a test module, `run = each_world` makes it the fixture `run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from movingparts.world import LocalWorld
from movingparts.world.simulated import simulate

Scenario = Callable[[Any], Awaitable[Any]]
Run = Callable[[Scenario], Any]


def simulated(scenario: Scenario) -> Any:
    return simulate(scenario, seed=7).result


def local(scenario: Scenario) -> Any:
    async def main() -> Any:
        async with LocalWorld(seed=7) as world:
            return await scenario(world)

    return asyncio.run(main())


@pytest.fixture(params=[simulated, pytest.param(local, marks=pytest.mark.slow)])
def each_world(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen
