"""Which copy gets the next request, and that no count is ever lost."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.balancer import (
    Balancer,
    NoCopies,
    Pick,
    least_requests,
    round_robin,
    two_choices,
)
from movingparts.core.random import Random, stream

COPIES = ["a", "b", "c"]
BUSY = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1)


def every_pick(random: Random) -> list[Pick]:
    return [round_robin(), least_requests(random), two_choices(random)]


def test_round_robin_takes_turns_whatever_the_copies_are_doing() -> None:
    pick = round_robin()
    assert [*"abcabc"] == [pick(COPIES, {"a": 9}) for _ in range(6)]


def test_round_robin_goes_on_when_the_copies_change() -> None:
    pick = round_robin()
    assert [*"abb"] == [pick(copies, {}) for copies in ("abc", "abc", "b")]


@given(BUSY, st.integers())
def test_least_requests_picks_a_copy_than_which_none_is_less_busy(
    busy: dict[str, int], seed: int
) -> None:
    pick = least_requests(stream(seed))
    assert min(busy.values()) == busy[pick([*busy], busy)]


@given(BUSY, st.integers())
def test_two_choices_never_pick_the_only_busiest_copy(
    busy: dict[str, int], seed: int
) -> None:
    picked = two_choices(stream(seed))([*busy], busy)
    busiest = [copy for copy in busy if busy[copy] == max(busy.values())]
    assert len(busy) == 1 or [picked] != busiest


def test_copies_that_are_equally_busy_get_about_equally_many() -> None:
    for make in (least_requests, two_choices):
        pick = make(stream(7))
        found = Counter(pick(COPIES, Counter()) for _ in range(300))
        assert all(80 <= found[copy] <= 120 for copy in COPIES)


def test_any_way_to_pick_will_do_with_one_copy() -> None:
    assert ["a"] * 3 == [pick(["a"], Counter()) for pick in every_pick(stream(7))]


def test_a_request_counts_until_its_block_ends() -> None:
    balancer = Balancer(least_requests(stream(7)))
    with balancer.choose(COPIES) as one, balancer.choose(COPIES) as other:
        assert one != other
        assert {one: 1, other: 1} == balancer.busy
    assert 0 == balancer.busy.total()


@pytest.mark.parametrize("error", [OSError, asyncio.CancelledError, KeyboardInterrupt])
def test_a_request_that_fails_counts_no_longer(error: type[BaseException]) -> None:
    balancer = Balancer(round_robin())
    with pytest.raises(error), balancer.choose(COPIES):
        raise error
    assert 0 == balancer.busy.total()


def test_no_copy_is_an_error_by_name_and_counts_nothing() -> None:
    balancer = Balancer(round_robin())
    with pytest.raises(NoCopies, match="no copy is known"), balancer.choose([]):
        pass
    assert not balancer.busy
