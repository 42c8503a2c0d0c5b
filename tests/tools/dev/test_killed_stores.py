"""Event stores whose writers and broker are killed at any moment lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from movingparts.eventstore import StoredEvent
from tools.dev.killed_stores import VICTIMS, Followed
from tools.dev.soak_stores import soak

KILLS = 30


def event(position: int, version: int, number: int) -> StoredEvent:
    return StoredEvent(position, "a-0", version, f"a-0/{number}", "Appended", {})


LOG = [event(4, 1, 1), event(5, 2, 2), event(9, 3, 3)]


def test_nothing_is_wrong_with_a_log_of_whole_appends() -> None:
    followed = Followed()
    followed.take(LOG)
    followed.whole(["a-0", "b-0"])
    followed.holds({"a-0": 3, "b-0": 0})
    assert {} == followed.wrong


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([LOG[0], event(5, 3, 3)], "events that are not the next of their stream"),
        ([*LOG[:2], event(9, 3, 2)], "events that are not the next of their stream"),
        ([LOG[0], event(3, 2, 2), LOG[2]], "positions that do not grow"),
        (LOG[:2], "half appends seen"),
        (LOG[:1], "acknowledged events lost"),
        ([], "acknowledged events lost"),
    ],
)
def test_names_what_is_wrong_with_a_log(
    events: Sequence[StoredEvent], expected: str
) -> None:
    followed = Followed()
    followed.take(events)
    followed.whole(["a-0"])
    followed.holds({"a-0": 2})
    assert expected in followed.wrong


@pytest.mark.slow
@pytest.mark.parametrize("kind", VICTIMS)
def test_thirty_kills_lose_nothing_and_leave_nothing_half_done(kind: str) -> None:
    assert [] == asyncio.run(soak(kind, KILLS, seed=1))
