"""A day of a function under any settings, as the lab's dashboard shows it."""

from __future__ import annotations

import pytest

from movingparts.scenes.ch11.dashboard import RIDES, SHAPES, most, outcome, traffic


@pytest.mark.parametrize("shape", SHAPES)
def test_each_traffic_has_as_many_requests_within_a_day_in_order(shape: str) -> None:
    found = traffic(shape)
    assert RIDES == len(found)
    assert sorted(found) == found
    assert 0 <= found[0] <= found[-1] < 86_400


def test_the_same_settings_give_the_same_day() -> None:
    settings = ("spiky", 512, 2, 60.0)
    assert outcome.__wrapped__(*settings) == outcome(*settings)


def test_an_outcome_counts_each_request_once() -> None:
    found = outcome("steady")
    assert RIDES == len(found.waits) == found.bill.requests
    assert RIDES == sum(count for _, count in found.histogram(100, 1_000))
    assert 24 * 6 == len(found.curve)


def test_several_requests_at_once_need_fewer_instances_and_wait_longer() -> None:
    one, ten = outcome("spiky"), outcome("spiky", concurrency=10)
    assert max(count for _, count in ten.curve) < max(count for _, count in one.curve)
    assert ten.percentiles.p50 > one.percentiles.p50


def test_a_curve_keeps_the_most_of_each_ten_minutes() -> None:
    curve = dict(most([(10.0, 3), (20.0, 1), (1_300.0, 0)]))
    assert [3, 1, 1, 0] == [curve[minutes / 60] for minutes in (0, 10, 20, 30)]


def test_instances_end_within_the_day() -> None:
    assert (143 / 6, 0) == outcome("spiky", keep_warm=60.0).curve[-1]
