"""Functions that are killed at random lose no asynchronous event."""

from __future__ import annotations

import asyncio

import pytest

from tools.dev.soak_functions import soak

KILLS = 30  # make soak kills 1,000 times


@pytest.mark.slow
def test_functions_that_are_killed_lose_no_event() -> None:
    assert [] == asyncio.run(soak(KILLS, seed=1))


@pytest.mark.slow
def test_without_retries_the_soak_finds_what_was_lost() -> None:
    (wrong,) = asyncio.run(soak(10, seed=1, broken="forgets"))
    assert "events were not run" in wrong
