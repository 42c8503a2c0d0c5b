"""A queue for writers in several processes."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # elsewhere it is there


class WriterQueue:
    """Lets writers of several processes take turns: a lock on a file of its own.

    Without it, SQLite lets in whoever asks first after a commit. That is mostly the
    writer that just committed, and the others wait for seconds. If a writer is killed,
    the kernel frees its lock. On Windows this does nothing.

    Source: chapter 08; flock(2). Leaves out: network file systems, which may ignore
    the lock.
    """

    def __init__(self, path: Path | str) -> None:
        self._path, self._file = path, -1

    def __enter__(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)  # which releases the lock
