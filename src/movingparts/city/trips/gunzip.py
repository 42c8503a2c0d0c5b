"""A gzip file's content, whatever follows its end.

``gzip.GzipFile`` raises where bytes follow that are no gzip, as gzip(1) doesn't, and
what its buffers hold by then is lost.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 65_536
"""Bytes that are unpacked at a time, at most."""

MAGIC = b"\x1f\x8b"
"""How each gzip member begins; a file may hold several, one after the other."""

_GZIP = zlib.MAX_WBITS | 16


class Gunzip(io.RawIOBase):
    """The content of all gzip members of a stream, as bytes to read.

    ``more_follows`` tells, once the content is read, whether anything but zeros, with
    which tapes are padded, follows the last member.

    >>> import gzip
    >>> unpacked = Gunzip(io.BytesIO(gzip.compress(b"a,b") + b"junk"))
    >>> unpacked.read(), unpacked.more_follows
    (b'a,b', True)

    Raises: EOFError where a member is cut off, zlib.error where it is damaged.
    """

    def __init__(self, packed: io.BufferedReader[Any] | io.BytesIO) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(_GZIP)
        self._input = b""
        self._ended = False
        self.more_follows = False

    def readable(self) -> bool:
        """Return whether it can be read, which it can."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer with what comes next; return how much, 0 at the end."""
        view = memoryview(buffer).cast("B")
        while not self._ended:
            content = self._member.decompress(self._input, len(view))
            self._input = self._member.unconsumed_tail
            if self._member.eof:
                self._next_member(self._member.unused_data)
            elif not content:
                self._input = self._packed.read(CHUNK)
                if not self._input:
                    raise EOFError("the gzip file is cut off")
            if content:
                view[: len(content)] = content
                return len(content)
        return 0

    def _next_member(self, rest: bytes) -> None:
        rest = rest.lstrip(b"\0")
        while len(rest) < len(MAGIC):
            more = self._packed.read(CHUNK)
            if not more:
                break
            rest = (rest + more).lstrip(b"\0")
        if rest.startswith(MAGIC):
            self._member = zlib.decompressobj(_GZIP)
            self._input = rest
        else:
            self._ended, self.more_follows = True, bool(rest)
