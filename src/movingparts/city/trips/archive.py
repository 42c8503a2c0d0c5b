"""The parts of a trip file: itself, or what is packed in it, one after the other.

What a file is, its first bytes say, not its suffix: a zip may hold zips and gzip
files. A part that can't be unpacked is given too, with the reason.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from movingparts.city.trips.file import BROKEN, TripsError, broken_off
from movingparts.city.trips.gunzip import MAGIC, Gunzip
from movingparts.city.trips.magic import EXPORT, no_csv, packed_as

NO_TRIPS = "file without trips"
NOT_UNPACKED = "file not unpacked"
AFTER_END = "bytes after the end"

DEEPEST = 4
"""How many archives may hold each other; some zips hold themselves, without end."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SPREADSHEET = {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}


class PartError(TripsError):
    """A part of a trip file that gives no rides; ``kind`` is what a report calls it."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a trip file: its bytes, unpacked, or why it gives no rides.

    Its name is its path inside the archive, or the file's name if there is none.
    """

    name: str
    content: io.BufferedReader[Any] | PartError


def parts(path: Path) -> Generator[Part, None, None]:
    """All files in a file, by name; only what the Mac's archiver adds is left out.

    Raises: TripsError where the file is missing or can't be opened.
    """
    with _opened(path) as raw:
        yield from _unpacked(path.name, raw, 0)


def _opened(path: Path) -> io.BufferedReader[Any]:
    try:
        if not path.exists() or path.is_file() or path.is_dir():
            return path.open("rb")
    except FileNotFoundError:
        raise TripsError(
            f"there is no file {path}; give the path of a trip-history CSV "
            "(.csv, .csv.gz or .zip)"
        ) from None
    except IsADirectoryError:
        raise TripsError(f"{path} is a folder; give one of the files in it") from None
    except OSError as error:
        raise TripsError(f"{path} can't be opened: {error.strerror}") from error
    except ValueError as error:  # a NUL, or a character that no path can have
        raise TripsError(f"{str(path)!r} can't be opened: {error}") from None
    raise TripsError(f"{path} is no ordinary file; give the path of one")


def _unpacked(name: str, packed: io.BufferedReader[Any], depth: int) -> Iterator[Part]:
    try:
        head = packed.peek(512)[:512]
    except BROKEN as error:
        yield Part(name, PartError(NOT_UNPACKED, broken_off(name, 0, error)))
        return
    gzipped, zipped = head.startswith(MAGIC), head.startswith(_ZIP)
    if (gzipped or zipped) and depth == DEEPEST:
        yield Part(name, _not_unpacked(name, f"{depth} archives hold each other"))
    elif gzipped:
        gunzip = Gunzip(packed)
        with io.BufferedReader(gunzip) as plain:
            yield from _unpacked(name, plain, depth + 1)
        if gunzip.more_follows:
            sentence = f"{name} goes on after the end of its gzip file"
            yield Part(name, PartError(AFTER_END, sentence))
    elif zipped and not packed.seekable():
        yield Part(name, _not_unpacked(name, "it is a zip inside a gzip file"))
    elif zipped:
        yield from _members(name, packed, depth)
    elif what := packed_as(head):
        yield Part(name, PartError(NOT_UNPACKED, f"{name} is {what}"))
    elif what := no_csv(head):
        yield Part(name, PartError(NO_TRIPS, f"{name} is {what}"))
    else:
        yield Part(name, packed)


def _members(name: str, packed: io.BufferedReader[Any], depth: int) -> Iterator[Part]:
    try:
        archive = zipfile.ZipFile(packed)
    except BROKEN as error:
        sentence = f"{name} is a broken zip ({error}); download it again"
        yield Part(name, PartError(NOT_UNPACKED, sentence))
        return
    with archive:
        files = [each for each in archive.infolist() if _holds_data(each)]
        if not files:
            yield Part(name, PartError(NO_TRIPS, f"{name} is a zip without files"))
        elif not _SPREADSHEET.isdisjoint(each.filename for each in files):
            yield Part(name, PartError(NO_TRIPS, f"{name} is a spreadsheet; {EXPORT}"))
        else:
            for each in sorted(files, key=lambda file: file.filename):
                inside = f"{name}/{each.filename}" if depth else each.filename
                yield from _member(inside, archive, each, depth)


def _member(
    name: str, archive: zipfile.ZipFile, file: zipfile.ZipInfo, depth: int
) -> Iterator[Part]:
    try:
        member = archive.open(file)
    except BROKEN as error:
        yield Part(name, _not_unpacked(name, str(error)))
        return
    with io.BufferedReader(cast("zipfile.ZipExtFile", member)) as plain:
        yield from _unpacked(name, plain, depth + 1)


def _not_unpacked(name: str, why: str) -> PartError:
    return PartError(
        NOT_UNPACKED,
        f"{name} can't be unpacked ({why}); unpack it yourself and give the path of "
        "the .csv",
    )


def _holds_data(file: zipfile.ZipInfo) -> bool:
    *folders, name = file.filename.split("/")
    of_a_mac = "__MACOSX" in folders or name == ".DS_Store" or name.startswith("._")
    return not (file.is_dir() or of_a_mac)
