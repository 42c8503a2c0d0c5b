"""The trip history of a real city, as a stream of rides.

Either public layout of ``city.layout`` is read, of any size, in constant memory.
Nothing is dropped in silence: each pass over the file writes a ``TripsReport`` of what
it read, what it could not use and why, and what it kept although it looks odd.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from os import PathLike, fsdecode
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from movingparts.city.ride import MORNING_FROM, MORNING_TO, Ride, is_morning
from movingparts.city.trips.file import TripsError
from movingparts.city.trips.layout import Layout
from movingparts.city.trips.local_time import WallClock
from movingparts.city.trips.report import REPEATED, Finding, TripsReport
from movingparts.city.trips.row import RowReader
from movingparts.city.trips.sort import sorted_on_disk
from movingparts.city.trips.table import tables

__all__ = ["Finding", "Trips", "TripsError", "TripsReport", "read_trips"]


KEPT_MORNINGS = 3
"""How many mornings first_morning() keeps while it looks for the first."""


def read_trips(
    path: str | PathLike[str],
    *,
    timezone: str | ZoneInfo | None = None,
    encoding: str = "utf-8",
) -> Trips:
    """Open a trip history (.csv, .csv.gz, .zip) in either public layout.

    ``timezone`` is an IANA name such as ``"America/New_York"``, or a ``ZoneInfo``:
    the city's clock, which a layout with naive local times needs.

    Raises: TripsError, a ValueError that says what to do, where there is no such
    file, it is empty or no CSV, its header is unknown, or its clock is not known.
    """
    file = _file(path)
    zone = None if timezone is None else _zone(timezone)
    _check_encoding(encoding)
    with closing(tables(file, encoding, TripsReport(file.name))) as found:
        first = next(found)
    name, layout = first.name, first.layout
    if layout.local_times and zone is None:
        raise TripsError(
            f"{name} has the layout of {layout.systems}, whose times are the city's "
            "wall clock without an offset; say which clock: "
            f'read_trips("{name}", timezone="America/New_York")'
        )
    return Trips(file, layout, zone, encoding)


@dataclass(slots=True, repr=False)
class Trips:
    """A trip file as a stream of rides: each ``for`` reads it again, from the start.

    Rides come in the order of the file, one at a time; ``report`` is what the latest
    pass has found so far. Where a layout has no ride ids, ``line-17`` is the ride of
    line 17; from the second file of an archive on, the file's path goes before.

    Local times in the hour that autumn doubles are read as the first of the two,
    times in the hour that spring skips as if the clock had not been changed yet,
    unless the ride would then end before it starts; both are counted.

    Leaves out: finding repeated ride ids while streaming, which cannot be done in
    constant memory; ``by_time`` and ``first_morning`` count theirs.

    >>> read_trips("no-such.csv")
    Traceback (most recent call last):
    movingparts.city.trips.file.TripsError: there is no file no-such.csv; give the \
path of a trip-history CSV (.csv, .csv.gz or .zip)
    """

    path: Path
    layout: Layout
    zone: ZoneInfo | None
    encoding: str = "utf-8"
    report: TripsReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = TripsReport(self.path.name)

    def __iter__(self) -> Iterator[Ride]:
        report = self.report = TripsReport(self.path.name)
        return self._pass(report)

    def _pass(self, report: TripsReport) -> Iterator[Ride]:
        clock = WallClock(self.zone) if self.zone else None
        with closing(tables(self.path, self.encoding, report)) as found:
            for number, table in enumerate(found):
                where = "" if number == 0 else f"{table.name} "
                reader = RowReader(table.layout, table.header, clock, report, where)
                for row in table.rows:
                    ride = reader.ride(row)
                    if ride is not None:
                        yield ride
        report.complete = True

    def by_time(self) -> Iterator[Ride]:
        """All rides in order of start; those that start together, as in the file.

        Sorted in a temporary SQLite file, in constant memory, before the first ride
        comes out; no file is left, whether the iterator ends, is closed or dropped,
        or its process is killed. Fills in the report's count of repeated ids.

        Raises: TripsError where the disk is full.
        """
        return sorted_on_disk(self, self.path.name, self._note_repeated)

    def _look_for_repeated(self, rides: list[Ride]) -> None:
        uses = Counter(ride.ride_id for ride in rides)
        if len(uses) < len(rides):
            example = min(each for each, count in uses.items() if count > 1)
            self._note_repeated(len(rides) - len(uses), example)

    def _note_repeated(self, count: int, example: str) -> None:
        self.report.noted[REPEATED] = Finding(count, [example])

    def first_morning(self) -> list[Ride]:
        """The rides of the first local morning, 06:00 to 10:00, in order of start.

        A month's file holds strays of the month before: the first morning is the
        first that has at least a tenth of the rides of the busiest. Reads the whole
        file, since few are in order, and keeps three mornings at most in memory.

        Raises: TripsError where the city's clock is not known, or no ride starts
        in any morning.
        """
        zone = self.zone
        if zone is None:
            raise TripsError(
                "first_morning() needs the city's clock to know when morning is: "
                f'read_trips("{self.path.name}", timezone="Europe/Oslo")'
            )
        counts: Counter[date] = Counter()
        earliest: dict[date, list[Ride]] = {}
        for ride in self:
            local = ride.started_at.astimezone(zone)
            if MORNING_FROM <= local.hour < MORNING_TO:
                day = local.date()
                counts[day] += 1
                _remember(earliest, day, ride)
        if not counts:
            raise TripsError(
                f"no usable ride in {self.path.name} starts between 06:00 and 10:00 "
                f"in {zone.key}; {self.report!r}"
            )
        enough = max(counts.values()) / 10
        first = min(day for day, count in counts.items() if count >= enough)
        rides = earliest.get(first)
        if rides is None:  # the strays fell on so many days that a look back is needed
            rides = [
                ride
                for ride in self
                if is_morning(ride.started_at, zone)
                and ride.started_at.astimezone(zone).date() == first
            ]
        self._look_for_repeated(rides)
        return sorted(rides, key=lambda ride: ride.started_at)

    def __repr__(self) -> str:
        clock = f"clock of {self.zone.key}" if self.zone else "times with offsets"
        return f"<Trips {self.path.name}: {self.layout.name} layout, {clock}>"


def _remember(earliest: dict[date, list[Ride]], day: date, ride: Ride) -> None:
    """Keep a ride if its day is one of the three earliest so far."""
    if day not in earliest:
        if len(earliest) == KEPT_MORNINGS:
            latest = max(earliest)
            if day > latest:
                return
            del earliest[latest]
        earliest[day] = []
    earliest[day].append(ride)


def _file(path: str | PathLike[str]) -> Path:
    try:
        file = Path(fsdecode(path))
    except TypeError:
        raise TripsError(
            f"{path!r} is no path; give the path of a trip-history CSV as a string"
        ) from None
    try:
        return file.expanduser()
    except RuntimeError:
        user = file.parts[0][1:]
        whom = f"no user {user!r}" if user else "no home folder here"
        raise TripsError(f"{file}: there is {whom}; give the whole path") from None


def _check_encoding(encoding: str) -> None:
    """Refuse an encoding whose lines and commas are not those of ASCII."""
    marks = b'\n\r,"'
    try:
        fits = marks.decode(encoding) == marks.decode("ascii")
    except (LookupError, TypeError, ValueError):
        fits = False
    if not fits:
        raise TripsError(
            f"encoding={encoding!r} is none that can be read line by line; "
            "try 'utf-8' or 'latin-1', or convert the file to UTF-8"
        )


def _zone(name: str | ZoneInfo) -> ZoneInfo:
    if isinstance(name, ZoneInfo):
        return name
    try:
        return ZoneInfo(name)
    except (OSError, TypeError, ValueError, KeyError):  # not found, or no name
        pass
    wanted = str(name).strip().replace(" ", "_").casefold()
    zones = sorted(zone for zone in available_timezones() if "/" in zone)
    known = {zone.rpartition("/")[2].casefold(): zone for zone in zones}
    known |= {zone.casefold(): zone for zone in zones}
    near = get_close_matches(wanted, known, n=1) or ["new_york"]
    raise TripsError(
        f"timezone={name!r} is not a name of the IANA time-zone database; "
        f'did you mean timezone="{known[near[0]]}"?'
    )
