"""From a row of a trip file to a ride, or to the reason why it is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from zoneinfo import ZoneInfo

from movingparts.city.layout import Layout
from movingparts.city.ride import Ride
from movingparts.city.tripfile import Record
from movingparts.city.tripreport import (
    BACKWARDS,
    BAD_TIME,
    DOUBLED,
    LONG,
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


class _RowError(Exception):
    """A row that gives no ride; its argument is the reason."""


class RowReader:
    """Makes a ride of each row of one file, and writes the report."""

    def __init__(
        self,
        layout: Layout,
        header: Sequence[str],
        zone: ZoneInfo | None,
        report: TripsReport,
        prefix: str,
    ) -> None:
        self._width = len(header)
        self._at = {column: index for index, column in enumerate(header)}
        self._layout = layout
        self._zone = zone
        self._report = report
        self._prefix = prefix

    def ride(self, row: Record) -> Ride | None:
        """The ride, counted as usable, or None, counted and explained."""
        report, where = self._report, f"{self._prefix}line {row.line}"
        notes: list[str] = []
        try:
            ride = self._parsed(row, notes)
        except _RowError as error:
            report.read += 1
            report.refused.setdefault(str(error), Finding()).add(where)
            return None
        report.read += 1
        report.usable += 1
        for note in notes:
            report.noted.setdefault(note, Finding()).add(where)
        return ride

    def _parsed(self, row: Record, notes: list[str]) -> Ride:
        if row.fault:
            raise _RowError(row.fault)
        if len(row.fields) != self._width:
            raise _RowError(TOO_FEW if len(row.fields) < self._width else TOO_MANY)
        fields, layout = row.fields, self._layout
        ride_id = self._text(fields, layout.ride_id)
        if layout.ride_id is None:
            ride_id = f"{self._prefix}line {row.line}".replace(" ", "-")
        start_id = self._text(fields, "start_station_id")
        end_id = self._text(fields, "end_station_id")
        if ride_id is None:
            raise _RowError(NO_ID)
        if start_id is None or end_id is None:
            raise _RowError(NO_STATION)
        started_at, ended_at = self._times(fields, notes)
        return Ride(
            ride_id=ride_id,
            started_at=started_at,
            ended_at=ended_at,
            start_station_id=start_id,
            end_station_id=end_id,
            start_station_name=self._text(fields, "start_station_name"),
            end_station_name=self._text(fields, "end_station_name"),
            start_lat=self._degrees(fields, layout.start_lat, notes),
            start_lon=self._degrees(fields, layout.start_lon, notes),
            end_lat=self._degrees(fields, layout.end_lat, notes),
            end_lon=self._degrees(fields, layout.end_lon, notes),
            bike_type=self._text(fields, layout.bike_type),
            member=self._member(fields, notes),
        )

    def _text(self, fields: Sequence[str], column: str | None) -> str | None:
        index = None if column is None else self._at.get(column)
        return None if index is None else fields[index].strip() or None

    def _degrees(
        self, fields: Sequence[str], column: str, notes: list[str]
    ) -> float | None:
        text = self._text(fields, column)
        if text is None:
            return None
        try:
            degrees = float(text)
        except ValueError:
            degrees = float("nan")
        if isfinite(degrees) and abs(degrees) <= 180:
            return degrees
        if NO_POSITION not in notes:
            notes.append(NO_POSITION)
        return None

    def _member(self, fields: Sequence[str], notes: list[str]) -> bool | None:
        text = self._text(fields, self._layout.rider_type)
        if text is None:
            return None
        if text not in _MEMBER:
            notes.append(NO_RIDER_TYPE)
        return _MEMBER.get(text)

    def _times(
        self, fields: Sequence[str], notes: list[str]
    ) -> tuple[datetime, datetime]:
        started = _read_time(fields[self._at["started_at"]])
        ended = _read_time(fields[self._at["ended_at"]])
        start, start_change = _resolved(started, self._zone)
        end, end_change = _resolved(ended, self._zone)
        if end < start and end_change == DOUBLED:
            end, _ = _resolved(ended.replace(fold=1), self._zone)
        if end < start:
            raise _RowError(BACKWARDS)
        notes.extend(
            change
            for change in (DOUBLED, SKIPPED)
            if change in (start_change, end_change)
        )
        if end == start:
            notes.append(ZERO)
        if end - start > _DAY:
            notes.append(LONG)
        return start, end


def _read_time(text: str) -> datetime:
    """A date and a time of day, with or without fractions and offset."""
    text = text.strip()
    # fromisoformat takes bare dates too, and newer Pythons take 24:00.
    if len(text) < 16 or text[10] not in " T" or text[11:13] == "24":
        raise _RowError(BAD_TIME)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _RowError(BAD_TIME) from None


def _resolved(moment: datetime, zone: ZoneInfo | None) -> tuple[datetime, str | None]:
    """The UTC instant of a time, and what a clock change did to it."""
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), None
        if zone is None:
            raise _RowError(NO_OFFSET)
        local = moment.replace(tzinfo=zone)
        before = local.replace(fold=0).utcoffset()
        after = local.replace(fold=1).utcoffset()
        instant = local.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar
        raise _RowError(BAD_TIME) from None
    if before == after or before is None or after is None:
        return instant, None
    return instant, DOUBLED if before > after else SKIPPED
