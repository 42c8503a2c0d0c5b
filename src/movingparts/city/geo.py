"""Where things are: distances over ground, and a map that fits a square."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS = 6_371_009
"""The mean radius of the earth, in meters."""


def meters(lat: float, lon: float, to_lat: float, to_lon: float) -> int:
    """The great-circle distance between two positions, rounded to whole meters.

    Positions are degrees. The haversine form stays exact for near neighbors, where
    the law of cosines loses its digits; whole meters, because trigonometry may
    differ in the last bit from one machine to the next.

    >>> meters(49.60, -6.95, 49.61, -6.95)
    1112
    """
    north, east = radians(to_lat - lat), radians(to_lon - lon)
    chord = (
        sin(north / 2) ** 2
        + cos(radians(lat)) * cos(radians(to_lat)) * sin(east / 2) ** 2
    )
    return round(2 * EARTH_RADIUS * asin(min(1.0, sqrt(chord))))


def unit_square(points: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Points (meters east, meters north) fitted into a square, 0 to 1.

    The longer side fills the square, the other is centered, and both have the same
    scale. x grows to the east, y to the *south*, as in SVG; rounded to 4 digits.

    >>> unit_square([(0, 0), (1000, 500)])
    [(0.0, 0.75), (1.0, 0.25)]
    """
    east, north = [p[0] for p in points], [p[1] for p in points]
    side = max(max(east) - min(east), max(north) - min(north), 1)
    left = min(east) - (side - (max(east) - min(east))) / 2
    top = max(north) + (side - (max(north) - min(north))) / 2
    return [
        (round((e - left) / side, 4), round((top - n) / side, 4)) for e, n in points
    ]
