"""Larkhaven: the same city and the same day for a seed, and a plausible one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.city import synthetic
from movingparts.city.ride import Ride
from movingparts.city.synthetic import FIRST_DAY, TIMEZONE, City, larkhaven

SATURDAY = FIRST_DAY + timedelta(days=5)
DIGEST = "d0bf51a57fb85e36"


@pytest.fixture(scope="module")
def city() -> City:
    return larkhaven(seed=7)


@pytest.fixture(scope="module")
def weekday(city: City) -> list[Ride]:
    return list(city.rides())


def digest(city: City) -> str:
    """A hash of all that is in the city, and of a weekday and a Saturday in it."""
    lines = [repr(thing) for thing in (*city.bikes, *city.riders)]
    lines += [f"{astuple(station)} {station.docks}" for station in city.stations]
    for day in (FIRST_DAY, SATURDAY):
        lines += [repr(ride) for ride in city.rides(day)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def local_hours(rides: list[Ride]) -> Counter[int]:
    zone = ZoneInfo(TIMEZONE)
    return Counter(ride.started_at.astimezone(zone).hour for ride in rides)


@pytest.mark.slow
def test_the_day_of_a_seed_is_the_same_to_the_byte_everywhere(city: City) -> None:
    """The same on 3.11 to 3.14 and in Pyodide: other digits would change figures."""
    assert DIGEST == digest(city)


@pytest.mark.slow
def test_the_day_of_a_seed_does_not_depend_on_the_order_of_sets() -> None:
    code = (
        "import hashlib; from movingparts.city.synthetic import larkhaven; "
        "print(hashlib.sha256(repr(list(larkhaven(seed=3).rides())).encode())"
        ".hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(seen) == 1


def test_another_seed_is_another_day_on_the_same_map(city: City) -> None:
    other = larkhaven(seed=8)
    assert other.stations == city.stations
    assert list(other.rides()) != list(city.rides())


def test_one_more_bike_changes_no_rider(city: City) -> None:
    """Each purpose draws from its own stream."""
    assert larkhaven(seed=7, bikes=301).riders == city.riders


@pytest.mark.slow
def test_by_default_a_weekday_has_about_three_thousand_rides(city: City) -> None:
    days = [FIRST_DAY + timedelta(days=n) for n in range(5)]
    counts = [sum(1 for _ in city.rides(day)) for day in days]
    assert all(2_700 <= count <= 3_300 for count in counts), counts


def test_a_weekday_has_two_peaks(weekday: list[Ride]) -> None:
    hours = local_hours(weekday)
    assert {8, 17} == {hour for hour, count in hours.items() if count > 450}
    assert hours[11] < 150


def test_in_the_morning_riders_go_to_the_center_and_in_the_evening_back(
    city: City, weekday: list[Ride]
) -> None:
    def ways(hour: int) -> tuple[int, int]:
        zone = ZoneInfo(TIMEZONE)
        kinds = Counter(
            (
                city.station(ride.start_station_id).kind,
                city.station(ride.end_station_id).kind,
            )
            for ride in weekday
            if ride.started_at.astimezone(zone).hour == hour
        )
        return kinds["residential", "center"], kinds["center", "residential"]

    morning_in, morning_out = ways(8)
    evening_in, evening_out = ways(17)
    assert morning_in > 10 * morning_out
    assert evening_out > 5 * evening_in


def test_a_weekend_is_smaller_and_flatter(city: City, weekday: list[Ride]) -> None:
    saturday = list(city.rides(SATURDAY))
    assert len(saturday) < 0.8 * len(weekday)
    assert max(local_hours(saturday).values()) < 0.4 * max(
        local_hours(weekday).values()
    )


def test_rides_come_in_order_and_their_ids_count_them(weekday: list[Ride]) -> None:
    assert weekday == sorted(weekday, key=lambda ride: ride.started_at)
    expected = [f"LH-20260601-{n:05d}" for n in range(1, len(weekday) + 1)]
    assert [ride.ride_id for ride in weekday] == expected


def test_a_morning_is_the_rides_from_six_to_ten(
    city: City, weekday: list[Ride]
) -> None:
    """06:00 in Larkhaven is 05:00 UTC in June."""
    six, ten = (datetime(2026, 6, 1, hour, tzinfo=UTC) for hour in (5, 9))
    expected = [ride for ride in weekday if six <= ride.started_at < ten]
    assert list(city.morning()) == expected
    assert len(expected) > 800


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_clock_changes_spoil_no_day(city: City, day: date) -> None:
    rides = list(city.rides(day))
    zone = ZoneInfo(TIMEZONE)
    assert rides == sorted(rides, key=lambda ride: ride.started_at)
    assert {day} == {ride.started_at.astimezone(zone).date() for ride in rides}


def replayed(city: City, rides: list[Ride]) -> None:
    """Check that no bike and no rider is in two places."""
    for key in ("bike_id", "rider_id"):
        free_at: dict[str, datetime] = {}
        for ride in rides:
            who = getattr(ride, key)
            assert free_at.get(who, ride.started_at) <= ride.started_at, ride
            free_at[who] = ride.ended_at


def test_no_bike_and_no_rider_is_on_two_rides_at_once(
    city: City, weekday: list[Ride]
) -> None:
    replayed(city, weekday)


def test_no_station_ever_holds_more_bikes_than_docks(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from inside: the trucks that make room leave no trace in the rides."""

    class Watched(synthetic._Streets):
        def settle(self, now: datetime) -> None:
            super().settle(now)
            standing = self._standing.values()
            assert len(city.bikes) == len(self._under_way) + sum(map(len, standing))
            for station in city.stations:
                assert len(self._standing[station.station_id]) <= station.capacity

    monkeypatch.setattr(synthetic, "_Streets", Watched)
    assert list(city.morning())


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    stations=st.integers(2, 40),
    bikes=st.integers(1, 60),
    riders=st.integers(1, 60),
    rides=st.integers(0, 300),
)
def test_a_city_of_any_size_works(
    seed: int, stations: int, bikes: int, riders: int, rides: int
) -> None:
    city = larkhaven(seed, stations=stations, bikes=bikes, riders=riders, rides=rides)
    made = list(city.rides())
    assert (stations, bikes, riders) == (
        len(city.stations),
        len(city.bikes),
        len(city.riders),
    )
    assert len(made) <= rides * 108 // 100
    assert len({station.name for station in city.stations}) == stations
    replayed(city, made)
    standing = Counter(bike.station_id for bike in city.bikes)
    assert all(standing[s.station_id] <= s.capacity for s in city.stations)


def test_a_station_has_a_place_on_the_map_and_a_name_for_each_dock(city: City) -> None:
    assert 24 == len({(station.x, station.y) for station in city.stations})
    for station in city.stations:
        assert 0 <= station.x <= 1
        assert 0 <= station.y <= 1
        assert station.capacity == len(set(station.docks))
    hill, quay = city.station("S02"), city.station("S07")
    assert hill.lat > quay.lat
    assert hill.y < quay.y, "north is up, and y grows downward"


def test_more_bikes_than_docks_get_more_docks() -> None:
    city = larkhaven(seed=1, bikes=2_000)
    assert sum(station.capacity for station in city.stations) >= 3_000


def test_an_unknown_station_is_an_error_that_names_the_known(city: City) -> None:
    with pytest.raises(KeyError) as caught:
        city.station("S99")
    assert "Larkhaven has no station 'S99'; it has S01 to S24" == caught.value.args[0]


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"stations": 1}, "larkhaven(…, stations=1): a city needs at least 2 stations"),
        ({"bikes": 0}, "larkhaven(…, bikes=0): a city needs at least 1 bikes"),
        ({"rides": -1}, "larkhaven(…, rides=-1): a city needs at least 0 rides"),
    ],
)
def test_a_city_too_small_to_work_is_refused(
    size: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        larkhaven(seed=1, **size)
    assert message == str(caught.value)


def test_a_day_is_a_date(city: City) -> None:
    with pytest.raises(TypeError) as caught:
        city.rides(datetime(2026, 6, 1, tzinfo=UTC))
    assert "takes a datetime.date" in str(caught.value)


def test_the_package_imports_neither_threads_nor_sockets() -> None:
    """It has to work in a browser tab."""
    folder = Path(sys.modules[City.__module__].__file__ or "").parent
    for module in folder.glob("*.py"):
        text = module.read_text(encoding="utf-8")
        for banned in ("import threading", "import socket", "import asyncio"):
            assert banned not in text, f"{module.name} has {banned}"


def test_a_ride_refuses_naive_times_and_time_travel() -> None:
    eight = datetime(2026, 6, 1, 8, tzinfo=UTC)
    with pytest.raises(ValueError, match="must be aware"):
        Ride("x", eight.replace(tzinfo=None), eight, "a", "b")
    with pytest.raises(ValueError, match="before it starts"):
        Ride("x", eight, eight - timedelta(seconds=1), "a", "b")
