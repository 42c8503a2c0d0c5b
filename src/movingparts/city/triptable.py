"""The tables of trips in a file: those of its parts whose header one can read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from movingparts.city.layout import LAYOUTS, Layout
from movingparts.city.triparchive import NO_TRIPS, Part, PartError, parts
from movingparts.city.tripfile import Record, TripsError, records
from movingparts.city.tripreport import Finding, TripsReport


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
    """The parts of a file that hold trips; of the others, the report tells.

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
        f"none of the {looked_at} files in {path.name} holds trips in a layout that "
        f"this reader knows; for example, {trouble}"
    )


def _table(part: Part, encoding: str) -> Table:
    if isinstance(part.content, PartError):
        raise part.content
    rows = records(part.content, part.name, encoding)
    header = _header(next(rows, None), part.name)
    return Table(part.name, header, _layout(header, part.name), rows)


def _header(record: Record | None, name: str) -> tuple[str, ...]:
    """The names of the columns, or an error that says what the file is instead."""
    if record is None:
        raise PartError(NO_TRIPS, f"{name} is empty; download it again")
    text = ",".join(record.fields)
    if record.fault or "\0" in text or "\r" in text:
        raise PartError(
            NO_TRIPS,
            f"{name} does not start with a line of text in UTF-8; it may be a "
            "spreadsheet, text in UTF-16, or have lines that end in CR alone: "
            "export it as CSV in UTF-8",
        )
    return tuple(column.strip().lower() for column in record.fields)


def _layout(header: Sequence[str], name: str) -> Layout:
    for layout in LAYOUTS:
        if not layout.missing(header):
            return layout
    nearest = max(LAYOUTS, key=lambda layout: len({*layout.columns} & {*header}))
    common = {*nearest.columns} & {*header}
    found = ",".join(header)[:80]
    if not common:
        raise PartError(
            NO_TRIPS,
            f"the first line of {name} is no header that this reader knows: {found!r}"
            f"{_hint(found)}; it reads {LAYOUTS[0].systems} "
            f"({','.join(LAYOUTS[0].columns[:4])},…) and {LAYOUTS[1].systems} "
            f"({','.join(LAYOUTS[1].columns[:4])},…)",
        )
    missing = ", ".join(nearest.missing(header))
    raise PartError(
        NO_TRIPS,
        f"the header of {name} is nearest to the layout of {nearest.systems} "
        f"but lacks {missing}; add the column or give a file in that layout",
    )


def _hint(found: str) -> str:
    if found.startswith("<"):
        return " (a web page: the download probably failed)"
    if ";" in found or "\t" in found:
        return " (columns must be separated by commas)"
    if found[:1].isdigit():
        return " (it looks like a ride: the header line is missing)"
    if "duration" in found and "time" in found:
        return " (an older layout; newer months of the same city may be readable)"
    return ""
