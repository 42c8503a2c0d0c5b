"""A service that is a process of its own, as the kernel sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from movingparts.core.errors import ServeError
from movingparts.world.local.broker import write_private
from movingparts.world.local.watchdog import Watchdog

GRACE = 8.0  # seconds between asking a process to end and killing it

# Returns the port of a process that listens, or its reason; None if it isn't ready.
Ready = Callable[[], Awaitable[dict[str, Any] | None]]


class SpawnedService:
    """A service in a process of its own: it can be killed, and shares no memory.

    Source: chapter 01. Leaves out: starting it again when it dies (chapter 13).
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        watchdog: Watchdog,
        ended: Callable[[SpawnedService, str], None],
    ) -> None:
        self._name, self._folder, self._watchdog = name, folder, watchdog
        self._ended = ended
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False
        self.port: int | None = None
        self.reports = True  # whether it tells the kernel what it sees

    def __repr__(self) -> str:
        state = "up" if self.up else "down"
        return f"<Service {self.name} {state}, {len(self.logs)} lines logged>"

    @property
    def name(self) -> str:
        """The name that others reach it by."""
        return self._name

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> list[str]:
        """What it did and printed, over all processes of this name, oldest first."""
        try:
            return self._log.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []

    @property
    def up(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process is not None and self.up else None

    async def start(self, settings: dict[str, Any], *, timeout: float = 30.0) -> None:
        """Start the process and wait until it listens.

        Raises `ServeError` with its reason and its last lines if it ends before that,
        or does not listen within `timeout` seconds.
        """
        config = self._folder / f"{self._name}-{settings['number']}.json"
        write_private(config, json.dumps(settings))
        ready = config.with_suffix(".ready")
        module = "movingparts.world.local.process"

        async def listening() -> dict[str, Any] | None:
            return json.loads(ready.read_bytes()) if ready.exists() else None

        command = [sys.executable, "-m", module, str(config)]
        await self._start(command, {"PYTHONUNBUFFERED": "1"}, listening, timeout)

    async def start_command(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        health: str,
        timeout: float = 30.0,
    ) -> None:
        """Start any program that listens where `PORT` says; wait until it is healthy.

        That is when it answers a GET of the path `health` with 200 or alike. Raises
        `ServeError` as `start` does.
        """
        self.reports = False
        port = _free_port()
        # Nothing here speaks TLS, and to load certificates takes a while.
        sockets = httpx.AsyncHTTPTransport(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        async with httpx.AsyncClient(transport=sockets, timeout=1.0) as client:

            async def healthy() -> dict[str, Any] | None:
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://127.0.0.1:{port}{health}")
                    return {"port": port} if answer.is_success else None
                return None

            environment = {**env, "PORT": str(port)}
            await self._start([*map(str, command)], environment, healthy, timeout)

    async def _start(
        self, command: list[str], env: dict[str, str], ready: Ready, timeout: float
    ) -> None:
        before = len(self.logs)
        try:
            self._launch(command, env)
            self.port = await self._ready(ready, before, timeout)
        except BaseException:
            self._asked = True
            self.end()
            raise

    def _launch(self, command: list[str], env: dict[str, str]) -> None:
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **env},
                )
        except OSError as error:
            raise ServeError(
                f"{self._name} did not start: {command[0]}: {error.strerror}"
            ) from None
        self._watchdog.own_process(self._process.pid)

    async def _ready(self, ready: Ready, before: int, timeout: float) -> int:
        """Wait for what the process says of its start; return its port."""
        deadline = time.monotonic() + timeout
        answer = None
        while answer is None:
            if not self.up or time.monotonic() > deadline:
                raise ServeError(self._why(before))
            await asyncio.sleep(0.01)
            answer = await ready()
        if "error" in answer:
            raise ServeError(f"{self._name} did not start: {answer['error']}")
        return int(answer["port"])

    async def stop(self) -> None:
        """Let it finish what it has begun, run its shutdown, and end."""
        process, self._asked = self._process, True
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            for _ in range(int(GRACE / 0.01)):
                if process.poll() is not None:
                    break
                await asyncio.sleep(0.01)
        self.end()

    def kill(self) -> None:
        """End its process with SIGKILL: no shutdown, no `finally`, nothing."""
        if self.up:
            self.end()

    def end(self) -> None:
        """End the process at once if it runs, and tell the world that it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # with all that it started
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        self._watchdog.release_process(process.pid)
        how = f"ended with code {code}"
        if code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        self._ended(self, "stopped" if self._asked else how)

    def look(self) -> None:
        """Notice that the process has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            self.end()

    def _why(self, before: int) -> str:
        lines = "\n".join(self.logs[before:][-8:])
        code = self._process.poll() if self._process is not None else None
        state = "is not ready yet, and was ended" if self.up else "ended"
        how = "" if code is None else f" with code {code}"
        output = f"It said:\n{lines}" if lines else "It said nothing."
        return f"{self._name} did not start: its process {state}{how}. {output}"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def check_target(target: Any) -> str:
    """Return `module:factory` for what `spawn` was given, or raise `ServeError`."""
    if callable(target):
        target = f"{target.__module__}:{getattr(target, '__qualname__', '')}"
    module, colon, factory = str(target).partition(":")
    if module == "__main__":
        raise ServeError(
            f"{factory} is defined in this notebook, which a process of its own"
            " cannot import. Write it to a file (`%%writefile my_service.py` at the"
            f' top of its cell), then spawn "my_service:{factory}"'
        )
    named = [*module.split("."), *factory.split(".")]
    if not colon or not all(part.isidentifier() for part in named):
        raise ServeError(
            f'{target!r} names no factory: write "module:factory",'
            ' for example "my_service:pricing"'
        )
    return f"{module}:{factory}"
