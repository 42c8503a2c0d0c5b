"""From a row of a trip file to a ride, or to the reason why it is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from movingparts.city.ride import Ride
from movingparts.city.trips.file import Record
from movingparts.city.trips.layout import Layout
from movingparts.city.trips.local_time import WallClock
from movingparts.city.trips.report import (
    BACKWARDS,
    BAD_TIME,
    DOUBLED,
    LONG,
    MARKED,
    NO_ID,
    NO_OFFSET,
    NO_POSITION,
    NO_RIDER_TYPE,
    NO_STATION,
    SKIPPED,
    TOO_FEW,
    TOO_MANY,
    ZERO,
    Finding,
    TripsReport,
)

_DAY = timedelta(days=1)
_MEMBER = {"member": True, "casual": False}
_NOTE = {"doubled": DOUBLED, "skipped": SKIPPED}
MISSING = frozenset(
    {
        *("#N/A", "#NA", "N/A", "NA", "n/a", "NULL", "null", "None"),
        *("NaN", "nan", "-NaN", "-nan", "<NA>", r"\N"),
    }
)
"""How programs write a value that they do not have.

Source: pandas.read_csv, na_values; and \\N, as MySQL and PostgreSQL export NULL.
"""

# Which of two readings of the start and of the end is tried first, second, …
_FOLDS = ((0, 0), (0, 1), (1, 0), (1, 1))


class _RowError(Exception):
    """A row that gives no ride; its argument is the reason."""


class RowReader:
    """Makes a ride of each row of one file, and writes the report."""

    def __init__(
        self,
        layout: Layout,
        header: Sequence[str],
        clock: WallClock | None,
        report: TripsReport,
        prefix: str,
    ) -> None:
        self._width = len(header)
        # A column that the file lacks is read from a blank behind the last one.
        at: dict[str | None, int] = {name: index for index, name in enumerate(header)}
        columns = layout.of_a_ride
        self._pick = itemgetter(*(at.get(column, self._width) for column in columns))
        self._numbered = layout.ride_id is None
        self._clock = clock
        self._report = report
        self._prefix = prefix

    def ride(self, row: Record) -> Ride | None:
        """The ride, counted as usable, or None, counted and explained."""
        report, where = self._report, f"{self._prefix}line {row.line}"
        notes: list[str] = []
        try:
            ride = self._parsed(row, where, notes)
        except _RowError as error:
            report.read += 1
            report.refused.setdefault(str(error), Finding()).add(where)
            return None
        report.read += 1
        report.usable += 1
        for note in dict.fromkeys(notes):
            report.noted.setdefault(note, Finding()).add(where)
        return ride

    def _parsed(self, row: Record, where: str, notes: list[str]) -> Ride:
        if row.fault:
            raise _RowError(row.fault)
        if len(row.fields) != self._width:
            raise _RowError(TOO_FEW if len(row.fields) < self._width else TOO_MANY)
        texts = self._pick((*map(str.strip, row.fields), ""))
        if not MISSING.isdisjoint(texts):
            texts = tuple("" if text in MISSING else text for text in texts)
            notes.append(MARKED)
        ride_id, start, end, start_id, end_id, start_name, end_name, *rest = texts
        if self._numbered:
            ride_id = where.replace(" ", "-")
        if not ride_id:
            raise _RowError(NO_ID)
        if not (start_id and end_id):
            raise _RowError(NO_STATION)
        started_at, ended_at = self._times(start, end, notes)
        start_lat, start_lon = _position(rest[0], rest[1], notes)
        end_lat, end_lon = _position(rest[2], rest[3], notes)
        bike_type, rider_type = rest[4:]
        if rider_type and rider_type not in _MEMBER:
            notes.append(NO_RIDER_TYPE)
        return Ride(
            ride_id=ride_id,
            started_at=started_at,
            ended_at=ended_at,
            start_station_id=start_id,
            end_station_id=end_id,
            start_station_name=start_name or None,
            end_station_name=end_name or None,
            start_lat=start_lat,
            start_lon=start_lon,
            end_lat=end_lat,
            end_lon=end_lon,
            bike_type=bike_type or None,
            member=_MEMBER.get(rider_type),
        )

    def _times(
        self, start: str, end: str, notes: list[str]
    ) -> tuple[datetime, datetime]:
        started, ended = _read_time(start), _read_time(end)
        for start_fold, end_fold in _FOLDS:
            start_at, start_note = self._instant(started, start_fold)
            end_at, end_note = self._instant(ended, end_fold)
            if end_at >= start_at:
                break
            if not (start_note or end_note):
                raise _RowError(BACKWARDS)
        else:
            raise _RowError(BACKWARDS)
        if start_note or end_note:
            notes.extend(n for n in (DOUBLED, SKIPPED) if n in (start_note, end_note))
        if end_at == start_at:
            notes.append(ZERO)
        elif end_at - start_at > _DAY:
            notes.append(LONG)
        return start_at, end_at

    def _instant(self, moment: datetime, fold: int) -> tuple[datetime, str | None]:
        """The UTC instant of a time, and what to note about a clock change."""
        try:
            if moment.tzinfo is not None:
                return moment.astimezone(UTC), None
            if self._clock is None:
                raise _RowError(NO_OFFSET)
            if fold:
                moment = moment.replace(fold=fold)
            instant, change = self._clock.instant(moment)
        except OverflowError:  # the first or the last day of the calendar
            raise _RowError(BAD_TIME) from None
        return instant, _NOTE[change] if change else None


def _read_time(text: str) -> datetime:
    """A date and a time of day, with or without fractions and offset."""
    # fromisoformat takes bare dates too, and newer Pythons take 24:00.
    if len(text) < 16 or text[10] not in " T" or text[11:13] == "24":
        raise _RowError(BAD_TIME)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _RowError(BAD_TIME) from None


def _position(
    lat: str, lon: str, notes: list[str]
) -> tuple[float | None, float | None]:
    """A latitude and a longitude; what is no place on Earth is noted and left out.

    Zero and zero is how a receiver without a fix reports that it has none.
    """
    north, east = _degrees(lat, 90), _degrees(lon, 180)
    if north == 0 == east:
        north = east = None
    if (north is None and lat) or (east is None and lon):
        notes.append(NO_POSITION)
    return north, east


def _degrees(text: str, most: int) -> float | None:
    """Return a number from -most to most, or None for anything else."""
    # float() also takes 1_2 and the digits of other scripts, which no system writes.
    if not text or "_" in text or not text.isascii():
        return None
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None  # nan is between no two others
