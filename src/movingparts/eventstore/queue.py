"""A queue for writers in several processes."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # elsewhere it is there


class WriterQueue:
    """Lets writers of several processes take turns: two locks on files of its own.

    Without it, SQLite lets in whoever asks first after a commit. That is mostly the
    writer that just committed, and the others wait for seconds. One lock would be no
    better, so there is a gate in front of it: whoever writes next stands in the gate,
    and the last writer has to wait behind them. If a writer is killed, the kernel
    frees its locks. On Windows this does nothing.

    Source: chapter 08; flock(2). Leaves out: network file systems, which may ignore
    the locks, and the order of those who wait at the gate.
    """

    def __init__(self, path: Path | str) -> None:
        self._path, self._file = path, -1

    def __enter__(self) -> None:
        gate = _locked(f"{self._path}.gate")
        try:
            self._file = _locked(self._path)
        finally:
            os.close(gate)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)  # which releases the lock


def _locked(path: Path | str) -> int:
    """Wait for the lock on a file; closing what is returned releases it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
    except BaseException:  # an interrupt while it waits
        os.close(file)
        raise
    return file
