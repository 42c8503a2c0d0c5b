"""Larkhaven: an invented city, its bikes, its riders, and where they ride.

Everything follows from a seed, to the byte, on every Python and in the browser:
times are whole seconds, distances whole meters, draws are integers, and each purpose
has its own random stream, so one more station changes no rider's day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import accumulate
from math import isqrt
from random import Random
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from movingparts.city.geo import meters, unit_square
from movingparts.city.ride import Ride, is_morning
from movingparts.city.trips.writer import write_trips

__all__ = [
    "FIRST_DAY",
    "TIMEZONE",
    "Bike",
    "City",
    "Rider",
    "Station",
    "larkhaven",
    "write_trips",
]

TIMEZONE = "Europe/London"
"""The zone whose clocks Larkhaven keeps: UTC in winter, an hour ahead in summer."""

FIRST_DAY = date(2026, 6, 1)
"""A Monday in summer: the day that a figure shows when none is asked for."""

Kind = Literal["center", "residential", "campus", "leisure"]

# Open water in the Celtic Sea, southwest of the Isles of Scilly: a plausible place
# for a harbor town, and one that no map shows a real city at.
_LAT, _LON = 49.60, -6.95
_METERS_PER_DEGREE_NORTH = 111_195
_METERS_PER_DEGREE_EAST = 72_068

# Name, kind, meters east and north of the Town Hall, docks. The order interleaves
# the kinds, so that the first few stations make a (small) city too.
_MAP: tuple[tuple[str, Kind, int, int, int], ...] = (
    ("Town Hall", "center", 0, 0, 28),
    ("Lark Hill", "residential", -900, 1650, 20),
    ("Larkhaven Central", "center", 350, 420, 36),
    ("Saltmarsh Row", "residential", -1850, -250, 18),
    ("Ferry Landing", "leisure", 150, -760, 22),
    ("Orchard Terrace", "residential", 1450, 1250, 20),
    ("Customs House Quay", "center", -250, -520, 26),
    ("Weavers Green", "residential", 1980, 620, 18),
    ("Wendside College", "campus", -120, 980, 26),
    ("Chapel Fields", "residential", -1500, 820, 20),
    ("Exchange Street", "center", 440, -120, 30),
    ("Upper Wend", "residential", 380, 2620, 16),
    ("Heron Pool", "leisure", -1350, 80, 16),
    ("Kiln Gardens", "residential", 1250, 2050, 18),
    ("Market Cross", "center", -400, 230, 26),
    ("Gannet Road", "residential", 2350, -120, 16),
    ("Lighthouse Point", "leisure", 1750, -980, 18),
    ("Millrace", "residential", -520, 2230, 18),
    ("Infirmary Lane", "center", 860, 340, 26),
    ("Brickfield", "residential", -2250, 640, 16),
    ("Observatory Hill", "campus", 520, 1480, 20),
    ("Foundry Bridge", "residential", 1320, -240, 20),
    ("Long Strand", "leisure", -1650, -950, 18),
    ("Botanic Garden", "leisure", 760, 880, 20),
)
_FIRST_NAMES = (
    *("Alder", "Barley", "Bramble", "Cinder", "Curlew", "Dovecote", "Elder"),
    *("Fennel", "Granary", "Hawser", "Juniper", "Lantern", "Mallow", "Plover"),
    *("Rowan", "Sedge", "Tannery", "Teasel", "Wicker", "Yarrow"),
)
_LAST_NAMES = ("Row", "Rise", "Lane", "Green", "Walk", "Close", "Steps", "Yard")
_NEW_KINDS: tuple[Kind, ...] = ("residential", "center", "residential", "leisure")

# How strongly each kind draws the riders who are not commuting, in parts.
_ERRANDS = {"center": 6, "campus": 4, "residential": 3, "leisure": 3}
_OUTINGS = {"center": 5, "campus": 1, "residential": 3, "leisure": 7}
# Rides that nobody commutes on, in parts, by the hour they start.
_WEEKDAY_HOURS = (
    *(2, 1, 1, 1, 1, 3, 8, 16, 20, 18, 20, 26),
    *(34, 32, 28, 28, 32, 40, 42, 34, 26, 20, 14, 7),
)
_WEEKEND_HOURS = (
    *(5, 4, 3, 2, 1, 2, 4, 8, 16, 26, 36, 42),
    *(46, 48, 48, 46, 42, 38, 32, 26, 20, 16, 12, 8),
)
_CLASSIC, _ELECTRIC = "classic_bike", "electric_bike"
_SPEED = {_CLASSIC: 3_900, _ELECTRIC: 5_200}  # millimeters per second
_DETOUR = 1_300  # a street is 1.3 times as long as the straight line
_HANDLING = 45  # seconds to unlock and to lock


@dataclass(frozen=True, slots=True)
class Station:
    """A place with docks; ``lat`` and ``lon`` in degrees (WGS 84).

    ``x`` and ``y`` place it on a square map, 0 to 1, y growing to the south as in SVG.

    >>> larkhaven(seed=7).stations[2]
    <Station S03 Larkhaven Central: center, 36 docks>
    """

    station_id: str
    name: str
    kind: Kind
    lat: float
    lon: float
    x: float
    y: float
    capacity: int

    @property
    def docks(self) -> tuple[str, ...]:
        """The ids of its docks, one for each bike that it can hold."""
        return tuple(f"{self.station_id}-{n:02d}" for n in range(1, self.capacity + 1))

    def meters_to(self, other: Station) -> int:
        """The straight line to another station, in whole meters."""
        return meters(self.lat, self.lon, other.lat, other.lon)

    def __repr__(self) -> str:
        place = f"{self.station_id} {self.name}"
        return f"<Station {place}: {self.kind}, {self.capacity} docks>"


@dataclass(frozen=True, slots=True)
class Bike:
    """A bike, and the station where it stands when a day begins.

    ``bike_type`` is ``classic_bike`` or ``electric_bike``, the words of the trip files.

    >>> larkhaven(seed=7).bikes[0].bike_id
    'B0001'
    """

    bike_id: str
    bike_type: str
    station_id: str


@dataclass(frozen=True, slots=True)
class Rider:
    """Someone with an account: a member commutes from home to work and back.

    ``work_station_id`` is ``None`` for casual riders, who ride now and then.

    >>> larkhaven(seed=7).riders[0].rider_id
    'R00001'
    """

    rider_id: str
    member: bool
    home_station_id: str
    work_station_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class City:
    """A bike-share city at the beginning of a day, and the demand it has to meet.

    Leaves out: rides that never happen because no bike stood there. Trucks move bikes
    between rides, unseen, so that an empty station gets one and a full one has room.

    >>> larkhaven(seed=7)
    <City Larkhaven: 24 stations, 512 docks, 300 bikes, 1500 riders, seed 7>
    """

    name: str
    timezone: str
    seed: int
    stations: tuple[Station, ...]
    bikes: tuple[Bike, ...]
    riders: tuple[Rider, ...]
    rides_per_weekday: int
    _by_id: dict[str, Station] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {station.station_id: station for station in self.stations}
        object.__setattr__(self, "_by_id", by_id)

    def station(self, station_id: str) -> Station:
        """The station with that id; KeyError names the ids there are."""
        try:
            return self._by_id[station_id]
        except KeyError:
            first, last = self.stations[0].station_id, self.stations[-1].station_id
            raise KeyError(
                f"{self.name} has no station {station_id!r}; it has {first} to {last}"
            ) from None

    def rides(self, day: date = FIRST_DAY) -> Iterator[Ride]:
        """The rides that start on a local day, in order of start, then of id.

        Weekdays have two peaks, from the residential stations to the center and
        back; a weekend is flatter and has seven rides for a weekday's ten. Times are
        UTC, whole seconds. Every day starts with each bike where ``bikes`` says; no
        bike and no rider is on two rides at once, and no station is ever overfull.
        """
        if isinstance(day, datetime) or not isinstance(day, date):
            raise TypeError(f"rides(day) takes a datetime.date, not {day!r}")
        return _ridden(self, day, _requests(self, day))

    def morning(self, day: date = FIRST_DAY) -> Iterator[Ride]:
        """The rides that start between 06:00 and 10:00 local time, in order."""
        zone = ZoneInfo(self.timezone)
        return (ride for ride in self.rides(day) if is_morning(ride.started_at, zone))

    def __repr__(self) -> str:
        docks = sum(station.capacity for station in self.stations)
        return (
            f"<City {self.name}: {len(self.stations)} stations, {docks} docks, "
            f"{len(self.bikes)} bikes, {len(self.riders)} riders, seed {self.seed}>"
        )


def larkhaven(
    seed: int = 1,
    *,
    stations: int = 24,
    bikes: int = 300,
    riders: int = 1_500,
    rides: int = 3_000,
) -> City:
    """The city for a seed, at any scale; ``rides`` is how many a weekday has, about.

    The first 24 stations are the same for every seed; further ones are drawn. Where
    the docks would not do for the bikes, every station gets more of them.

    Raises: ValueError where a city of that size cannot work.
    """
    for what, number, least in (
        ("stations", stations, 2),
        ("bikes", bikes, 1),
        ("riders", riders, 1),
        ("rides", rides, 0),
    ):
        if number < least:
            raise ValueError(
                f"larkhaven(…, {what}={number}): a city needs at least {least} {what}"
            )
    places = _stations(seed, stations, bikes)
    return City(
        name="Larkhaven",
        timezone=TIMEZONE,
        seed=seed,
        stations=places,
        bikes=_bikes(seed, places, bikes),
        riders=_riders(seed, places, riders),
        rides_per_weekday=rides,
    )


def _stations(seed: int, count: int, bikes: int) -> tuple[Station, ...]:
    rows = [*_MAP[:count], *_further_places(seed, count - len(_MAP))]
    docks, needed = sum(row[4] for row in rows), bikes + bikes // 2 + 1
    square = unit_square([(east, north) for _, _, east, north, _ in rows])
    return tuple(
        Station(
            station_id=f"S{number:02d}",
            name=name,
            kind=kind,
            lat=round(_LAT + north / _METERS_PER_DEGREE_NORTH, 6),
            lon=round(_LON + east / _METERS_PER_DEGREE_EAST, 6),
            x=x,
            y=y,
            capacity=capacity if docks >= needed else -(-capacity * needed // docks),
        )
        for number, ((name, kind, east, north, capacity), (x, y)) in enumerate(
            zip(rows, square, strict=True), start=1
        )
    )


def _further_places(seed: int, count: int) -> Iterator[tuple[str, Kind, int, int, int]]:
    """Stations beyond the fixed map, on land: north of the shore, around the center."""
    draw = Random(f"{seed}/larkhaven/stations")
    names = [f"{first} {last}" for last in _LAST_NAMES for first in _FIRST_NAMES]
    draw.shuffle(names)
    # A larger city covers more ground, with as many stations to the square kilometer.
    reach = isqrt(250_000 * (len(_MAP) + max(count, 0)))
    for n in range(count):
        lap, at = divmod(n, len(names))
        name = names[at] if lap == 0 else f"{names[at]} {lap + 1}"
        east, north = draw.randrange(-reach, reach), draw.randrange(-900, 2 * reach)
        yield name, _NEW_KINDS[n % 4], east, north, draw.randrange(14, 28, 2)


def _bikes(seed: int, stations: Sequence[Station], count: int) -> tuple[Bike, ...]:
    """Bikes in docks drawn at random: fuller where there are more docks."""
    draw = Random(f"{seed}/larkhaven/bikes")
    docks = [s.station_id for s in stations for _ in range(s.capacity)]
    places = draw.sample(docks, count)
    return tuple(
        Bike(f"B{n:04d}", _ELECTRIC if draw.randrange(3) == 0 else _CLASSIC, place)
        for n, place in enumerate(places, start=1)
    )


def _riders(seed: int, stations: Sequence[Station], count: int) -> tuple[Rider, ...]:
    """Three riders in four are members; each lives and works near a station."""
    draw = Random(f"{seed}/larkhaven/riders")
    homes = _Lottery(stations, {"residential": 5, "center": 1})
    works = _Lottery(stations, {"center": 5, "campus": 3})
    found: list[Rider] = []
    for n in range(1, count + 1):
        home = homes.draw(draw)
        member = draw.randrange(4) != 0
        work = works.draw(draw).station_id if member else None
        found.append(Rider(f"R{n:05d}", member, home.station_id, work))
    return tuple(found)


class _Lottery:
    """Draws stations by the weight of their kind and of their docks, in integers."""

    def __init__(self, stations: Sequence[Station], weights: dict[str, int]) -> None:
        self._tickets = [
            (station, weight * station.capacity)
            for station in stations
            if (weight := weights.get(station.kind, 0))
        ]
        self._upto = list(accumulate(parts for _, parts in self._tickets))

    def draw(self, draw: Random) -> Station:
        """One station."""
        return self._tickets[_by_weight(draw, self._upto)][0]

    def draw_near(self, draw: Random, start: Station) -> Station:
        """Another station: the nearer of two, since most rides are short."""
        ends: list[Station] = []
        while len(ends) < 2:
            end = self.draw(draw)
            if end is not start:
                ends.append(end)
        return min(ends, key=start.meters_to)


def _by_weight(draw: Random, upto: Sequence[int]) -> int:
    """An index drawn by running totals of integer weights: no float is involved."""
    ticket, low, high = draw.randrange(upto[-1]), 0, len(upto) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if ticket < upto[middle] else (middle + 1, high)
    return low


class _Request(NamedTuple):
    """A ride that somebody wants: when, who, from where to where, how fast."""

    started_at: datetime
    order: int
    rider: int
    start: Station
    end: Station
    pace: int  # per mille of a bike's usual speed
    lingering: int  # seconds more than the way takes


def _requests(city: City, day: date) -> list[_Request]:
    """All rides wanted on a day, in order of time."""
    draw = Random(f"{city.seed}/larkhaven/rides/{day.isoformat()}")
    weekend = day.weekday() >= 5
    total = city.rides_per_weekday * draw.randrange(92, 109) // 100
    total = total * 7 // 10 if weekend else total
    plans = [] if weekend else _commutes(city, draw, total)
    plans += _errands(city, draw, total - len(plans), weekend=weekend)
    midnight = datetime.combine(day, time(), ZoneInfo(city.timezone))
    return sorted(
        _Request(
            # Wall-clock arithmetic, then UTC: the peak is at ten past eight all year.
            started_at=(midnight + timedelta(seconds=second)).astimezone(UTC),
            order=order,
            rider=rider,
            start=start,
            end=end,
            pace=850 + draw.randrange(150) + draw.randrange(150),
            lingering=draw.randrange(120) + (start == end) * draw.randrange(600, 3600),
        )
        for order, (second, rider, start, end) in enumerate(plans)
    )


_Plan = tuple[int, int, Station, Station]


def _commutes(city: City, draw: Random, total: int) -> list[_Plan]:
    """Home to work around ten past eight; most come back around twenty past five."""
    plans: list[_Plan] = []
    commuters = [
        (n, city.station(rider.home_station_id), city.station(rider.work_station_id))
        for n, rider in enumerate(city.riders)
        if rider.work_station_id is not None
    ]
    for n, home, work in draw.sample(commuters, min(total * 3 // 10, len(commuters))):
        out = _around(draw, 8 * 3600 + 600, 6_300)
        plans.append((out, n, home, work))
        if draw.randrange(10) and len(plans) < total:
            back = _around(draw, 17 * 3600 + 1_200, 7_200)
            plans.append((back, n, work, home))
    return plans


def _around(draw: Random, center: int, reach: int) -> int:
    """A second of the day around a peak: three dice make a bell, in integers."""
    side = 2 * reach // 3
    return center - reach + sum(draw.randrange(side) for _ in range(3))


def _errands(city: City, draw: Random, count: int, *, weekend: bool) -> Iterator[_Plan]:
    """Rides between any two stations, all day; one in twenty comes back to its own."""
    hours = list(accumulate(_WEEKEND_HOURS if weekend else _WEEKDAY_HOURS))
    places = _Lottery(city.stations, _OUTINGS if weekend else _ERRANDS)
    for _ in range(count):
        second = _by_weight(draw, hours) * 3600 + draw.randrange(3600)
        rider, start = draw.randrange(len(city.riders)), places.draw(draw)
        end = start
        if draw.randrange(20):
            end = places.draw_near(draw, start)
        yield second, rider, start, end


class _Streets:
    """Where every bike stands or who rides it, moment by moment through a day."""

    def __init__(self, city: City) -> None:
        self._stations = city.stations
        self._room = {s.station_id: s.capacity for s in city.stations}
        self._standing: dict[str, deque[Bike]] = {
            station.station_id: deque() for station in city.stations
        }
        for bike in city.bikes:
            self._standing[bike.station_id].append(bike)
        self._busy: set[int] = set()
        self._under_way: list[tuple[datetime, int, int, str, Bike]] = []
        self._taken = 0

    def settle(self, now: datetime) -> None:
        """Dock every bike whose ride has ended by now."""
        while self._under_way and self._under_way[0][0] <= now:
            _, _, rider, station_id, bike = heappop(self._under_way)
            self._busy.discard(rider)
            self._dock(station_id, bike)

    def free_rider(self, wanted: int, riders: int) -> int | None:
        """That rider or, if she is on a bike, the next one who is not."""
        if len(self._busy) >= riders:
            return None
        while wanted in self._busy:
            wanted = (wanted + 1) % riders
        return wanted

    def take(self, station: Station) -> Bike | None:
        """The bike that has stood there longest; if none, a truck has brought one."""
        source = self._standing[station.station_id]
        if not source:
            source = max(self._standing.values(), key=len)
        return source.popleft() if source else None

    def ride(self, rider: int, bike: Bike, until: datetime, to: Station) -> None:
        """Somebody is on that bike until then."""
        self._taken += 1
        self._busy.add(rider)
        entry = (until, self._taken, rider, to.station_id, bike)
        heappush(self._under_way, entry)

    def _dock(self, station_id: str, bike: Bike) -> None:
        """The bike comes in; from a full station, a truck has taken another away."""
        here = self._standing[station_id]
        if len(here) >= self._room[station_id]:
            emptiest = max(
                self._stations,
                key=lambda s: s.capacity - len(self._standing[s.station_id]),
            )
            self._standing[emptiest.station_id].append(here.popleft())
        here.append(bike)


def _ridden(city: City, day: date, requests: list[_Request]) -> Iterator[Ride]:
    """Give each request a free rider and a bike; a request without both is lost."""
    streets, number = _Streets(city), 0
    for request in requests:
        streets.settle(request.started_at)
        who = streets.free_rider(request.rider, len(city.riders))
        bike = streets.take(request.start) if who is not None else None
        if who is None or bike is None:
            continue
        speed = _SPEED[bike.bike_type] * request.pace // 1000
        way = request.start.meters_to(request.end) * _DETOUR // speed
        seconds = _HANDLING + way + request.lingering
        ended_at = request.started_at + timedelta(seconds=seconds)
        streets.ride(who, bike, ended_at, request.end)
        number += 1
        yield Ride(
            ride_id=f"LH-{day:%Y%m%d}-{number:05d}",
            started_at=request.started_at,
            ended_at=ended_at,
            start_station_id=request.start.station_id,
            end_station_id=request.end.station_id,
            start_station_name=request.start.name,
            end_station_name=request.end.name,
            start_lat=request.start.lat,
            start_lon=request.start.lon,
            end_lat=request.end.lat,
            end_lon=request.end.lon,
            bike_type=bike.bike_type,
            member=city.riders[who].member,
            bike_id=bike.bike_id,
            rider_id=city.riders[who].rider_id,
        )
