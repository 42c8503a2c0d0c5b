"""Recognizes files that are no CSV by their first bytes."""

from __future__ import annotations

UNPACK = "which this reader can't unpack; unpack it and give the path of the .csv"
EXPORT = "export it as CSV in UTF-8"
CONVERT = "save it in UTF-8, for example with iconv -f {} -t UTF-8"

_PACKED = {
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"7z\xbc\xaf\x27\x1c": "packed with 7-Zip",
    b"Rar!\x1a\x07": "packed with RAR",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
}
_OTHER = {
    b"PAR1": f"a Parquet file; {EXPORT}",
    b"\xd0\xcf\x11\xe0": f"an old Excel file; {EXPORT}",
    b"SQLite format 3\x00": f"an SQLite database; {EXPORT}",
    b"%PDF-": "a PDF; give a CSV file",
    b"version https://git-lfs": (
        "a Git LFS pointer, which stands for the file; fetch the file with git lfs pull"
    ),
    b"\xff\xfe\x00\x00": f"text in UTF-32; {CONVERT.format('UTF-32')}",
    b"\xff\xfe": f"text in UTF-16; {CONVERT.format('UTF-16')}",
    b"\xfe\xff": f"text in UTF-16; {CONVERT.format('UTF-16')}",
}
_TAR = 257
"""Where a tar archive says that it is one."""


def packed_as(head: bytes) -> str | None:
    """Return what a file is packed with that can't be unpacked here, if it is.

    >>> packed_as(b"BZh91AY&SY")[:18]
    'packed with bzip2,'
    """
    if head[_TAR:].startswith(b"ustar"):
        return f"a tar archive, {UNPACK}"
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            return f"{what}, {UNPACK}"
    return None


def no_csv(head: bytes) -> str | None:
    """Return what a file is instead of CSV, and what to do about it, if that shows.

    >>> no_csv(b"PAR1 ")
    'a Parquet file; export it as CSV in UTF-8'
    """
    for magic, what in _OTHER.items():
        if head.startswith(magic):
            return what
    line = head.partition(b"\n")[0]
    if b"\0" not in line:
        return None
    for order, letters in (("BE", line[1::2]), ("LE", line[0::2])):
        if b"\0" not in letters and len(line) > 1:  # every other byte, as of UTF-16
            return f"text in UTF-16; {CONVERT.format(f'UTF-16{order}')}"
    return "no text, since its first line holds a NUL byte; give a CSV file"
