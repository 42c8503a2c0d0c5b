"""What a pass over a trip file found: counts, first lines, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from movingparts.city.trips.archive import AFTER_END, NO_TRIPS, NOT_UNPACKED
from movingparts.city.trips.file import (
    LINES_PER_RECORD,
    LONG_LINE,
    LONGEST_LINE,
    NOT_TEXT,
    OPEN_QUOTE,
)

EXAMPLES = 3
"""How many lines a report names for each thing it found."""

TOO_FEW = "too few columns"
TOO_MANY = "too many columns"
NO_ID = "missing ride_id"
NO_STATION = "missing station"
BAD_TIME = "unreadable time"
NO_OFFSET = "time without offset"
BACKWARDS = "ended before start"

ZERO = "0 seconds long"
LONG = "over 24 hours long"
DOUBLED = "time in a doubled hour"
SKIPPED = "time in a missing hour"
MARKED = "marked as missing"
NO_POSITION = "unreadable position"
NO_RIDER_TYPE = "unknown rider type"
REPEATED = "repeated ride_id"

MEANING = {
    TOO_FEW: "the row has fewer fields than the header; it may have been cut off",
    TOO_MANY: "the row has more fields than the header; a comma may lack its quotes",
    OPEN_QUOTE: f"a quote opens and does not close within {LINES_PER_RECORD} lines",
    LONG_LINE: f"the line is longer than {LONGEST_LINE} bytes",
    NOT_TEXT: "the line is not in the file's encoding; try encoding='latin-1'",
    NO_ID: "the row does not say which ride it is",
    NO_STATION: "the ride began or ended away from a station (or its id is lost)",
    BAD_TIME: "a start or end is missing, or not like 2026-06-01 08:15:30",
    NO_OFFSET: "a start or end has no UTC offset; give timezone= to read it",
    BACKWARDS: "the ride ended before it started; one of the two clocks was wrong",
    ZERO: "kept: the bike was probably docked again at once",
    LONG: "kept: the bike was probably not docked properly",
    DOUBLED: "kept: read as the first of the two, unless it would end before it starts",
    SKIPPED: "kept: read as before the change, unless it would end before it starts",
    MARKED: r"kept: NA, NULL, nan or \N is read as no value",
    NO_POSITION: "kept, without that position: it is no number, or no place on Earth",
    NO_RIDER_TYPE: "kept, with member unknown",
    NO_TRIPS: "skipped: its header is in neither layout; read it alone to see why",
    NOT_UNPACKED: "skipped: locked or damaged; unpack it yourself and read it alone",
    AFTER_END: "skipped: something follows the gzip file's end; the rows are whole",
    REPEATED: "kept: another ride that was sorted with it has the same id",
}


@dataclass(slots=True)
class Finding:
    """How often something was found, and the first lines where.

    >>> Finding(2, ["line 7", "line 9"])
    Finding(count=2, examples=['line 7', 'line 9'])
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(where)


@dataclass(slots=True, repr=False)
class TripsReport:
    """What one pass over a trip file found; ``read == usable + unusable`` always.

    ``complete`` is true if the pass reached the end of the file. Counts are rows,
    but in ``skipped``: what that file holds besides tables of trips.

    >>> report = TripsReport("june.csv", read=3, usable=2)
    >>> report.refused["missing station"] = Finding(1, ["line 3"])
    >>> report
    <TripsReport june.csv: 2 of 3 rows usable so far; 1 missing station>
    """

    source: str
    read: int = 0
    usable: int = 0
    complete: bool = False
    refused: dict[str, Finding] = field(default_factory=dict)
    noted: dict[str, Finding] = field(default_factory=dict)
    skipped: dict[str, Finding] = field(default_factory=dict)

    @property
    def unusable(self) -> int:
        """Rows that gave no ride."""
        return sum(finding.count for finding in self.refused.values())

    @property
    def doubled_hours(self) -> int:
        """Rides with a time that a clock change makes happen twice."""
        return self.count(DOUBLED)

    @property
    def missing_hours(self) -> int:
        """Rides with a time that a clock change skips."""
        return self.count(SKIPPED)

    def count(self, what: str) -> int:
        """How often something was found, such as ``"missing station"``; 0 if never."""
        finding = {**self.refused, **self.noted, **self.skipped}.get(what)
        return finding.count if finding else 0

    def rows(self) -> list[tuple[str, int, str, str]]:
        """The table's rows: what, how many rows, first lines, what it means."""
        total = [
            ("rows read", self.read, "", "" if self.complete else "not to the end yet"),
            ("usable rides", self.usable, "", ""),
        ]
        found = [
            each
            for findings in (self.refused, self.noted, self.skipped)
            for each in sorted(findings.items())
        ]
        return total + [
            (what, finding.count, ", ".join(finding.examples), MEANING[what])
            for what, finding in found
        ]

    def table(self) -> str:
        """The report as aligned text, with the first lines and an explanation."""
        rows = [
            (what, f"{count:,}", lines, meaning)
            for what, count, lines, meaning in self.rows()
        ]
        wide = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            f"{what:<{wide[0]}}  {count:>{wide[1]}}  {lines:<{wide[2]}}  {why}".rstrip()
            for what, count, lines, why in rows
        )

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><th scope='row'>{escape(what)}</th><td>{count:,}</td>"
            f"<td>{escape(lines)}</td><td>{escape(meaning)}</td></tr>"
            for what, count, lines, meaning in self.rows()
        )
        titles = ("what", "rows", "first seen", "meaning")
        head = "".join(f"<th scope='col'>{title}</th>" for title in titles)
        return (
            f"<table><caption>{escape(self.source)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        so_far = "" if self.complete else " so far"
        parts = [f"{self.usable:,} of {self.read:,} rows usable{so_far}"]
        for findings in (self.refused, self.noted, self.skipped):
            if findings:
                counts = sorted((what, found.count) for what, found in findings.items())
                parts.append(", ".join(f"{count:,} {what}" for what, count in counts))
        return f"<TripsReport {self.source}: {'; '.join(parts)}>"
