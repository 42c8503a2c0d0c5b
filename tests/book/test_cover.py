"""The cover's picture is true: its stations, streets and rides are the city's."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml
from moving_parts_book import city_picture
from moving_parts_book.plan import read_plan

from movingparts.city.synthetic import City, larkhaven


@pytest.fixture(scope="module")
def city() -> City:
    """The city that the cover shows."""
    return larkhaven(seed=city_picture.SEED)


def test_picture_is_the_same_at_each_build() -> None:
    assert city_picture.picture() == city_picture.picture()


def test_stations_stand_where_the_city_has_them(city: City) -> None:
    """Distances in the picture are those on the ground, to a unit or two."""
    at = city_picture.places(city)
    for one in city.stations:
        for other in city.stations:
            (x, y), (u, v) = at[one.station_id], at[other.station_id]
            drawn = ((x - u) ** 2 + (y - v) ** 2) ** 0.5 * city_picture.SCALE
            assert drawn == pytest.approx(one.meters_to(other), rel=0.01, abs=12)


def test_every_station_stands_on_the_map(city: City) -> None:
    width = (city_picture.EAST - city_picture.WEST) / city_picture.SCALE
    height = (city_picture.NORTH - city_picture.SOUTH) / city_picture.SCALE
    for x, y in city_picture.places(city).values():
        assert 0 < x < width
        assert 0 < y < height


def test_streets_lead_everywhere(city: City) -> None:
    graph = city_picture.streets(city_picture.places(city))
    first, *others = graph
    for other in others:
        way = city_picture.route(graph, first, other)
        assert (first, other) == (way[0], way[-1])
        assert all(b in graph[a] for a, b in itertools.pairwise(way))


def test_trips_are_rides_of_the_morning(city: City) -> None:
    """Each is drawn from where it started to where it ended, for as long as it took."""
    at = city_picture.places(city)
    shown = city_picture.morning(city, city_picture.streets(at))
    rides = {
        (ride.start_station_id, ride.end_station_id, round(ride.seconds / 30) * 30)
        for ride in city.morning()
    }
    assert {(t.stations[0], t.stations[-1], t.seconds) for t in shown.trips} <= rides
    assert shown.rides == sum(shown.bars)
    assert all(0 <= trip.starts < city_picture.LOOP for trip in shown.trips)
    assert sorted(t.starts for t in shown.trips) == [t.starts for t in shown.trips]


def test_motion_stops_where_less_is_asked_for() -> None:
    style = Path(city_picture.__file__).parents[2] / "_static/css/book.css"
    reduced = style.read_text().partition("@media (prefers-reduced-motion: reduce) {")[
        2
    ]
    assert re.search(r"\.mp-bikes circle \{[^}]*paused !important", reduced)
    assert re.search(r"\.mp-clock \{[^}]*paused !important", reduced)


def test_plan_numbers_its_chapters_from_01_to_17() -> None:
    numbers = [chapter.number for part in read_plan() for chapter in part.chapters]
    assert [f"{number:02d}" for number in range(1, 18)] == numbers


def test_chapter_without_a_title_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text(yaml.safe_dump({"parts": [{"title": "A", "chapters": [{}]}]}))
    with pytest.raises(ValueError, match=r"plan\.yml: each part needs 'title'"):
        read_plan(file)
