"""The bill: what each invocation costs, and when a container is cheaper."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.function import AWS, Bill, Invocation, break_even
from movingparts.function.meter import bill_line, invocation_cost


def done(run: float = 0.1, *, memory_mb: int = 1024, **rest: Any) -> Invocation:
    rest = {"status": "ok", **rest}
    return Invocation("1", "fares", 1, 0.0, run=run, memory_mb=memory_mb, **rest)


@given(st.integers(1, 10_000_000), st.integers(128, 10_240))
def test_time_is_billed_in_whole_steps_by_memory(us: int, memory_mb: int) -> None:
    line = bill_line(done(us / 1_000_000, memory_mb=memory_mb))
    steps = -(-us // 1000)
    assert pytest.approx(steps * memory_mb / 1_024_000, abs=1e-9) == line.gb_seconds
    assert 1 == line.requests


def test_a_million_requests_of_a_gb_second_cost_what_the_sheet_says() -> None:
    line = bill_line(done(1.0))
    assert math.isclose(0.20 + 16.6667, line.cost * 1_000_000)


def test_a_cold_start_and_a_failure_are_billed_and_a_refusal_is_not() -> None:
    bill = Bill.of(
        [
            done(0.1, init=0.4),
            done(0.1, status="error"),
            done(0.0, status="throttled"),
        ]
    )
    assert (2, 0.6) == (bill.requests, bill.gb_seconds)


def test_a_provisioned_instance_costs_less_while_it_runs_and_while_it_waits() -> None:
    bill = Bill.of([done(1.0, provisioned=True)], warm=3600.0)
    busy = AWS.busy_gb_second + AWS.per_request
    assert math.isclose(3600 * AWS.warm_gb_second + busy, bill.cost)


def test_a_month_is_thirty_days_like_these() -> None:
    bill = Bill.of([done()] * 7)
    assert math.isclose(bill.cost * 30, bill.month())
    assert math.isclose(bill.cost * 30 / 7, bill.month(days=7))


def test_a_container_costs_its_hours_by_cpu_and_memory() -> None:
    hour = 0.25 * AWS.cpu_hour + 0.5 * AWS.gb_hour
    assert math.isclose(720 * 2 * hour, AWS.always_on(cpu=0.25, gb=0.5, copies=2))


def test_at_the_break_even_both_cost_the_same() -> None:
    monthly = AWS.always_on(cpu=0.25, gb=0.5)
    number = break_even(monthly, seconds=0.05, memory_mb=512)
    each = invocation_cost(seconds=0.05, memory_mb=512)
    assert math.isclose(monthly, number * each)
