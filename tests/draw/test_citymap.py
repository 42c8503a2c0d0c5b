"""Maps of the city: its stations, those without a bike, its words."""

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

from movingparts.draw import Figure, city_map


class Station(NamedTuple):
    station_id: str
    name: str
    x: float
    y: float


STATIONS = (
    Station("S1", "Town Hall", 0.0, 0.5),
    Station("S2", "Kiln & Sons <b>", 1.0, 1.0),
    Station("S3", "Upper Wend", 0.5, 0.0),
)


def drawn() -> Figure:
    return city_map(
        STATIONS, {"S1": 12, "S2": 1}, title="One is empty", marked="S3", note="at 8"
    )


def test_a_station_without_a_bike_has_another_shape_and_a_cross() -> None:
    """One on the map and one in the legend; nobody has to tell two colors apart."""
    svg = drawn().svg
    assert 2 == svg.count('class="work bad"') == svg.count('class="cross"')
    assert 3 == svg.count('class="head request"')


def test_its_words_say_what_it_shows() -> None:
    """The description has the conclusion, and the table each station."""
    found = drawn()
    assert "3 stations, 1 without a bike: Upper Wend." in found.description
    assert "Town Hall has the most: 12." in found.description
    assert ("S3 Upper Wend", "0") == found.table.rows[2]


def test_names_are_text_and_the_marked_one_is_written() -> None:
    texts = [each.text for each in ET.fromstring(drawn().svg).iter() if each.text]
    assert "Kiln & Sons <b>: 1 bike" in texts
    assert "Upper Wend" in texts
    assert "Town Hall" not in texts


def test_more_bikes_are_a_larger_disc() -> None:
    few, many = (city_map(STATIONS[:1], {"S1": n}, title="") for n in (1, 12))
    one, twelve = (re.findall(r' r="(\d+)"', each.svg)[0] for each in (few, many))
    assert int(one) < int(twelve)
