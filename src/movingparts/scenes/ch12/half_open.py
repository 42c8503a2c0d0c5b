"""Ten calls at the moment at which a breaker is half-open, and who gets through.

Source: chapter 12. Leaves out: all else that the breakers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from movingparts.breaker import Breaker
from movingparts.world.simulated import SimulatedWorld, simulate

Work = Callable[[], Awaitable[None]]
Guard = Callable[[Work], Awaitable[None]]


def through_ours(calls: int) -> int:
    """Return how many of so many calls at once our half-open breaker lets through."""

    async def guard(world: SimulatedWorld) -> Guard:
        return Breaker(world.clock.monotonic, failures=1, seconds=0.5).call

    return _through(guard, calls)


def through_purgatory(calls: int) -> int:
    """Return how many purgatory's lets through.

    It asks the real clock, so its pause is short enough to be over at once.
    """
    from purgatory import AsyncCircuitBreakerFactory

    async def guard(_: SimulatedWorld) -> Guard:
        breakers = AsyncCircuitBreakerFactory(default_threshold=1, default_ttl=1e-6)

        async def call(work: Work) -> None:
            async with await breakers.get_breaker("availability"):
                await work()

        return call

    return _through(guard, calls)


def _through(guard: Callable[[SimulatedWorld], Awaitable[Guard]], calls: int) -> int:
    async def scenario(world: SimulatedWorld) -> int:
        call, started = await guard(world), 0

        async def fail() -> None:
            raise ConnectionError

        async def work() -> None:
            nonlocal started
            started += 1
            await world.clock.sleep(0.1)

        await asyncio.gather(call(fail), return_exceptions=True)
        await world.clock.sleep(1.0)
        many = [call(work) for _ in range(calls)]
        await asyncio.gather(*many, return_exceptions=True)
        return started

    found: Any = simulate(scenario, seed=1).result
    return int(found)
