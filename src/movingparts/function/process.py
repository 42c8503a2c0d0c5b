"""A process of an instance, or of the fork server, and how it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")  # Linux; elsewhere only a session's own group is found


class Process:
    """A process at the head of a session: spawned here, or forked by a fork server."""

    def __init__(self, pid: int, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self._popen = pid, popen

    @classmethod
    def spawn(cls, script: list[str], fd: int, log: int) -> Process:
        """Start this Python on a script, with one socket and nothing else of ours."""
        popen = subprocess.Popen(
            # Isolated: no variable, folder or package of the user changes it.
            [sys.executable, "-I", "-u", *script],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(fd,),
            env={},
            start_new_session=True,
        )
        return cls(popen.pid, popen)

    @property
    def up(self) -> bool:
        """Whether it runs."""
        if self._popen is not None:
            return self._popen.poll() is None
        if _PROC.exists():  # a dead one may wait to be forgotten: it is a zombie
            return stat_of(self.pid)[:1] not in ([], [b"Z"])
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self, folder: Path | None = None) -> str:
        """Kill it, its session and what works in its folder; return how it ended.

        What has ended on its own has done so before the signal comes.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in left_by(self.pid, folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if self._popen is None:
            while self.up:
                time.sleep(0.000_2)  # after SIGKILL, not for long
            return ""
        code = self._popen.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def left_by(session: int, folder: Path | None) -> Iterator[int]:
    """Yield the processes of a session, and those that work in a folder."""
    for entry in _PROC.glob("[1-9]*"):
        pid = int(entry.name)
        if stat_of(pid)[3:4] == [b"%d" % session]:
            yield pid
        elif folder is not None:
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                if (entry / "cwd").readlink().is_relative_to(folder):
                    yield pid


def stat_of(pid: int) -> list[bytes]:
    """Return what Linux says of a process: state, parent, group, session and more."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return []
    return text.rpartition(b")")[2].split()  # its name before may hold anything
