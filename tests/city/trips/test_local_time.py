"""Local times, and the hours that a clock change doubles or skips."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.trips import local_time
from movingparts.city.trips.local_time import WallClock

LORD_HOWE = WallClock(ZoneInfo("Australia/Lord_Howe"))


@pytest.mark.parametrize(
    ("local", "change"),
    [
        # At 02:00 on 5 April 2026 this zone sets its clocks back by half an hour.
        ("2026-04-05T01:10", None),
        ("2026-04-05T01:29:59.999999", None),
        ("2026-04-05T01:30", "doubled"),
        ("2026-04-05T01:59", "doubled"),
        ("2026-04-05T02:00", None),
        # At 02:00 on 4 October 2026 it sets them forward by half an hour.
        ("2026-10-04T01:59", None),
        ("2026-10-04T02:15", "skipped"),
        ("2026-10-04T02:45", None),
    ],
)
def test_half_an_hour_is_a_clock_change_too(local: str, change: str | None) -> None:
    _, found = LORD_HOWE.instant(datetime.fromisoformat(local))
    assert change == found


@given(
    local=st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - wall-clock times are naive
    zone=st.sampled_from(
        ["America/New_York", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kolkata"]
    ),
    fold=st.sampled_from([0, 1]),
)
def test_what_a_clock_remembers_agrees_with_zoneinfo(
    local: datetime, zone: str, fold: int
) -> None:
    clock, local = WallClock(ZoneInfo(zone)), local.replace(fold=fold)
    expected = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert expected == clock.instant(local)[0]
    assert expected == clock.instant(local)[0], "remembered"


def test_a_clock_forgets_rather_than_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_time, "_REMEMBERED", 2)
    clock = WallClock(ZoneInfo("Europe/Oslo"))
    for hour in range(24):
        instant, _ = clock.instant(datetime(2026, 1, 1, hour))  # noqa: DTZ001 - as above
        assert (hour - 1) % 24 == instant.hour
    assert len(clock._epochs) <= 2
