"""A service that is a process of its own, as the kernel sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from movingparts.core.errors import ServeError
from movingparts.world.local.broker import write_private
from movingparts.world.local.watchdog import Watchdog

GRACE = 8.0  # seconds between asking a process to end and killing it


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
        before = len(self.logs)
        self._launch(config)
        try:
            self.port = await self._ready(config.with_suffix(".ready"), before, timeout)
        except BaseException:
            self._asked = True
            self.end()
            raise

    def _launch(self, config: Path) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # this Python, our own module
                [sys.executable, "-m", "movingparts.world.local.process", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._watchdog.own_process(self._process.pid)

    async def _ready(self, file: Path, before: int, timeout: float) -> int:
        """Wait for what the process says of its start; return its port."""
        deadline = time.monotonic() + timeout
        answer = None
        while answer is None:
            if not self.up or time.monotonic() > deadline:
                raise ServeError(self._why(before))
            await asyncio.sleep(0.01)
            answer = _read(file)
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
            process.kill()
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
        state = "is not listening yet, and was ended" if self.up else "ended"
        return f"{self._name} did not start: its process {state}. It said:\n{lines}"


def _read(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_bytes()) if file.exists() else None


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
