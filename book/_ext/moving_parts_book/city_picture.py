"""The directive `city-picture`: Larkhaven on a Monday morning, moving.

Stations and rides are those of `movingparts.city.synthetic`; a ride is drawn along the
streets between its stations and takes its own time, a minute for an hour and a half.
Coast and river are decoration. All motion is CSS: it stops while the box is ticked, and
it does not move if the reader's system asks for less motion.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from heapq import heappop, heappush
from html import escape
from itertools import combinations
from zoneinfo import ZoneInfo

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from movingparts.city import synthetic

SEED = 1
FROM, UNTIL = time(7, 30), time(9, 0)
EVERY = 3  # one ride in three is drawn
LOOP = 60.0  # seconds that the window takes on the page
BAR = 3  # minutes that a bar of the strip covers
STILL = 40 / 90  # the time that the still picture shows
STEP = 30  # seconds to which a ride's duration is rounded, so that few kinds are needed

# The picture's frame: meters east and north of the Town Hall, and meters for one unit.
WEST, EAST, NORTH, SOUTH = -2700, 2750, 2900, -1620
SCALE = 6

Point = tuple[float, float]

COAST: Sequence[Point] = (
    *((-3000, -1080), (-2450, -1150), (-1900, -1190), (-1400, -1120), (-950, -1010)),
    *((-640, -840), (-450, -680), (-230, -660), (-60, -830), (60, -950), (330, -950)),
    *((700, -830), (1100, -860), (1400, -1080), (1620, -1290), (1840, -1290)),
    *((1960, -1080), (2150, -850), (2600, -740), (3100, -600)),
)
RIVER: Sequence[Point] = (
    *((560, 3150), (300, 2750), (60, 2480), (-310, 2180), (-330, 1780), (-240, 1400)),
    *((-330, 1020), (-560, 700), (-690, 350), (-640, -50), (-500, -380), (-440, -760)),
)
# Places that are named on the map, with the side of their name.
NAMED = {
    "Larkhaven Central": "end",
    "Lark Hill": "end",
    "Lighthouse Point": "end",
    "Long Strand": "start",
    "Upper Wend": "start",
    "Brickfield": "start",
}


@dataclass(frozen=True)
class Trip:
    """One ride in the drawing: the stations it passes, and when."""

    stations: tuple[str, ...]
    starts: float  # seconds into the loop
    seconds: int


def unit(point: Point) -> Point:
    """Return a place of the picture for a place on the ground."""
    return round((point[0] - WEST) / SCALE, 1), round((NORTH - point[1]) / SCALE, 1)


def smooth(points: Sequence[Point]) -> str:
    """Return a path of curves through all points (Catmull-Rom as Bézier)."""
    units = [unit(point) for point in points]
    path = f"M{units[0][0]:g} {units[0][1]:g}"
    for i in range(len(units) - 1):
        before, start = units[max(i - 1, 0)], units[i]
        end, after = units[i + 1], units[min(i + 2, len(units) - 1)]
        c1 = [round(start[k] + (end[k] - before[k]) / 6, 1) for k in (0, 1)]
        c2 = [round(end[k] - (after[k] - start[k]) / 6, 1) for k in (0, 1)]
        path += f"C{c1[0]:g} {c1[1]:g} {c2[0]:g} {c2[1]:g} {end[0]:g} {end[1]:g}"
    return path


def places(city: synthetic.City) -> dict[str, Point]:
    """Return the position of each station in the picture."""
    # The city's own map is a square of 0 to 1 whose side is its longer extent; two
    # stations whose distance is known give that side in meters.
    first, last = city.stations[0], city.stations[-1]
    apart = ((first.x - last.x) ** 2 + (first.y - last.y) ** 2) ** 0.5
    side = first.meters_to(last) / apart
    return {
        each.station_id: unit(((each.x - first.x) * side, (first.y - each.y) * side))
        for each in city.stations
    }


def streets(at: dict[str, Point]) -> dict[str, dict[str, float]]:
    """Return the Gabriel graph of the stations: whom each one has a street to.

    Two stations share a street when no third lies in the circle between them.
    """

    def squared(a: Point, b: Point) -> float:
        return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2

    graph: dict[str, dict[str, float]] = {name: {} for name in at}
    for one, other in combinations(sorted(at), 2):
        length = squared(at[one], at[other])
        if all(
            squared(at[one], at[third]) + squared(at[other], at[third]) >= length
            for third in at
            if third not in (one, other)
        ):
            graph[one][other] = graph[other][one] = length**0.5
    return graph


def route(graph: dict[str, dict[str, float]], start: str, end: str) -> tuple[str, ...]:
    """Return the shortest way along the streets (Dijkstra)."""
    queue: list[tuple[float, tuple[str, ...]]] = [(0.0, (start,))]
    seen: set[str] = set()
    while queue:
        length, way = heappop(queue)
        if way[-1] == end:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        for neighbor, street in graph[way[-1]].items():
            heappush(queue, (length + street, (*way, neighbor)))
    return (start, end)


@dataclass(frozen=True)
class Morning:
    """What the picture shows: the trips drawn, and how many rides start when."""

    trips: tuple[Trip, ...]
    rides: int
    bars: tuple[int, ...]


def morning(city: synthetic.City, graph: dict[str, dict[str, float]]) -> Morning:
    """Return the rides that start in the window, as trips and as counts."""
    zone = ZoneInfo(city.timezone)
    begins = datetime.combine(synthetic.FIRST_DAY, FROM, zone)
    ends = datetime.combine(synthetic.FIRST_DAY, UNTIL, zone)
    pace = LOOP / (ends - begins).total_seconds()
    rides = [ride for ride in city.morning() if begins <= ride.started_at < ends]
    away = [ride for ride in rides if ride.start_station_id != ride.end_station_id]
    trips = tuple(
        Trip(
            stations=route(graph, ride.start_station_id, ride.end_station_id),
            starts=round((ride.started_at - begins).total_seconds() * pace, 2),
            seconds=max(STEP, round(ride.seconds / STEP) * STEP),
        )
        for ride in away[::EVERY]
    )
    minute = timedelta(minutes=BAR)
    counts = Counter((ride.started_at - begins) // minute for ride in rides)
    bars = tuple(counts[i] for i in range((ends - begins) // minute))
    return Morning(trips, len(rides), bars)


def keyframes(trips: Iterable[Trip]) -> str:
    """Return one animation for each duration: ride, then be out of sight."""
    window = (UNTIL.hour - FROM.hour) * 3600 + (UNTIL.minute - FROM.minute) * 60
    rules = []
    for seconds in sorted({trip.seconds for trip in trips}):
        share = round(100 * seconds / window, 2)
        rules.append(
            f"@keyframes mp-ride-{seconds}{{0%{{offset-distance:0%;opacity:1}}"
            f"{share:g}%{{offset-distance:100%;opacity:1}}"
            f"{share + 0.01:g}%,100%{{offset-distance:100%;opacity:0}}}}"
        )
    return "".join(rules)


def bikes(trips: Iterable[Trip], at: dict[str, Point]) -> str:
    """Return a dot for each trip, with its way and its start."""
    dots = []
    for trip in trips:
        way = "L".join(f"{at[name][0]:g} {at[name][1]:g}" for name in trip.stations)
        dots.append(
            f'<circle r="5" style="offset-path:path(\'M{way}\');'
            f'animation-name:mp-ride-{trip.seconds};--mp-start:{trip.starts:g}s"/>'
        )
    return "".join(dots)


def station_marks(city: synthetic.City, at: dict[str, Point]) -> str:
    """Return a square for each station, as large as it has docks, and the names."""
    marks = []
    for station in city.stations:
        x, y = at[station.station_id]
        side = round((station.capacity * 6.5) ** 0.5, 1)
        marks.append(
            f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:g}" '
            f'height="{side:g}" rx="1.5"><title>{escape(station.name)}, '
            f"{station.capacity} docks</title></rect>"
        )
        if station.name in NAMED:
            anchor = NAMED[station.name]
            dx = side / 2 + 7 if anchor == "start" else -side / 2 - 7
            marks.append(
                f'<text x="{x + dx:.1f}" y="{y + 8:.1f}" text-anchor="{anchor}">'
                f"{escape(station.name)}</text>"
            )
    return "".join(marks)


def street_lines(graph: dict[str, dict[str, float]], at: dict[str, Point]) -> str:
    """Return all streets as one path."""
    return "".join(
        f"M{at[one][0]:g} {at[one][1]:g}L{at[other][0]:g} {at[other][1]:g}"
        for one in sorted(graph)
        for other in sorted(graph[one])
        if one < other
    )


def strip(bars: Sequence[int], width: float) -> str:
    """Return the strip under the map: starts by three minutes, and the clock."""
    step = width / len(bars)
    tallest = max(bars)
    columns = "".join(
        f'<rect x="{i * step:.1f}" y="{46 - 40 * count / tallest:.1f}" '
        f'width="{step - 2:.1f}" height="{40 * count / tallest:.1f}"/>'
        for i, count in enumerate(bars)
    )
    hours = "".join(
        f'<text x="{i * width / 3:.1f}" y="74" text-anchor="{anchor}">{label}</text>'
        for i, (label, anchor) in enumerate(
            [
                ("07:30", "start"),
                ("08:00", "middle"),
                ("08:30", "middle"),
                ("09:00", "end"),
            ]
        )
    )
    return (
        f'<g class="mp-bars">{columns}</g>{hours}<path class="mp-clock" d="M0 0V48"/>'
    )


def picture() -> str:
    """Return the whole figure as HTML."""
    city = synthetic.larkhaven(seed=SEED)
    at = places(city)
    graph = streets(at)
    shown = morning(city, graph)
    width, height = (EAST - WEST) / SCALE, (NORTH - SOUTH) / SCALE
    coast = f"{smooth(COAST)}V{height:g}H{unit(COAST[0])[0]:g}Z"
    says = (
        f"Larkhaven on a Monday, from half past seven to nine: {shown.rides} rides "
        f"start at {len(city.stations)} stations. One ride in three is drawn, each on "
        "the streets between its stations and as long as it took. The bars count "
        f"starts, {BAR} minutes each."
    )
    return f"""\
<figure class="mp-city" style="--mp-loop:{LOOP:g}s;--mp-still:{LOOP * STILL:.1f}s">
<svg viewBox="0 0 {width:.0f} {height + 92:.0f}" role="img" aria-label="{escape(says)}">
<style>{keyframes(shown.trips)}</style>
<defs><clipPath id="mp-land">
<rect width="{width:.0f}" height="{height:.0f}"/>
</clipPath></defs>
<g clip-path="url(#mp-land)">
<path class="mp-water" d="{coast}"/>
<path class="mp-river" d="{smooth(RIVER)}"/>
<path class="mp-streets" d="{street_lines(graph, at)}"/>
<g class="mp-bikes">{bikes(shown.trips, at)}</g>
<g class="mp-stations">{station_marks(city, at)}</g>
</g>
<g class="mp-strip" transform="translate(0 {height + 12:.0f})">
{strip(shown.bars, width)}
</g>
</svg>
<figcaption>
<p>{escape(says)}</p>
<label class="mp-pause"><input type="checkbox"> Hold the city still</label>
</figcaption>
</figure>
"""


class CityPicture(SphinxDirective):
    """Larkhaven in motion, rebuilt when the city's code changes."""

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        for source in (inspect.getsourcefile(synthetic), __file__):
            if source:
                self.env.note_dependency(source)
        return [nodes.raw("", picture(), format="html")]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("city-picture", CityPicture)
