"""Reading trip histories: what is read, what is refused, and what is reported."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import re
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from movingparts.city.ride import Ride
from movingparts.city.synthetic import larkhaven, write_trips
from movingparts.city.trips import Trips, TripsError, read_trips
from movingparts.city.trips.layout import LYFT, URBAN_SHARING
from movingparts.city.trips.row import MISSING

NEW_YORK = "America/New_York"
OSLO = "Europe/Oslo"
HEADER = ",".join(LYFT.columns)
OSLO_HEADER = ",".join(URBAN_SHARING.columns)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(*lines: str, header: str = HEADER, name: str = "june.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        return path

    return to_file


def row(
    ride_id: str = "R1",
    started_at: str = "2026-06-01 08:00:00",
    ended_at: str = "2026-06-01 08:10:00",
    start: str = "S1",
    end: str = "S2",
) -> str:
    names = f"Main St,{start},Side St,{end}"
    at = f"{started_at},{ended_at}"
    return f"{ride_id},classic_bike,{at},{names},40.5,-74.25,40.75,-74.5,member"


def oslo_row(started_at: str, ended_at: str) -> str:
    return (
        f"{started_at},{ended_at},600,450,Elisenberg,ved plassen,59.5,10.75,"
        "429,Thune,,59.25,10.5"
    )


def read(path: Path, timezone: str | None = NEW_YORK) -> tuple[list[Ride], Trips]:
    trips = read_trips(path, timezone=timezone)
    return list(trips), trips


def refusal(path: Path | str, **options: str) -> str:
    """What reading that file to its end is refused with."""
    with pytest.raises(TripsError) as caught:
        list(read_trips(path, **options))
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


# --- what is read


def test_a_lyft_row_becomes_a_ride_in_utc(write: Write) -> None:
    rides, trips = read(write(row()))
    expected = Ride(
        ride_id="R1",
        started_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
        ended_at=datetime(2026, 6, 1, 12, 10, tzinfo=UTC),
        start_station_id="S1",
        end_station_id="S2",
        start_station_name="Main St",
        end_station_name="Side St",
        start_lat=40.5,
        start_lon=-74.25,
        end_lat=40.75,
        end_lon=-74.5,
        bike_type="classic_bike",
        member=True,
    )
    assert [expected] == rides
    assert "<Trips june.csv: lyft layout, clock of America/New_York>" == repr(trips)
    assert "<TripsReport june.csv: 1 of 1 rows usable>" == repr(trips.report)


def test_an_urban_sharing_row_becomes_a_ride_named_after_its_line(
    write: Write,
) -> None:
    path = write(
        oslo_row("2026-06-01 04:17:52.684000+00:00", "2026-06-01 04:24:20+00:00"),
        header=OSLO_HEADER,
    )
    rides, trips = read(path, None)
    expected = Ride(
        ride_id="line-2",
        started_at=datetime(2026, 6, 1, 4, 17, 52, 684_000, tzinfo=UTC),
        ended_at=datetime(2026, 6, 1, 4, 24, 20, tzinfo=UTC),
        start_station_id="450",
        end_station_id="429",
        start_station_name="Elisenberg",
        end_station_name="Thune",
        start_lat=59.5,
        start_lon=10.75,
        end_lat=59.25,
        end_lon=10.5,
    )
    assert [expected] == rides
    assert "<Trips june.csv: urban-sharing layout, times with offsets>" == repr(trips)


@pytest.mark.parametrize("time", ["2026-06-01 08:00:00", "2026-06-01 08:00:00.000"])
def test_fractions_of_seconds_may_be_there_or_not(write: Write, time: str) -> None:
    rides, _ = read(write(row(started_at=time)))
    assert datetime(2026, 6, 1, 12, tzinfo=UTC) == rides[0].started_at


def test_a_file_may_have_quotes_a_bom_windows_line_ends_and_other_columns(
    tmp_path: Path,
) -> None:
    path = tmp_path / "quoted.csv"
    header = ",".join(f'"{column}"' for column in (*LYFT.columns, "extra"))
    fields = row(start='S 1, ""a""').replace('S 1, ""a""', "§").split(",")
    quoted = ",".join(f'"{field}"' for field in (*fields, "x"))
    quoted = quoted.replace("§", 'S 1, ""a""')
    path.write_bytes(f"\ufeff{header}\r\n{quoted}\r\n\r\n".encode())
    rides, trips = read(path)
    assert ['S 1, "a"'] == [ride.start_station_id for ride in rides]
    assert (1, 1) == (trips.report.read, trips.report.usable)


def test_a_quoted_field_may_span_lines(write: Write) -> None:
    lines = row().replace("Main St", '"Main St,\nupper end"').split("\n")
    rides, trips = read(write(*lines, row("R2")))
    assert ["Main St,\nupper end", "Main St"] == [r.start_station_name for r in rides]
    assert 2 == trips.report.usable


def test_empty_optional_fields_are_none(write: Write) -> None:
    rides, trips = read(write("R1,,2026-06-01 08:00,2026-06-01 08:01,,S1,,S2,,,,,"))
    ride = rides[0]
    assert ride.start_station_name is None
    assert ride.end_lat is None
    assert ride.bike_type is None
    assert ride.member is None
    assert {} == trips.report.noted


@pytest.mark.parametrize("marker", ["NA", "N/A", "NULL", "null", "nan", "NaN", r"\N"])
def test_a_word_for_a_missing_value_is_no_value(write: Write, marker: str) -> None:
    optional = f"R1,{marker},2026-06-01 08:00,2026-06-01 08:01,{marker},S1,{marker},S2,"
    lines = [
        optional + ",".join([marker] * 5),
        row(marker),
        row("R2", start=marker),
        row("R3", end=f" {marker} "),
        row("R4", ended_at=marker),
    ]
    rides, trips = read(write(*lines))
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert [Ride("R1", at, at + timedelta(minutes=1), "S1", "S2")] == rides
    refused = {what: found.count for what, found in trips.report.refused.items()}
    assert {"missing ride_id": 1, "missing station": 2, "unreadable time": 1} == refused
    noted = {what: found.examples for what, found in trips.report.noted.items()}
    assert {"marked as missing": ["line 2"]} == noted


def test_a_name_that_begins_like_a_missing_value_is_a_name(write: Write) -> None:
    rides, trips = read(write(row("nan-1", start="NA01").replace("Main St", "Nullweg")))
    ride = rides[0]
    assert ("nan-1", "NA01") == (ride.ride_id, ride.start_station_id)
    assert "Nullweg" == ride.start_station_name
    assert {} == trips.report.noted


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ("120", "10.75"),
        ("-90.001", "10.75"),
        ("59.5", "180.5"),
        ("59.5", "-200"),
        ("1_2.0", "10.75"),
        ("59.5", "1_0"),
        ("\u0665\u0669", "10.75"),
        ("inf", "10.75"),
        ("1e999", "10.75"),
        ('"59,5"', "10.75"),
        ("59.5N", "10.75"),
        ("0x3b", "10.75"),
        ("0.0", "0"),
    ],
)
def test_what_is_no_place_on_earth_is_no_position(
    write: Write, lat: str, lon: str
) -> None:
    rides, trips = read(write(row().replace("40.75,-74.5", f"{lat},{lon}")))
    ride = rides[0]
    assert None in (ride.end_lat, ride.end_lon)
    assert (40.5, -74.25) == (ride.start_lat, ride.start_lon)
    assert ["line 2"] == trips.report.noted["unreadable position"].examples


@pytest.mark.parametrize(
    ("lat", "lon"),
    [("90", "-180"), ("-90.0", "180.0"), ("+.5", "7."), ("0", "9.1"), ("1e-05", "0")],
)
def test_the_poles_and_the_equator_are_positions(
    write: Write, lat: str, lon: str
) -> None:
    rides, trips = read(write(row().replace("40.75,-74.5", f"{lat},{lon}")))
    assert [(float(lat), float(lon))] == [(r.end_lat, r.end_lon) for r in rides]
    assert {} == trips.report.noted


def test_every_for_reads_the_file_again_and_reports_anew(write: Write) -> None:
    trips = read_trips(write(row("R1"), row("R2")), timezone=NEW_YORK)
    next(iter(trips))
    assert (1, False) == (trips.report.usable, trips.report.complete)
    assert ["R1", "R2"] == [ride.ride_id for ride in trips]
    assert ["R1", "R2"] == [ride.ride_id for ride in trips]
    assert (2, True) == (trips.report.usable, trips.report.complete)


def test_a_gzipped_file_is_read_whatever_its_name(write: Write, tmp_path: Path) -> None:
    packed = tmp_path / "june.csv.gz"
    packed.write_bytes(gzip.compress(write(row()).read_bytes()))
    renamed = tmp_path / "june.dat"
    shutil.copy(packed, renamed)
    assert read(packed)[0] == read(renamed)[0] != []


def test_all_the_tables_in_a_zip_are_read_in_order_of_name(
    write: Write, tmp_path: Path
) -> None:
    packed = tmp_path / "june.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(write(row("R2"), row("", start="")), "june/june_2.csv")
        archive.write(write(row("R1")), "june/june_1.csv")
        archive.writestr("__MACOSX/june/._june_1.csv", b"\x00\x05\x16\x07")
        archive.writestr("june/readme.txt", "trips")
    rides, trips = read(packed)
    assert ["R1", "R2"] == [ride.ride_id for ride in rides]
    refused = trips.report.refused
    assert ["june/june_2.csv line 3"] == refused["missing ride_id"].examples
    assert ["june/readme.txt"] == trips.report.skipped["file without trips"].examples
    assert trips.report.complete


def zipped(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


TABLE, OSLO_TABLE = (
    f"{HEADER}\n{row('R1')}\n",
    f"{OSLO_HEADER}\n{oslo_row('2026-06-01 04:00:00Z', '2026-06-01 05:00:00Z')}\n",
)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("{}empty.csv", "", "file without trips"),
        ("{}stations.csv", "id,name\nS1,Main St\n", "file without trips"),
        ("{}header.csv", HEADER.replace("ride_id", "id"), "file without trips"),
        ("{}picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "file without trips"),
        ("{}.hidden.csv", "x,y\n", "file without trips"),
        ("{}LICENSE", "Free to use.", "file without trips"),
        ("{}none.zip", b"PK\x05\x06" + bytes(18), "file without trips"),
        ("{}broken.zip", b"PK\x03\x04" + bytes(40), "file not unpacked"),
        ("{}broken.csv.gz", b"\x1f\x8b\x08\x00broken", "file not unpacked"),
    ],
)
@pytest.mark.parametrize("place", ["0-", "zz-"], ids=["first", "last"])
def test_what_holds_no_trips_in_a_zip_is_skipped_and_reported(
    tmp_path: Path, place: str, name: str, content: bytes | str, kind: str
) -> None:
    name = name.format(place)
    members = {name: content, "june.csv": TABLE, "may.csv": TABLE}
    path = zipped(tmp_path / "2026.zip", members)
    rides, trips = read(path)
    assert 2 == len(rides)
    assert {kind: [name]} == {
        what: found.examples for what, found in trips.report.skipped.items()
    }
    assert f"2 of 2 rows usable; 1 {kind}>" in repr(trips.report)
    assert f"{kind} " in trips.report.table()
    assert 1 == trips.report.count(kind)
    assert "skipped: " in trips.report._repr_html_()


def test_archives_in_a_zip_are_read_too(tmp_path: Path) -> None:
    june = zipped(tmp_path / "june.zip", {"june.csv": TABLE, "b/june.csv": TABLE})
    packed = gzip.compress(TABLE.encode())
    members = {"june.zip": june.read_bytes(), "may.csv.gz": packed, "may.csv": TABLE}
    year = zipped(tmp_path / "2026.zip", members)
    rides, trips = read(year)
    assert 4 == len(rides)
    assert {} == trips.report.skipped
    twice = tmp_path / "twice.csv.gz"
    twice.write_bytes(gzip.compress(packed))
    assert rides[:1] == read(twice)[0]


def test_a_zip_that_holds_itself_without_end_is_read_to_a_depth(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "0.zip", {"june.csv": TABLE})
    for depth in range(1, 6):
        members = {f"{depth}.zip": inner.read_bytes(), "june.csv": TABLE}
        inner = zipped(tmp_path / f"{depth}.zip", members)
    rides, trips = read(inner)
    assert 4 == len(rides)
    assert 1 == trips.report.count("file not unpacked")


def test_both_layouts_in_a_zip_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {"a.csv": OSLO_TABLE, "b.csv": TABLE})
    rides, _ = read(path)
    assert ["line-2", "R1"] == [ride.ride_id for ride in rides]
    rides, trips = read(path, None)
    assert ["line-2"] == [ride.ride_id for ride in rides]
    assert ["b.csv line 2"] == trips.report.refused["time without offset"].examples


def test_rides_of_files_of_the_same_name_have_ids_of_their_own(tmp_path: Path) -> None:
    members = {f"{year}/06.csv": OSLO_TABLE for year in (2024, 2025, 2026)}
    rides, _ = read(zipped(tmp_path / "oslo.zip", members), None)
    assert ["line-2", "2025/06.csv-line-2", "2026/06.csv-line-2"] == [
        ride.ride_id for ride in rides
    ]


# --- rows that cannot be used


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("R2,classic_bike,2026-06-01 08:00:00", "too few columns"),
        (row("R2") + ",extra", "too many columns"),
        (row(""), "missing ride_id"),
        (row("R2", start=""), "missing station"),
        (row("R2", end="  "), "missing station"),
        (row("R2", started_at="6/1/2026 8:00"), "unreadable time"),
        (row("R2", started_at="2026-06-31 08:00:00"), "unreadable time"),
        (row("R2", ended_at=""), "unreadable time"),
        (row("R2", ended_at="2026-06-01"), "unreadable time"),
        (row("R2", ended_at="2026-06-01 24:00:00"), "unreadable time"),
        (row("R2", started_at="0001-01-01 00:00:00+14:00"), "unreadable time"),
        (row("R2", ended_at="9999-12-31 23:00:00"), "unreadable time"),
        (row("R2", ended_at="2026-06-01 07:59:59"), "ended before start"),
        (row("R2").replace("Main", '"Main'), "unclosed quote"),
        (row("R" * 70_000), "line too long"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_and_explained(
    write: Write, line: str, reason: str
) -> None:
    rides, trips = read(write(row("R1"), line, row("R3")))
    report = trips.report
    assert ["R1", "R3"] == [ride.ride_id for ride in rides]
    assert (3, 2, 1) == (report.read, report.usable, report.unusable)
    assert 1 == report.count(reason)
    assert ["line 3"] == report.refused[reason].examples
    assert reason in report.table()
    assert f"2 of 3 rows usable; 1 {reason}>" in repr(report)


def test_a_quote_that_never_closes_costs_one_row_not_the_rest(write: Write) -> None:
    """Python's csv reader would swallow all that follows into one field."""
    lines = [row(f"R{n}") for n in range(1, 400)]
    lines[9] = lines[9].replace("Main St", '"Main St')
    lines[300] = lines[300].replace("Side St", '"Side St')
    rides, trips = read(write(*lines))
    assert 397 == len(rides)
    assert ["line 11", "line 302"] == trips.report.refused["unclosed quote"].examples


def test_a_quote_that_never_closes_on_the_last_line(write: Write) -> None:
    rides, trips = read(write(row("R1"), row("R2").replace("Main", '"Main')))
    assert ["R1"] == [ride.ride_id for ride in rides]
    assert ["line 3"] == trips.report.refused["unclosed quote"].examples


def test_a_quote_that_never_closes_in_the_last_field_costs_nothing(
    write: Write,
) -> None:
    rides, trips = read(write(row("R1").replace(",member", ',"member'), row("R2")))
    assert [("R1", True), ("R2", True)] == [(r.ride_id, r.member) for r in rides]
    assert 2 == trips.report.usable


def test_a_bare_quote_in_a_name_is_a_letter_like_others(write: Write) -> None:
    rides, _ = read(write(row().replace("Main St", 'Main 5" St')))
    assert 'Main 5" St' == rides[0].start_station_name


def test_a_line_in_another_encoding_is_counted_and_the_report_says_what_to_try(
    write: Write, tmp_path: Path
) -> None:
    path = write(row("R1"), row("R2"))
    path.write_bytes(path.read_bytes().replace(b"R2,", b"R\xf8,"))
    rides, trips = read(path)
    assert ["R1"] == [ride.ride_id for ride in rides]
    assert 1 == trips.report.count("not UTF-8")
    assert "encoding='latin-1'" in trips.report.table()
    again = read_trips(path, timezone=NEW_YORK, encoding="latin-1")
    assert ["R1", "Rø"] == [ride.ride_id for ride in again]


SPANNING = row("R2").replace("Main St", '"Main St,\nupper end,\nat the lake"')


@pytest.mark.parametrize("line", [0, 1, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "shift_jis"])
def test_a_byte_that_is_no_text_spoils_its_row_on_whichever_line_it_is(
    tmp_path: Path, line: int, encoding: str
) -> None:
    """No letter is made up for it: a station by that name would be one more."""
    path = tmp_path / "june.csv"
    lines = SPANNING.encode().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"end", b"\xffnd").replace(b"t", b"\xff")
    text = f"{HEADER}\n{row('R1')}\n".encode() + b"".join(lines)
    path.write_bytes(text + f"\n{row('R3')}\n".encode())
    trips = read_trips(path, timezone=NEW_YORK, encoding=encoding)
    rides = list(trips)
    assert ["R1", "R3"] == [ride.ride_id for ride in rides if "\ufffd" not in str(ride)]
    assert 2 == len(rides)
    assert ["line 3"] == trips.report.refused["not UTF-8"].examples
    assert (3, 2) == (trips.report.read, trips.report.usable)


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_line_that_is_too_long_never_vanishes_inside_a_quote(
    write: Write, line: int
) -> None:
    lines = SPANNING.splitlines()
    lines[line] = lines[line].replace("e", "e" * 70_000)
    rides, trips = read(write(row("R1"), *lines, row("R3")))
    assert ["R1", "R3"] == [ride.ride_id for ride in rides]
    assert [f"line {3 + line}"] == trips.report.refused["line too long"].examples
    assert (5, 2) == (trips.report.read, trips.report.usable)


def test_a_naive_time_among_times_with_offsets_asks_for_the_clock(
    write: Write,
) -> None:
    path = write(
        oslo_row("2026-06-01 04:00:00", "2026-06-01 04:10:00"), header=OSLO_HEADER
    )
    rides, trips = read(path, None)
    assert [] == rides
    assert 1 == trips.report.count("time without offset")
    assert "timezone=" in trips.report.table()
    assert 1 == len(read(path, OSLO)[0])


def test_anomalies_are_kept_and_noted(write: Write) -> None:
    start = "2026-06-01 08:00:00"
    rides, trips = read(
        write(
            row("R1", start, start),
            row("R2", start, "2026-06-02 14:00:00"),
            row("R3").replace("40.5,", "forty,").replace("-74.25,", "nan,"),
            row("R4").replace(",member", ",staff"),
        )
    )
    assert ["R1", "R2", "R3", "R4"] == [ride.ride_id for ride in rides]
    assert [0, 30 * 3600] == [ride.seconds for ride in rides[:2]]
    assert rides[2].start_lat is None
    assert rides[3].member is None
    noted = {what: found.count for what, found in trips.report.noted.items()}
    assert {
        "0 seconds long": 1,
        "over 24 hours long": 1,
        "marked as missing": 1,
        "unreadable position": 1,
        "unknown rider type": 1,
    } == noted


def test_a_report_names_the_first_lines_only(write: Write) -> None:
    _, trips = read(write(*(row("", "x") for _ in range(9))))
    found = trips.report.refused["missing ride_id"]
    assert (9, ["line 2", "line 3", "line 4"]) == (found.count, found.examples)


def test_a_report_shows_itself_as_a_table(write: Write) -> None:
    _, trips = read(write(row("R1"), row("", "x"), header=HEADER))
    assert [
        "rows read        2",
        "usable rides     1",
        "missing ride_id  1  line 3  the row does not say which ride it is",
    ] == trips.report.table().splitlines()
    html = trips.report._repr_html_()
    assert "<th scope='row'>missing ride_id</th><td>1</td><td>line 3</td>" in html


# --- clock changes


def new_york(write: Write, started_at: str, ended_at: str) -> tuple[str, str, Trips]:
    rides, trips = read(write(row("R1", started_at, ended_at)))
    ride = rides[0]
    return f"{ride.started_at:%H:%M}", f"{ride.ended_at:%H:%M}", trips


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        # 2026-11-01: 01:00 to 02:00 happens twice, from 05:00 and from 06:00 UTC.
        (("2026-11-01 00:50:00", "2026-11-01 01:10:00"), ("04:50", "05:10")),
        (("2026-11-01 01:10:00", "2026-11-01 01:30:00"), ("05:10", "05:30")),
        (("2026-11-01 01:50:00", "2026-11-01 01:10:00"), ("05:50", "06:10")),
        (("2026-11-01 01:50:00", "2026-11-01 02:10:00"), ("05:50", "07:10")),
        # 2026-03-08: 02:00 to 03:00 does not happen; 07:00 UTC is 03:00.
        (("2026-03-08 01:50:00", "2026-03-08 02:10:00"), ("06:50", "07:10")),
        (("2026-03-08 02:10:00", "2026-03-08 02:30:00"), ("07:10", "07:30")),
        (("2026-03-08 02:50:00", "2026-03-08 03:05:00"), ("06:50", "07:05")),
    ],
)
def test_hours_that_come_twice_or_never_are_read_by_rule_and_counted(
    write: Write, local: tuple[str, str], expected: tuple[str, str]
) -> None:
    start, end, trips = new_york(write, *local)
    assert expected == (start, end)
    counts = (trips.report.doubled_hours, trips.report.missing_hours)
    assert counts == ((1, 0) if "-11-" in local[0] else (0, 1))


def test_a_ride_backwards_through_a_clock_change_is_still_refused(
    write: Write,
) -> None:
    rides, trips = read(write(row("R1", "2026-11-01 01:30:00", "2026-11-01 00:30:00")))
    assert [] == rides
    assert 1 == trips.report.count("ended before start")


def test_times_beside_a_clock_change_are_not_counted(write: Write) -> None:
    start, end, trips = new_york(write, "2026-11-01 00:59:59", "2026-11-01 02:00:00")
    assert ("04:59", "07:00") == (start, end)
    assert 0 == trips.report.doubled_hours


# --- files that cannot be read


def test_a_missing_file_a_folder_and_an_empty_file(tmp_path: Path) -> None:
    assert f"there is no file {tmp_path / 'no.csv'}; give the path" in refusal(
        tmp_path / "no.csv"
    )
    assert "is a folder; give one of the files in it" in refusal(tmp_path)
    too_long = "x" * 300
    assert f"{too_long} can't be opened: " in refusal(too_long)
    (tmp_path / "empty.csv").write_text("\n\n")
    assert "empty.csv is empty; download it again" == refusal(tmp_path / "empty.csv")


def magic(start: bytes) -> bytes:
    return start + bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"BZh91AY&SY", "packed with bzip2, which this reader can't unpack; unpack it"),
        (magic(b"\xfd7zXZ\x00"), "packed with xz, which this reader can't unpack"),
        (magic(b"7z\xbc\xaf\x27\x1c"), "packed with 7-Zip, which"),
        (magic(b"Rar!\x1a\x07\x01\x00"), "packed with RAR, which"),
        (magic(b"\x28\xb5\x2f\xfd"), "packed with Zstandard, which"),
        (b"june.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive, which"),
        (magic(b"PAR1"), "a Parquet file; export it as CSV in UTF-8"),
        (magic(b"\xd0\xcf\x11\xe0"), "an old Excel file; export it as CSV"),
        (magic(b"SQLite format 3\x00"), "an SQLite database; export it as CSV"),
        (magic(b"%PDF-1.7\n"), "a PDF; give a CSV file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "a Git LFS pointer, which stands for the file; fetch the file with git lfs",
        ),
        (TABLE.encode("utf-16"), "text in UTF-16; save it in UTF-8, for example with"),
        (TABLE.encode("utf-16-le"), "text in UTF-16; save it in UTF-8, for example"),
        (TABLE.encode("utf-16-be"), "-f UTF-16BE -t UTF-8"),
        (TABLE.encode("utf-32"), "text in UTF-32; save it in UTF-8, for example with"),
        (b"\x00\x00\x01" * 9, "no text, since its first line holds a NUL byte"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no text in utf-8; if it is text, try enc"),
        (f"stræde,{HEADER}\n".encode("latin-1"), "try encoding='latin-1', or export"),
    ],
)
@pytest.mark.parametrize("inside", ["", "zip", "gz"])
def test_the_error_for_a_file_that_is_no_csv_names_its_kind(
    tmp_path: Path, content: bytes, what: str, inside: str
) -> None:
    path = tmp_path / "june.csv"
    path.write_bytes(gzip.compress(content) if inside == "gz" else content)
    if inside == "zip":
        zipped(path, {"june.csv": content})
    message = refusal(path, timezone=NEW_YORK)
    assert message.startswith("june.csv is ")
    assert what in message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (f"{HEADER}\r{row()}\r".encode(), "has lines that end in CR alone, as on old"),
        (
            b"x" * 100_000,
            "starts with a line that is no header of a CSV file (line too",
        ),
        (b'"' + HEADER.encode() + b"\n", "(unclosed quote); export it as CSV"),
    ],
    ids=["old Mac", "one long line", "open quote"],
)
def test_a_first_line_that_is_no_header_is_explained(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "june.csv"
    path.write_bytes(content)
    message = refusal(path, timezone=NEW_YORK)
    assert what in message
    assert "export it as CSV in UTF-8" in message


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_a_header_may_have_more_than_one_byte_order_mark(
    tmp_path: Path, marks: int
) -> None:
    path = tmp_path / "june.csv"
    path.write_text("\ufeff" * marks + TABLE, encoding="utf-8")
    assert ["R1"] == [ride.ride_id for ride in read(path)[0]]


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("<!DOCTYPE html>", "is a web page, so the download probably failed; downl"),
        ('{"data": []}', "is JSON; export it as CSV in UTF-8"),
        (f"sep=,\n{HEADER}", "meant for a spreadsheet program; delete it"),
        (HEADER.replace(",", ";"), "not separated by commas; export it with commas"),
        (HEADER.replace(",", "\t"), "not separated by commas; export it with commas"),
        (HEADER.replace(",", "|"), "not separated by commas; export it with commas"),
        (row(), "begins with a ride; put the header line, which is missing, before"),
        ("2026,1,2", "begins with a ride; put the header line, which is missing"),
    ],
)
def test_the_error_for_a_first_line_without_columns_shows_it(
    write: Write, header: str, hint: str
) -> None:
    """And nothing of columns that it lacks, since that is not what is wrong."""
    message = refusal(write(header=header), timezone=NEW_YORK)
    assert message.startswith("june.csv ")
    assert hint in message
    assert "lacks" not in message


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("tripduration,starttime,stoptime", "It is an older layout; newer months"),
        ("name,price", "Its first line is 'name,price'."),
    ],
)
def test_an_unknown_header_is_refused_with_what_it_looks_like(
    write: Write, header: str, hint: str
) -> None:
    assert hint in refusal(write(header=header), timezone=NEW_YORK)


OTHERS = {
    "TfL": "Rental Id,Duration,Bike Id,End Date,EndStation Id,EndStation Name,"
    "Start Date,StartStation Id,StartStation Name",
    "Capital": "Duration,Start date,End date,Start station number,Start station,"
    "End station number,End station,Bike number,Member type",
    "Indego": "trip_id,duration,start_time,end_time,start_station,start_lat,start_lon,"
    "end_station,end_lat,end_lon,bike_id,plan_duration,trip_route_category,"
    "passholder_type,bike_type",
    "Bay Wheels": "duration_sec,start_time,end_time,start_station_id,"
    "start_station_name,start_station_latitude,start_station_longitude,"
    "end_station_id,end_station_name,end_station_latitude,end_station_longitude,"
    "bike_id,user_type",
}


@pytest.mark.parametrize(
    ("operator", "lyft", "urban_sharing"),
    [
        ("TfL", LYFT.needed, URBAN_SHARING.needed),
        ("Capital", LYFT.needed, URBAN_SHARING.needed),
        ("Indego", LYFT.needed, URBAN_SHARING.needed),
        (
            "Bay Wheels",
            ("ride_id", "started_at", "ended_at"),
            ("started_at", "ended_at"),
        ),
    ],
)
def test_another_operators_header_is_refused_with_both_layouts_and_what_they_need(
    write: Write,
    operator: str,
    lyft: tuple[str, ...],
    urban_sharing: tuple[str, ...],
) -> None:
    message = refusal(write(header=OTHERS[operator]), timezone=NEW_YORK)
    assert "june.csv is in neither of the two layouts that this reader kn" in message
    assert f"For that of {LYFT.systems} it lacks {', '.join(lyft)}." in message
    assert (
        f"For that of {URBAN_SHARING.systems} it lacks {', '.join(urban_sharing)}."
    ) in message
    assert "rename them" in message


def test_a_header_that_lacks_columns_is_refused_with_their_names(
    write: Write,
) -> None:
    lyft = refusal(write(header=HEADER.replace("started_at,", "")), timezone=OSLO)
    assert "Lyft-run systems (such as Citi Bike and Divvy) it lacks started_at." in lyft
    oslo = refusal(write(header="started_at,duration,end_station_latitude"))
    assert (
        "Urban Sharing systems (such as Oslo and Bergen) it lacks "
        "start_station_latitude, ended_at, start_station_id"
    ) in oslo


def test_an_encoding_is_never_explained_by_itself(tmp_path: Path) -> None:
    """A caller who says that a file is UTF-16 knows that."""
    path = tmp_path / "june.csv"
    path.write_bytes(TABLE.encode("utf-16"))
    message = refusal(path, timezone=NEW_YORK, encoding="utf-16")
    assert "encoding='utf-16' is none that can be read line by line" in message
    assert "convert the file to UTF-8" in message


def test_a_layout_with_wall_clock_times_needs_the_clock(write: Write) -> None:
    message = refusal(write(row()))
    assert "say which clock" in message
    assert 'read_trips("june.csv", timezone="America/New_York")' in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("New York", "America/New_York"),
        ("oslo", "Europe/Oslo"),
        ("Europe/Olso", "Europe/Oslo"),
        ("", "America/New_York"),
        ("/etc/passwd", "America/New_York"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_the_nearest(
    write: Write, name: str, meant: str
) -> None:
    message = refusal(write(row()), timezone=name)
    assert f"timezone={name!r} is not a name of the IANA" in message
    assert f'did you mean timezone="{meant}"?' in message


@pytest.mark.parametrize("encoding", ["utf-99", "base64", "utf-32"])
def test_an_encoding_that_is_none_is_refused(write: Write, encoding: str) -> None:
    assert "try 'utf-8' or 'latin-1'" in refusal(
        write(row()), timezone=NEW_YORK, encoding=encoding
    )


@pytest.mark.parametrize("encoding", [None, 8, b"utf-8", "a\0b", "\udcff", "rot13"])
def test_an_encoding_that_is_no_name_is_refused(write: Write, encoding: Any) -> None:
    message = refusal(write(row()), timezone=NEW_YORK, encoding=encoding)
    assert f"encoding={encoding!r}" in message
    assert "try 'utf-8' or 'latin-1'" in message


@pytest.mark.parametrize("timezone", [5, b"Europe/Oslo", UTC, "a\0b", "x" * 300, []])
def test_a_time_zone_that_is_no_name_is_refused(write: Write, timezone: Any) -> None:
    message = refusal(write(row()), timezone=timezone)
    assert f"timezone={timezone!r} is not a name of the IANA" in message


def test_a_time_zone_may_be_a_zone_info(write: Write) -> None:
    path = write(row())
    trips = read_trips(path, timezone=ZoneInfo(NEW_YORK))
    assert list(read_trips(path, timezone=NEW_YORK)) == list(trips)
    assert "clock of America/New_York" in repr(trips)
    assert 1 == len(trips.first_morning())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("~nosuchuser/x.csv", "there is no user 'nosuchuser'"),
        ("a\0b.csv", "can't be opened: "),
        ("\udcff\ud800.csv", "can't be opened: "),
        ("", "is a folder"),
        (None, "is no path"),
        (5, "is no path"),
        (["june.csv"], "is no path"),
    ],
)
def test_a_path_that_is_none_is_refused(path: Any, reason: str) -> None:
    message = refusal(path, timezone=NEW_YORK)
    assert reason in message
    assert "\n" not in message


def test_a_path_may_be_bytes(write: Write) -> None:
    path: Any = os.fsencode(write(row()))
    assert 1 == len(list(read_trips(path, timezone=NEW_YORK)))


def test_a_path_without_a_home_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert "there is no home folder" in refusal("~/june.csv", timezone=NEW_YORK)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
@pytest.mark.skipif(
    not Path("/dev/zero").exists(),
    reason="this system has no /dev/zero: run the tests on Linux or macOS",
)
def test_what_is_no_file_is_refused_and_not_read_forever(device: str) -> None:
    assert "is no ordinary file" in refusal(device, timezone=NEW_YORK)


def test_a_path_may_begin_at_home(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(row(), name="june.csv")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert 1 == len(list(read_trips("~/june.csv", timezone=NEW_YORK)))


def test_a_truncated_download_gives_what_it_has_and_then_says_so(
    write: Write, tmp_path: Path
) -> None:
    noise = random.Random(1)
    lines = [row(f"R{noise.randrange(10**9)}") for _ in range(5_000)]
    packed = gzip.compress(write(*lines).read_bytes())
    path = tmp_path / "june.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    trips = read_trips(path, timezone=NEW_YORK)
    with pytest.raises(TripsError) as caught:
        list(trips)
    assert "june.csv.gz breaks off after line" in str(caught.value)
    assert "download it again" in str(caught.value)
    assert trips.report.usable > 1_000
    assert not trips.report.complete


@pytest.mark.parametrize(
    "extra", [b"\n", b"\x1f", bytes(9_000) + b"<html>" * 9_000, TABLE.encode()]
)
@pytest.mark.parametrize(
    ("rides", "inside"), [(1, ""), (1_500, ""), (300, ".zip"), (300, ".gz")]
)
def test_bytes_after_the_end_of_a_gzip_cost_no_ride_and_are_reported(
    write: Write, tmp_path: Path, extra: bytes, rides: int, inside: str
) -> None:
    lines = [row(f"R{number}") for number in range(rides)]
    packed = gzip.compress(write(*lines).read_bytes()) + extra
    path = tmp_path / f"june.csv.gz{inside}"
    path.write_bytes(gzip.compress(packed) if inside == ".gz" else packed)
    if inside == ".zip":
        path.unlink()
        zipped(path, {"june.csv.gz": packed})
    trips = read_trips(path, timezone=NEW_YORK)
    for each_pass in (trips, trips.by_time()):
        assert rides == sum(1 for _ in each_pass)
        assert trips.report.complete
        assert rides == trips.report.read
        assert 1 == trips.report.count("bytes after the end")
    assert "bytes after the end" in trips.report.table()


@pytest.mark.parametrize("padding", [0, 1, 512, 20_000])
def test_gzip_files_one_after_the_other_and_padded_are_one(
    tmp_path: Path, padding: int
) -> None:
    path, member = tmp_path / "june.csv.gz", f"{row('R2')}\n" * 500
    texts = (TABLE, "", member, member)
    path.write_bytes(
        b"".join(gzip.compress(t.encode()) + bytes(padding) for t in texts)
    )
    rides, trips = read(path)
    assert 1_001 == len(rides)
    assert {} == trips.report.skipped
    assert trips.report.complete


@pytest.mark.parametrize("at", [4, 8])
def test_a_gzip_whose_check_sum_or_length_is_wrong_breaks_off(
    tmp_path: Path, at: int
) -> None:
    packed = bytearray(gzip.compress(TABLE.encode() + f"{row()}\n".encode() * 900))
    packed[-at] ^= 1
    path = tmp_path / "june.csv.gz"
    path.write_bytes(packed)
    assert "june.csv.gz breaks off after line" in refusal(path, timezone=NEW_YORK)


def test_a_gzip_that_is_damaged_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "june.csv.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00garbage garbage")
    assert "breaks off after line 0" in refusal(path)


def test_zips_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    sheet = zipped(tmp_path / "june.xlsx", {"xl/workbook.xml": "<workbook/>"})
    assert "june.xlsx is a spreadsheet; export it as CSV in UTF-8" == refusal(sheet)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(sheet.read_bytes()[:60])
    assert "broken.zip is a broken zip" in refusal(broken)
    both = tmp_path / "both.csv.gz"
    both.write_bytes(gzip.compress(sheet.read_bytes()))
    assert "it is a zip inside a gzip file); unpack it yourself" in refusal(both)
    none = zipped(tmp_path / "none.zip", {"__MACOSX/._a.csv": b"\0"})
    assert "none.zip is a zip without files" == refusal(none)
    old = {"a.csv": HEADER.replace("ride_id", "id"), "readme.txt": "Trips"}
    assert (
        "none of the 2 files in old.zip gives rides. "
        "For example, a.csv is in neither of the two layouts"
    ) in refusal(zipped(tmp_path / "old.zip", old), timezone=NEW_YORK)
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("a.csv", HEADER)
    data = bytearray(locked.read_bytes())
    data[6] |= 1  # the flag "encrypted", in the file's header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(data)
    assert "can't be unpacked" in refusal(locked)


# --- order and mornings


def test_by_time_sorts_by_start_and_keeps_the_order_of_ties(write: Write) -> None:
    late, early = "2026-06-01 09:00:00", "2026-06-01 07:00:00"
    path = write(
        row("R1", late, late),
        row("R2", early, late),
        row("R3", late, late),
        row("R4", early, early),
    )
    rides = read_trips(path, timezone=NEW_YORK).by_time()
    assert ["R2", "R4", "R1", "R3"] == [ride.ride_id for ride in rides]


def test_by_time_counts_ids_that_come_twice(write: Write) -> None:
    trips = read_trips(
        write(row("R1"), row("R2"), row("R1"), row("R1")), timezone=NEW_YORK
    )
    assert 4 == len(list(trips.by_time()))
    assert 2 == trips.report.count("repeated ride_id")
    assert ["R1"] == trips.report.noted["repeated ride_id"].examples


def test_the_first_morning_counts_the_ids_that_come_twice_in_it(write: Write) -> None:
    """A caller who replays it learns why there are fewer rides than rows."""
    trips = read_trips(
        write(
            *(row(name) for name in ("R1", "R2", "R1", "R3", "R3", "R3")),
            row("R2", "2026-06-02 08:00:00", "2026-06-02 08:10:00"),
        ),
        timezone=NEW_YORK,
    )
    assert 6 == len(trips.first_morning())
    assert 3 == trips.report.count("repeated ride_id")
    assert ["R1"] == trips.report.noted["repeated ride_id"].examples


def test_a_first_morning_of_rides_with_ids_of_their_own_says_nothing(
    write: Write,
) -> None:
    trips = read_trips(write(row("R1"), row("R2")), timezone=NEW_YORK)
    trips.first_morning()
    assert {} == trips.report.noted


def open_databases() -> list[str]:
    """The files of SQLite's that this process holds open, deleted or not."""
    links = Path("/proc/self/fd").iterdir()
    targets = [str(link.readlink()) for link in links if link.is_symlink()]
    return [target for target in targets if "etilqs" in target]


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(),
    reason="open files are seen in /proc, which Linux has: run the tests on Linux",
)
@pytest.mark.parametrize("leave", ["at the end", "early", "by an error", "never"])
def test_by_time_leaves_no_file_however_it_is_left(
    tmp_path: Path, leave: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough rides to outgrow the memory cache, so that there is a file to leave."""
    path, folder = tmp_path / "june.csv", tmp_path / "sqlite"
    folder.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    start = datetime(2026, 6, 1, tzinfo=UTC)
    rides = (
        Ride(f"{n:0500d}", start, start, "S" * 100, "S" * 100) for n in range(20_000)
    )
    write_trips(rides, path, timezone="UTC")
    sorted_rides = read_trips(path, timezone="UTC").by_time()
    next(sorted_rides)
    assert open_databases(), "the rides outgrew memory"
    assert [] == list(folder.iterdir()), "a kill -9 now leaves nothing"
    if leave == "at the end":
        assert 19_999 == len(list(sorted_rides))
    elif leave == "early":
        for _ in sorted_rides:
            break
        del sorted_rides, _
    elif leave == "by an error":

        def consume(rides: Iterator[Ride]) -> None:
            for ride in rides:
                raise RuntimeError(ride.ride_id)

        with pytest.raises(RuntimeError):
            consume(sorted_rides)
        del sorted_rides
    else:
        del sorted_rides
    assert [] == open_databases()
    assert [] == list(folder.iterdir())


def test_a_disk_that_is_full_is_explained(write: Write) -> None:
    import sqlite3

    from movingparts.city.trips.sort import sorted_on_disk

    def rides() -> Iterator[Ride]:
        raise sqlite3.OperationalError("database or disk is full")
        yield

    with pytest.raises(TripsError) as caught:
        list(sorted_on_disk(rides(), "june.csv", lambda count, example: None))
    assert "june.csv can't be sorted on disk (database or disk is full)" in str(
        caught.value
    )
    assert "SQLITE_TMPDIR" in str(caught.value)


def test_the_first_morning_is_in_order_and_ignores_strays(write: Write) -> None:
    mornings = [
        row(f"R{day}-{n}", f"2026-06-0{day} 0{9 - n // 10}:{50 - n:02d}:00", late)
        for day, late in ((2, "2026-06-02 23:00:00"), (1, "2026-06-01 23:00:00"))
        for n in range(20)
    ]
    strays = [row("stray", "2026-05-30 08:00:00", "2026-06-01 09:00:00")]
    night = [row("night", "2026-06-01 05:59:59"), row("ten", "2026-06-01 10:00:00")]
    night[1] = row("ten", "2026-06-01 10:00:00", "2026-06-01 10:05:00")
    trips = read_trips(write(*mornings, *strays, *night), timezone=NEW_YORK)
    morning = trips.first_morning()
    assert {f"R1-{n}" for n in range(20)} == {ride.ride_id for ride in morning}
    assert morning == sorted(morning, key=lambda ride: ride.started_at)
    assert trips.report.complete


def test_the_first_morning_is_found_behind_many_days_of_strays(write: Write) -> None:
    strays = [
        row(f"stray {day}", f"2026-05-{day} 08:00:00", "2026-06-01 09:00:00")
        for day in (28, 12, 20, 25, 11)
    ]
    morning = [row(f"R{n}") for n in range(20)]
    later = [row("later", "2026-06-02 08:00:00", "2026-06-02 08:09:00")]
    trips = read_trips(write(*morning, *strays, *later), timezone=NEW_YORK)
    assert [f"R{n}" for n in range(20)] == [r.ride_id for r in trips.first_morning()]


def test_the_first_morning_is_the_citys_not_that_of_utc(write: Write) -> None:
    """06:30 in Oslo is 04:30 UTC in June."""
    path = write(
        oslo_row("2026-06-01 04:30:00+00:00", "2026-06-01 04:40:00+00:00"),
        oslo_row("2026-06-01 08:30:00+00:00", "2026-06-01 08:40:00+00:00"),
        header=OSLO_HEADER,
    )
    morning = read_trips(path, timezone=OSLO).first_morning()
    assert ["line-2"] == [ride.ride_id for ride in morning]
    with pytest.raises(TripsError) as caught:
        read_trips(path).first_morning()
    assert 'timezone="Europe/Oslo"' in str(caught.value)


def test_no_ride_in_any_morning_is_an_error_with_the_report(write: Write) -> None:
    trips = read_trips(write(row(""), row("R2", start="")), timezone=NEW_YORK)
    with pytest.raises(TripsError) as caught:
        trips.first_morning()
    assert "no usable ride in june.csv starts between 06:00 and 10:00" in str(
        caught.value
    )
    assert "1 missing ride_id, 1 missing station" in str(caught.value)


# --- laws

_instants = st.datetimes(
    min_value=datetime(2015, 1, 1),  # noqa: DTZ001 - Hypothesis wants naive bounds
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
_words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8
).filter(lambda word: word not in MISSING)
_degrees = st.none() | st.floats(-90, 90)


@st.composite
def _rides(draw: st.DrawFn) -> Ride:
    start = draw(_instants)
    return Ride(
        ride_id=draw(_words),
        started_at=start,
        ended_at=start + draw(st.timedeltas(timedelta(0), timedelta(hours=30))),
        start_station_id=draw(_words),
        end_station_id=draw(_words),
        start_station_name=draw(st.none() | _words),
        end_station_name=draw(st.none() | _words),
        start_lat=draw(_degrees),
        end_lon=draw(_degrees),
        bike_type=draw(st.sampled_from([None, "classic_bike", "electric_bike"])),
        member=draw(st.sampled_from([None, True, False])),
    )


_laws = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.slow
@_laws
@given(rides=st.lists(_rides(), max_size=12), packed=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path: Path, rides: list[Ride], packed: bool
) -> None:
    path = tmp_path / ("rides.csv.gz" if packed else "rides.csv")
    assert len(rides) == write_trips(rides, path, layout="lyft", timezone="UTC")
    assert rides == list(read_trips(path, timezone="UTC"))

    write_trips(rides, path, layout="urban-sharing")
    read_again = list(read_trips(path))
    expected = [
        replace(ride, ride_id=seen.ride_id, bike_type=None, member=None)
        for ride, seen in zip(rides, read_again, strict=True)
    ]
    assert expected == read_again


@pytest.mark.slow
@_laws
@given(rides=st.lists(_rides(), max_size=30))
def test_by_time_is_a_sorted_permutation(tmp_path: Path, rides: list[Ride]) -> None:
    path = tmp_path / "rides.csv"
    write_trips(rides, path, timezone="UTC")
    expected = sorted(rides, key=lambda ride: ride.started_at)
    assert expected == list(read_trips(path, timezone="UTC").by_time())


@_laws
@given(data=st.binary(max_size=400), header=st.booleans())
def test_any_bytes_give_rides_or_a_sentence_and_the_counts_add_up(
    tmp_path: Path, data: bytes, header: bool
) -> None:
    path = tmp_path / "fuzz.csv"
    path.write_bytes((f"{HEADER}\n".encode() if header else b"") + data)
    if not header:
        assert re.search("; | lacks ", refusal(path, timezone=NEW_YORK))
    else:
        rides, trips = read(path)
        report = trips.report
        assert len(rides) == report.usable
        assert report.read == report.usable + report.unusable
        assert report.complete


@_laws
@given(
    zipped=st.booleans(),
    damage=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4
    ),
)
def test_a_damaged_archive_gives_rides_or_a_sentence(
    tmp_path: Path, zipped: bool, damage: list[tuple[int, int]]
) -> None:
    path, text = tmp_path / "june", f"{HEADER}\n{row('R1')}\n{row('R2')}\n"
    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("june.csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    data = bytearray(path.read_bytes())
    for at, byte in damage:
        data[at % len(data)] = byte
    path.write_bytes(data)
    with contextlib.suppress(TripsError):
        rides, trips = read(path)
        assert len(rides) == trips.report.usable


@_laws
@given(lines=st.lists(st.text('R,"1\n 2026-:0', max_size=80), max_size=12))
def test_a_good_row_after_bad_ones_is_always_found(
    tmp_path: Path, lines: list[str]
) -> None:
    """Whatever is before it, eight lines of it at most can hide in a quote."""
    path = tmp_path / "june.csv"
    good = [row(f"good {n}") for n in range(9)]
    path.write_text("\n".join([HEADER, *lines, *good, ""]), encoding="utf-8")
    rides, trips = read(path)
    assert good[-1].startswith(rides[-1].ride_id)
    assert trips.report.read == trips.report.usable + trips.report.unusable


# --- the writer, and size


def test_the_same_rides_are_written_as_the_same_bytes(tmp_path: Path) -> None:
    city = larkhaven(seed=7)
    paths = [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"]
    for path in paths:
        write_trips(city.morning(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_layout_that_nobody_publishes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        write_trips([], tmp_path / "x.csv", layout="gbfs")
    assert "layout='gbfs': there are lyft and urban-sharing" == str(caught.value)
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("layout", ["lyft", "urban-sharing"])
def test_larkhavens_morning_comes_back_from_its_file(
    tmp_path: Path, layout: str
) -> None:
    city = larkhaven(seed=7)
    path = tmp_path / "larkhaven.csv"
    write_trips(city.rides(), path, layout=layout)
    morning = read_trips(path, timezone=city.timezone).first_morning()
    expected = [(ride.started_at, ride.end_station_id) for ride in city.morning()]
    assert expected == [(ride.started_at, ride.end_station_id) for ride in morning]


@pytest.mark.slow
def test_memory_stays_constant_whatever_the_size(tmp_path: Path) -> None:
    """1.5 MB of rides pass through 500 kB, streamed or sorted (40 MB: seen by hand)."""
    path = tmp_path / "large.csv"
    day = list(larkhaven(seed=7).rides())
    many = (
        replace(ride, ride_id=f"{n}-{ride.ride_id}") for n in range(4) for ride in day
    )
    assert 12_000 < write_trips(many, path)
    assert path.stat().st_size > 1_500_000
    trips = read_trips(path, timezone="Europe/London")
    tracemalloc.start()
    try:
        assert 12_000 < sum(1 for _ in trips)
        _, streamed = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        assert 12_000 < sum(1 for _ in trips.by_time())
        _, ordered = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert streamed < 500_000
    assert ordered < 500_000
