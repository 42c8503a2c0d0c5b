"""A city as a map: its stations where they are, and how many bikes each has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isqrt
from typing import Protocol

from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.ink import (
    cross,
    document,
    escaped,
    fitted,
    line_of_text,
    printable,
)

WIDE = 440  # pixels: on a phone three quarters of that, and still read
SIDE, EDGE = 384, 28  # of the square in which x and y are, and around it
LEGEND = 78


class Place(Protocol):
    """A station: `x` and `y` are from 0 to 1."""

    @property
    def station_id(self) -> str:
        """What the numbers of bikes are found by."""
        ...

    @property
    def name(self) -> str:
        """What readers call it."""
        ...

    @property
    def x(self) -> float:
        """Its place from west to east."""
        ...

    @property
    def y(self) -> float:
        """Its place from north to south."""
        ...


def city_map(
    stations: Iterable[Place],
    bikes: Mapping[str, int],
    *,
    title: str,
    note: str = "",
    marked: str | None = None,
) -> Figure:
    """Draw each station with its number of bikes, and those that have none as a ✕.

    `bikes` are by the id of the station. `title` states the finding; `note` is a line
    below the map; the station `marked`, an id, gets its name written beside it.

    >>> from movingparts.city.synthetic import larkhaven
    >>> city_map(larkhaven(seed=7).stations, {"S01": 3}, title="One has bikes")
    <Figure city-map: One has bikes>
    """
    found = [(each, bikes.get(each.station_id, 0)) for each in stations]
    north, south = (end(each.y for each, _ in found) for end in (min, max))
    low = 2 * EDGE + round((south - north) * SIDE)
    size, text = (WIDE, low + LEGEND), _described(found)
    body = [*_drawn(found, north, marked), *_legend(low, note)]
    rows = tuple((f"{s.station_id} {printable(s.name)}", str(n)) for s, n in found)
    table = TextTable("Each station, as a table", ("station", "bikes"), rows)
    return Figure("city-map", title, text, document(size, title, text, body), table)


def _drawn(
    found: list[tuple[Place, int]], north: float, marked: str | None
) -> Iterator[str]:
    """Yield the stations, and last the name of the one that is marked, over all."""
    name = ""
    for each, count in found:
        x = EDGE + round(each.x * SIDE)
        y = EDGE + round((each.y - north) * SIDE)
        yield _station(x, y, count, f"{each.name}: {_bikes(count)}")
        if each.station_id == marked:
            side, reach = ("end", -24) if each.x > 0.6 else ("start", 24)
            text = fitted(each.name, WIDE // 2)
            name = line_of_text(x + reach, y + 5, text, "halo", anchor=side)
    yield name


def _station(x: int, y: int, count: int, name: str) -> str:
    """Draw a disc that grows with its bikes; without a bike, a box with a ✕."""
    tip = f"<title>{escaped(name)}</title>"
    if count == 0:
        box = f'<rect class="work bad" x="{x - 11}" y="{y - 11}" width="22" height="22"'
        return f'<g>{tip}{box} rx="2"/>{cross(x, y)}</g>'
    radius = isqrt(144 + 6 * count)  # each bike adds the same area
    number = line_of_text(x, y + 5, str(count), "bg", anchor="middle")
    disc = f'<circle class="head request" cx="{x}" cy="{y}" r="{radius}"/>'
    return f"<g>{tip}{disc}{number}</g>"


def _legend(low: int, note: str) -> Iterator[str]:
    yield f'<path class="rule" d="M12 {low - 4}H{WIDE - 12}"/>'
    top = low + 20
    yield _station(24, top, 7, "a station with 7 bikes")
    yield line_of_text(44, top + 5, "station with 7 bikes")
    yield _station(254, top, 0, "a station without a bike")
    yield line_of_text(274, top + 5, "without a bike")
    yield line_of_text(12, top + 40, fitted(note, WIDE - 24), "quiet")


def _bikes(count: int) -> str:
    return f"{count} bike" if count == 1 else f"{count} bikes"


def _described(found: list[tuple[Place, int]]) -> str:
    """Say which stations have none, and which has the most: what the map shows."""
    empty = [each.name for each, count in found if count == 0]
    none = f"{len(empty)} without a bike{': ' * bool(empty)}{', '.join(empty)}"
    most, count = max(found, key=lambda each: each[1])
    return f"{len(found)} stations, {none}. {most.name} has the most: {count}."
