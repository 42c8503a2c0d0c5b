"""The breaker: when it opens, what a probe decides, and what is too old to count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from movingparts.breaker import Breaker, CircuitOpen
from movingparts.world.simulated import SimulatedWorld, simulate

Script = Callable[[SimulatedWorld, Breaker], Awaitable[object]]


async def ok() -> str:
    return "an answer"


async def fail() -> str:
    raise ConnectionError("no answer")


async def call(breaker: Breaker, work: Callable[[], Awaitable[str]] = ok) -> str:
    """Return the answer, or what went wrong."""
    try:
        return await breaker.call(work)
    except (ConnectionError, CircuitOpen) as error:
        return type(error).__name__


def run(script: Script) -> Any:
    """Run a script with a breaker that opens for 5 s after two failures in a row."""

    async def scenario(world: SimulatedWorld) -> object:
        breaker = Breaker(world.clock.monotonic, failures=2, seconds=5)
        return await script(world, breaker)

    return simulate(scenario, seed=1).result


async def opened(breaker: Breaker) -> None:
    """Let it fail until it is open."""
    for _ in range(2):
        assert "ConnectionError" == await call(breaker, fail)
    assert "open" == breaker.state


def after(world: SimulatedWorld, seconds: float, work: Any = ok) -> Any:
    """Return work that takes so long."""

    async def slow() -> str:
        await world.clock.sleep(seconds)
        answer: str = await work()
        return answer

    return slow


def test_it_opens_after_so_many_failures_in_a_row_and_starts_no_work_then() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> list[str]:
        found = [await call(breaker, work) for work in (fail, ok, fail)]
        assert ("closed", True) == (breaker.state, breaker.ready)
        assert "<Breaker: closed, 1 failures in a row>" == repr(breaker)
        found += [await call(breaker, fail), await call(breaker, fail)]
        assert ("open", False, 5) == (breaker.state, breaker.ready, breaker.left)
        return found

    answer, error = "an answer", "ConnectionError"
    assert [error, answer, error, error, "CircuitOpen"] == run(script)


def test_a_refusal_says_how_long_it_will_last() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> float:
        await opened(breaker)
        await world.clock.sleep(3)
        with pytest.raises(CircuitOpen, match=r"open for 2\.00 s more") as refused:
            await breaker.call(ok)
        return refused.value.seconds

    assert 2 == run(script)


def test_one_probe_decides_while_all_others_are_refused() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> list[str]:
        await opened(breaker)
        await world.clock.sleep(5)
        assert breaker.ready
        calls = [call(breaker, after(world, 1)) for _ in range(3)]
        found = [*await asyncio.gather(*calls), breaker.state]
        # It counts from 0 again.
        await call(breaker, fail)
        return [*found, breaker.state]

    refused = "CircuitOpen"
    assert ["an answer", refused, refused, "closed", "closed"] == run(script)


def test_a_probe_that_fails_opens_it_for_as_long_again() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> tuple[str, float]:
        await opened(breaker)
        await world.clock.sleep(7)
        await call(breaker, after(world, 1, fail))
        return breaker.state, breaker.left

    assert ("open", 5) == run(script)


def test_a_canceled_probe_doesnt_leave_it_half_open() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> list[str]:
        await opened(breaker)
        await world.clock.sleep(5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await breaker.call(after(world, 60))
        found = [breaker.state]
        await world.clock.sleep(5)
        return [*found, await call(breaker), breaker.state]

    assert ["open", "an answer", "closed"] == run(script)


def test_a_canceled_call_isnt_a_failure() -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> str:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await breaker.call(after(world, 60))
        return breaker.state

    assert "closed" == run(script)


@pytest.mark.parametrize(("late", "state"), [(ok, "open"), (fail, "open")])
def test_an_answer_from_before_changes_nothing(late: Any, state: str) -> None:
    async def script(world: SimulatedWorld, breaker: Breaker) -> tuple[str, float]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call(breaker, after(world, 2, late)))
            await world.clock.sleep(0)
            await opened(breaker)
            await world.clock.sleep(3)
            return breaker.state, breaker.left

    assert (state, 2) == run(script)
