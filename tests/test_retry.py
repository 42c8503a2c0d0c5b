"""Retries: how often, after which pause, within which budget, and of what."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.core.random import stream
from movingparts.retry import Backoff, Budget, Retry, safe_to_repeat
from movingparts.world.simulated import SimulatedWorld, simulate

REQUEST = httpx.Request("GET", "http://availability/")


def status(code: int) -> httpx.HTTPStatusError:
    answer = httpx.Response(code, request=REQUEST)
    return httpx.HTTPStatusError("no", request=REQUEST, response=answer)


def tries(fails: int, *, calls: int = 1, again: Any = None, **options: Any) -> Any:
    """Return for each call when it tried, and what it came to.

    The first `fails` tries of each call fail.
    """

    async def scenario(world: SimulatedWorld) -> Any:
        retry = Retry(world.clock, stream(1), **options)
        found = []
        for _ in range(calls):
            times: list[float] = []

            async def work(times: list[float] = times) -> str:
                times.append(world.clock.monotonic())
                if len(times) <= fails:
                    raise ConnectionError(len(times))
                return "an answer"

            try:
                end: Any = await retry.call(work, again=again)
            except ConnectionError as error:
                end = error.args[0]
            found.append((times, end))
        return found

    return simulate(scenario, seed=1).result


EVEN = Backoff(base=1, most=3, jitter=False)


def test_it_tries_again_after_pauses_that_double_up_to_a_limit() -> None:
    assert [([0, 1, 3, 6, 9], "an answer")] == tries(4, attempts=5, backoff=EVEN)


def test_it_raises_what_the_last_attempt_raised() -> None:
    [(times, end)] = tries(9)
    assert (3, 3) == (len(times), end)


def test_it_doesnt_repeat_what_isnt_to_be_repeated() -> None:
    [(times, end)] = tries(9, again=lambda error: not isinstance(error, OSError))
    assert (1, 1) == (len(times), end)


def test_it_repeats_what_may_be_repeated() -> None:
    [(times, end)] = tries(1, again=lambda error: isinstance(error, OSError))
    assert (2, "an answer") == (len(times), end)


@given(retries=st.integers(0, 40), seed=st.integers(0, 99))
def test_a_pause_is_anything_up_to_the_limit(retries: int, seed: int) -> None:
    backoff = Backoff(base=0.1, most=2)
    limit = min(2, 0.1 * 2**retries)
    assert 0 <= backoff.seconds(retries, stream(seed)) <= limit


def test_a_spent_budget_lets_one_of_ten_be_repeated() -> None:
    calls = tries(9, calls=41, budget=Budget(ratio=0.1, reserve=1))
    again = [number for number, (times, _) in enumerate(calls) if len(times) > 1]
    assert [0, 10, 20, 30, 40] == again


def test_a_budget_saves_no_more_than_its_reserve() -> None:
    budget = Budget(ratio=0.5, reserve=2)
    for _ in range(100):
        budget.deposit()
    assert [True, True, False] == [budget.withdraw() for _ in range(3)]


@given(st.lists(st.booleans(), max_size=200))
def test_retries_are_never_more_than_their_share(asks: list[bool]) -> None:
    budget, taken = Budget(ratio=0.1, reserve=5), 0
    for again in asks:
        budget.deposit()
        taken += again and budget.withdraw()
    assert taken <= 5 + 0.1 * len(asks)


@pytest.mark.parametrize(
    ("error", "get", "post"),
    [
        (httpx.ConnectError("nobody listens"), True, True),
        (httpx.ConnectTimeout("no connection"), True, True),
        (httpx.ReadTimeout("no answer in time"), True, False),
        (TimeoutError(), True, False),
        (status(503), True, False),
        (status(404), False, False),
        (ValueError("a bug"), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_is_safe_and_may_help_is_repeated(
    error: Exception, get: bool, post: bool
) -> None:
    found = safe_to_repeat("get", error), safe_to_repeat("POST", error)
    assert (get, post) == found
