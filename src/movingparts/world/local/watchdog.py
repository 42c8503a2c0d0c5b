"""Ends a kernel's processes and removes its folders when the kernel is gone.

A kernel that is killed runs no clean-up of its own. This file is therefore two
things: `Watchdog`, which the kernel uses, and the script that it starts once, in a
session of its own, with a pipe as standard input. The kernel writes what it owns into
the pipe; when the pipe ends, however that came about, the script ends those processes
and removes those folders.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PREFIX = "movingparts-"
_PROC = Path("/proc")  # Linux; macOS has none, and ps says the same


class Watchdog:
    """What the kernel tells its watchdog; one serves all worlds of a process.

    Leaves out: Windows, where a Job Object would do this.
    """

    def __init__(self) -> None:
        self._owned: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<Watchdog: {len(self._owned)} processes and folders>"

    @property
    def pid(self) -> int | None:
        """The script's process id, while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def own_process(self, pid: int) -> None:
        """Have a process, and its session, ended with this one."""
        # The start time tells this process from a later one with the same number.
        self._send(f"process {pid}", started(pid) or "-")

    def own_folder(self, folder: Path) -> None:
        """Have a folder removed with this process."""
        self._send(f"folder {folder}", "")

    def release_process(self, pid: int) -> None:
        """Forget a process that has ended."""
        self._unsay(f"process {pid}")

    def release_folder(self, folder: Path) -> None:
        """Forget a folder that has been removed."""
        self._unsay(f"folder {folder}")

    def _send(self, key: str, value: str) -> None:
        self._owned[key] = value
        self._write(f"{value}\t{key}\n")

    def _unsay(self, key: str) -> None:
        if self._owned.pop(key, None) is None:
            return
        self._write(f"forget\t{key}\n")
        if not self._owned:
            self._rest()

    def _rest(self) -> None:
        """End the script: nothing is left to watch."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(timeout=5)

    def _write(self, line: str) -> None:
        if self.pid is None:
            self._start()
            line = "".join(f"{value}\t{key}\n" for key, value in self._owned.items())
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(line.encode())

    def _start(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        # -I -S: no user's site, no .pth files: it starts in 10 ms and needs nothing.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            cwd="/",
        )


def started(pid: int) -> str:
    """Return when a process began, in its system's own words; empty if it is gone."""
    try:
        if _PROC.exists():
            # The name, in parentheses, may hold anything; the 22nd field is the start.
            text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
            return text.rpartition(")")[2].split()[19]
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.check_output(command, text=True).strip().replace("\t", " ")
    except (OSError, IndexError, subprocess.CalledProcessError):
        return ""


def watch(stream: int, parent: int) -> dict[str, str]:
    """Read what is owned until the pipe ends or the parent is gone; return it.

    A child that the kernel forked holds the pipe open after the kernel's end, which is
    why the parent is looked at too.
    """
    owned: dict[str, str] = {}
    text = b""
    while os.getppid() == parent:
        ready, _, _ = select.select([stream], [], [], 0.5)
        if not ready:
            continue
        part = os.read(stream, 65536)
        if not part:
            break
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            value, _, key = line.decode().partition("\t")
            if value == "forget":
                owned.pop(key, None)
            else:
                owned[key] = value
    return owned


def clean(owned: dict[str, str]) -> None:
    """End the processes, then remove the folders."""
    for key, value in owned.items():
        kind, _, what = key.partition(" ")
        if kind == "process" and started(int(what)) == value:
            end(int(what))
    folders = [key.partition(" ")[2] for key in owned if key.startswith("folder ")]
    for _ in range(10):  # what was killed may write for a moment more
        for folder in folders:
            if Path(folder).name.startswith(PREFIX):
                shutil.rmtree(folder, ignore_errors=True)
        if not any(Path(folder).exists() for folder in folders):
            return
        time.sleep(0.05)


def end(pid: int) -> None:
    """Kill a process and what it started in its session."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    # What ends the kernel from a terminal must not end its watchdog first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    clean(watch(sys.stdin.fileno(), os.getppid()))
