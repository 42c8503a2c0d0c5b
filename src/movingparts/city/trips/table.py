"""The tables of trips in a file: those of its parts whose header one can read."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from movingparts.city.trips.archive import NO_TRIPS, Part, PartError, parts
from movingparts.city.trips.file import NOT_TEXT, Record, TripsError, records
from movingparts.city.trips.layout import LAYOUTS, Layout
from movingparts.city.trips.magic import EXPORT
from movingparts.city.trips.report import Finding, TripsReport

_STARTS = {
    "<": "is a web page, so the download probably failed; download it again",
    "{": f"is JSON; {EXPORT}",
    "[": f"is JSON; {EXPORT}",
    "sep=": "begins with a line that is meant for a spreadsheet program; delete it",
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# Of Citi Bike and Bluebikes, Divvy, Bay Wheels, and Capital Bikeshare.
_OLD_COLUMNS = {"starttime", "from_station_id", "duration_sec", "member type"}
_OLDER = " It is an older layout; newer months of the same city may be readable."


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a trip file that holds trips, read up to its header."""

    name: str
    header: tuple[str, ...]
    layout: Layout
    rows: Iterator[Record]


def tables(
    path: Path, encoding: str, report: TripsReport
) -> Generator[Table, None, None]:
    """The parts of a file that hold trips; the report lists the others.

    Raises: TripsError where none does.
    """
    looked_at, found = 0, False
    trouble: PartError | None = None
    with closing(parts(path)) as all_parts:
        for part in all_parts:
            looked_at += 1
            try:
                table = _table(part, encoding)
            except PartError as error:
                report.skipped.setdefault(error.kind, Finding()).add(part.name)
                if trouble is None or part.name.lower().endswith(".csv"):
                    trouble = error
            else:
                found = True
                yield table
    if found or trouble is None:
        return
    if looked_at == 1:
        raise trouble
    raise TripsError(
        f"none of the {looked_at} files in {path.name} gives rides. "
        f"For example, {trouble}"
    )


def _table(part: Part, encoding: str) -> Table:
    if isinstance(part.content, PartError):
        raise part.content
    rows = records(part.content, part.name, encoding)
    header = _header(next(rows, None), part.name, encoding)
    return Table(part.name, header, _layout(header, part.name), rows)


def _header(record: Record | None, name: str, encoding: str) -> tuple[str, ...]:
    """The names of the columns, or an error that says why there are none."""
    if record is None:
        raise PartError(NO_TRIPS, f"{name} is empty; download it again")
    if record.fault == NOT_TEXT:
        what = f"is no text in {encoding}; if it is text, try encoding='latin-1', or"
    elif record.fault:
        what = f"starts with a line that is no header of a CSV file ({record.fault});"
    elif any("\r" in column for column in record.fields):
        what = "has lines that end in CR alone, as on old Macs;"
    else:
        return tuple(column.strip().lower() for column in record.fields)
    raise PartError(NO_TRIPS, f"{name} {what} {EXPORT}")


def _layout(header: Sequence[str], name: str) -> Layout:
    for layout in LAYOUTS:
        if not layout.missing(header):
            return layout
    found = ",".join(header)
    first_line = f"Its first line is {found[:80]!r}"
    if what := _no_header(found):
        raise PartError(NO_TRIPS, f"{name} {what}. {first_line}")
    lacks = " ".join(
        f"For that of {layout.systems} it lacks {', '.join(layout.missing(header))}."
        for layout in LAYOUTS
    )
    older = "" if _OLD_COLUMNS.isdisjoint(header) else _OLDER
    raise PartError(
        NO_TRIPS,
        f"{name} is in neither of the two layouts that this reader knows. {lacks} "
        f"{first_line}.{older} Where only the names of columns differ, rename them",
    )


def _no_header(found: str) -> str | None:
    """What a first line shows that names no columns, and what to do about it."""
    for start, what in _STARTS.items():
        if found.startswith(start):
            return what
    if any(mark in found for mark in ";\t|"):
        return "has columns that are not separated by commas; export it with commas"
    if _DATE.search(found) or found[:1].isdigit():
        return "begins with a ride; put the header line, which is missing, before it"
    return None
