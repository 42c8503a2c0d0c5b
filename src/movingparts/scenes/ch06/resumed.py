"""A ride whose process dies inside a step, and a new process that finishes it.

`on_dbos` runs the ride, and `bench.temporal` does; here are the services that they
call, and what kills them.

Source: chapter 06. Leaves out: four databases; the services share one.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from movingparts.participant import Participant
from movingparts.world.local.watchdog import PREFIX

STEPS = ("reserve", "authorize", "unlock", "start")
RIDE = "ride-ada"
FATAL = "authorize"
TABLES = """CREATE TABLE IF NOT EXISTS asked (step TEXT);
    CREATE TABLE IF NOT EXISTS done (step TEXT);"""
LIMIT = 120.0  # seconds, of a process


class Services:
    """Does each step once, whatever comes twice, and counts how often it was asked.

    After the step `fatal`, the process dies before it can say that it was done.
    """

    def __init__(self, folder: Path, fatal: str = "") -> None:
        self._db = sqlite3.connect(folder / "services.sqlite", check_same_thread=False)
        self._db.executescript(TABLES)
        self._participant, self._fatal = Participant(self._db), fatal

    def do(self, key: str) -> None:
        """Do a step, whose name ends its key."""
        step = key.rpartition("/")[2]
        with self._db:
            self._db.execute("INSERT INTO asked VALUES (?)", (step,))
        self._participant.do(key, lambda db: _insert(db, step))
        if step == self._fatal:
            signal.raise_signal(signal.SIGKILL)

    def undo(self, key: str) -> None:
        """Take a step back."""
        step = key.rpartition("/")[2]
        delete = "DELETE FROM done WHERE step = ?"
        self._participant.undo(key, lambda db: db.execute(delete, (step,)))

    def count(self, table: str) -> list[int]:
        """Return how often each step was asked for, or done."""
        rows = self._db.execute(f"SELECT step FROM {table}").fetchall()  # noqa: S608  # names of ours
        return [rows.count((step,)) for step in STEPS]

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _insert(db: sqlite3.Connection, step: str) -> None:
    db.execute("INSERT INTO done VALUES (?)", (step,))


def resumed(module: str, *more: str) -> dict[str, Any]:
    """Run the ride in a process that dies inside a step, then in another one.

    Return how the first one ended, and how often each step was asked for and done.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        command = [sys.executable, "-m", module, name]
        first = _run([*command, FATAL, *more])
        if (last := _run([*command, "", *more])) != 0:
            raise RuntimeError(f"{module} has not finished the ride: {last}")
        with closing(Services(Path(name))) as services:
            counts = {table: services.count(table) for table in ("asked", "done")}
        return {"killed": first == -signal.SIGKILL, **counts}


def _run(command: Sequence[str]) -> int:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=LIMIT,
        check=False,
    ).returncode
