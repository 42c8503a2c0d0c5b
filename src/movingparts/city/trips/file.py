"""A CSV file, record by record, whatever is broken in it.

Python's ``csv`` reads a file as one stream: a quote that never closes swallows every
row after it. Here each line stands alone unless its quotes span lines, and one bad
line costs one row. Memory stays constant: a line is at most 64 KiB.
"""

from __future__ import annotations

import csv
import struct
import zipfile
import zlib
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

LONGEST_LINE = 65_536
"""Bytes; a longer line is no row of a trip file."""

LINES_PER_RECORD = 8
"""How many lines a quoted field may span before its quote counts as never closed."""

LONG_LINE = "line too long"
NOT_TEXT = "not UTF-8"
OPEN_QUOTE = "unclosed quote"

BROKEN = (
    *(EOFError, OSError, zlib.error, zipfile.BadZipFile),
    *(NotImplementedError, RuntimeError, ValueError, struct.error),
)
"""The undocumented errors that damaged archives raise."""


class TripsError(ValueError):
    """A trip file that cannot be read, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its line (from 1), its fields, or the fault that spoiled it.

    >>> Record(2, ("a", "b")).fault is None
    True
    """

    line: int
    fields: tuple[str, ...]
    fault: str | None = None


def broken_off(name: str, line: int, error: Exception) -> str:
    """The message for a file that can't be read beyond a line."""
    return (
        f"{name} breaks off after line {line} ({error}); "
        "the download was probably cut short: download it again. "
        "The rides before that line are good"
    )


def records(
    stream: IO[bytes], name: str, encoding: str, *, width: int | None = None
) -> Iterator[Record]:
    """The rows of a CSV file, in order; empty lines are no rows.

    ``width`` is how many fields a row must have for its quotes to be believed;
    without it, the first row decides.

    Raises: TripsError where the file breaks off.
    """
    lines = _Lines(stream, name)
    for number, raw in lines:
        record = _record(number, raw, lines, encoding, width)
        if record is None:
            continue
        width = width or len(record.fields)
        yield record


class _Lines(Iterator[tuple[int, bytes | None]]):
    """Lines with their numbers, of which some can be put back; None is too long."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name
        self._number = 0
        self._ahead: deque[tuple[int, bytes | None]] = deque()

    def __next__(self) -> tuple[int, bytes | None]:
        if self._ahead:
            return self._ahead.popleft()
        line = self._read()
        if not line:
            raise StopIteration
        self._number += 1
        while self._number == 1 and line.startswith(BOM_UTF8):  # some add a second
            line = line.removeprefix(BOM_UTF8)
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            return self._number, line
        while line and not line.endswith(b"\n"):
            line = self._read()
        return self._number, None

    def put_back(self, lines: list[tuple[int, bytes | None]]) -> None:
        """Read these again, before all others."""
        self._ahead.extendleft(reversed(lines))

    def _read(self) -> bytes:
        try:
            return self._stream.readline(LONGEST_LINE)
        except BROKEN as error:
            raise TripsError(broken_off(self._name, self._number, error)) from error


def _record(
    number: int, raw: bytes | None, lines: _Lines, encoding: str, width: int | None
) -> Record | None:
    if raw is None:
        return Record(number, (), LONG_LINE)
    text, fault = _decoded(raw, encoding)
    if not text.strip():
        return None
    if '"' not in text:
        fields = text.rstrip("\r\n").split(",")
        return Record(number, () if fault else tuple(fields), fault)
    parsed = _parsed(text, strict=True)
    if parsed is None:
        spanning = _spanning(Record(number, (text,), fault), lines, encoding, width)
        if spanning is not None:
            return spanning
        parsed = _parsed(text, strict=False)
        if parsed is None or len(parsed) != width:
            fault = fault or OPEN_QUOTE
    return Record(number, () if fault else tuple(parsed or ()), fault)


def _decoded(raw: bytes, encoding: str) -> tuple[str, str | None]:
    """The text of a line and its fault; what is no text is replaced, to be counted."""
    try:
        return raw.decode(encoding), None
    except UnicodeDecodeError:
        return raw.decode(encoding, errors="replace"), NOT_TEXT


def _parsed(text: str, *, strict: bool) -> list[str] | None:
    try:
        return next(csv.reader([text], strict=strict))
    except csv.Error:
        return None


def _spanning(
    first: Record, lines: _Lines, encoding: str, width: int | None
) -> Record | None:
    """The row whose quotes close some lines after its first, or None, none read."""
    taken: list[tuple[int, bytes | None]] = []
    text, fault = first.fields[0], first.fault
    for line in lines:
        taken.append(line)
        if line[1] is None:  # too long: it may hold the quote that closes, or not
            break
        more, spoiled = _decoded(line[1], encoding)
        text, fault = text + more, fault or spoiled
        fields = _parsed(text, strict=True)
        if fields is not None and width in (None, len(fields)):
            return Record(first.line, () if fault else tuple(fields), fault)
        if len(taken) == LINES_PER_RECORD - 1:
            break
    lines.put_back(taken)
    return None
