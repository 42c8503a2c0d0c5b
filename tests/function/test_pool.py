"""The scheduler: which instance takes a request, and when one starts or ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from movingparts.core.clock import Clock
from movingparts.function import Invocation, Request
from movingparts.function.pool import Pool
from tests.function.scripted import Scripted, in_pool


async def at_once(pool: Pool, *events: float) -> list[Invocation]:
    requests = [Request(f"r{number}", event) for number, event in enumerate(events)]
    return await asyncio.gather(*map(pool.invoke, requests))


def test_a_cold_start_is_init_time_and_a_warm_one_has_none() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        cold, warm = [(await at_once(pool, 2.0))[0] for _ in (1, 2)]
        return (cold.init, cold.run, cold.cold), (warm.init, warm.run, warm.cold)

    assert ((1.0, 2.0, True), (0.0, 2.0, False)) == in_pool(scenario)


def test_the_instance_that_was_used_last_is_used_next_so_that_others_end() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        await at_once(pool, 1.0, 3.0, 2.0)
        used = []
        for _ in range(8):
            await clock.sleep(4.0)
            used += [done.value for done in await at_once(pool, 0.0)]
        return used, backend.closed

    used, closed = in_pool(scenario, keep_warm=10.0)
    assert [2] * 8 == used
    assert [1, 3] == closed


def test_an_idle_instance_ends_after_its_time_and_not_before() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        await at_once(pool, 0.0)
        await clock.sleep(9.9)
        before = len(pool)
        await clock.sleep(0.2)
        return before, len(pool)

    assert (1, 0) == in_pool(scenario, keep_warm=10.0)


def test_an_instance_that_is_not_kept_warm_ends_at_once() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        await at_once(pool, 1.0)
        await clock.sleep(0.001)
        return len(pool), backend.closed

    assert (0, [1]) == in_pool(scenario, keep_warm=0.0)


def test_a_failed_start_is_reported_with_its_time_and_leaves_no_instance() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        failed, *_ = await at_once(pool, 0.0)
        again, *_ = await at_once(pool, 0.0)
        states = [(each.status, each.init, each.error) for each in (failed, again)]
        return states, failed.run, len(pool), pool.running

    states, run, instances, running = in_pool(scenario, failures=1)
    assert [("init", 1.0, "no room"), ("ok", 1.0, "")] == states
    assert (0.0, 1, 0) == (run, instances, running)


def test_an_error_of_the_backend_frees_the_instance() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        with pytest.raises(RuntimeError):
            await at_once(pool, -1)
        done, *_ = await at_once(pool, 0.0)
        return done.cold, pool.running

    assert (False, 0) == in_pool(scenario)


def test_a_caller_that_gives_up_does_not_end_the_request() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.0):
                await at_once(pool, 5.0)
        running = pool.running
        await clock.sleep(10.0)
        return running, pool.running, len(pool)

    assert (1, 0, 1) == in_pool(scenario)


def test_provisioned_instances_start_before_and_do_not_end() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        await pool.provision()
        done = await at_once(pool, 1.0, 1.0, 1.0)
        await clock.sleep(60.0)
        return [each.cold for each in done], len(pool)

    cold, left = in_pool(scenario, provisioned=2, keep_warm=5.0)
    assert ([False, False, True], 2) == (cold, left)


def test_closing_while_idle_instances_end_closes_each_once() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        await at_once(pool, 0.0, 0.0, 0.0)
        await clock.sleep(5.5)  # the first of them closes
        await pool.close()
        await clock.sleep(60.0)
        return sorted(backend.closed), len(pool)

    assert ([1, 2, 3], 0) == in_pool(scenario, keep_warm=5.0, closing=1.0)


def test_a_pool_that_closes_under_a_request_lets_it_end() -> None:
    async def scenario(pool: Pool, backend: Scripted, clock: Clock) -> Any:
        asked = asyncio.ensure_future(at_once(pool, 5.0))
        await clock.sleep(2.0)
        await pool.close()
        (done,) = await asked
        return done.status, len(pool), backend.closed

    assert ("ok", 0, [1]) == in_pool(scenario)
