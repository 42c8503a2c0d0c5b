"""A platform for the lab's local world: each instance is a process.

Source: chapter 11. Leaves out: a platform in a process of its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from movingparts.core import Node
from movingparts.function import Platform, gateway
from movingparts.function.local import LocalBackend

LIMIT = 4  # requests at once: more processes would only wait for the two CPUs


def functions(node: Node) -> FastAPI:
    """Serve a platform; its instances end when the service stops.

    The app's state has the `platform` and its `backend`.
    """
    backend = LocalBackend()
    platform = Platform(node, backend, limit=LIMIT)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await node.bus.stream("RIDES", "rides.>")
        async with backend:
            yield

    app = gateway(node, platform, lifespan=lifespan)
    app.state.platform, app.state.backend = platform, backend
    return app


def ledger(node: Node, name: str, column: str) -> str:
    """Make a database of charges, with an event in this column; return its path."""
    with suppress(FileNotFoundError):
        (node.disk.path / name).unlink()
    db = node.disk.connect(name)
    db.execute(f"CREATE TABLE charges ({column})")
    db.execute("CREATE TABLE deaths (event PRIMARY KEY)")
    db.close()
    return str(node.disk.path / name)


def charges(path: str) -> Counter[str]:
    """Return how often each event is in a database of charges."""
    db = sqlite3.connect(path)
    try:
        return Counter(event for (event,) in db.execute("SELECT event FROM charges"))
    finally:
        db.close()


async def kill(node: Node, backend: LocalBackend, times: int) -> None:
    """Send signal 9 to instances, one picked at random every 0.05 seconds."""
    while times:
        await node.clock.sleep(0.05)
        if pids := backend.pids:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(node.random.choice(pids), 9)
                times -= 1


async def settled(platform: Platform, name: str, ids: Sequence[str]) -> None:
    """Wait until a function has succeeded for all events, up to a minute."""
    for _ in range(1_200):
        done = [i for i in platform.invocations if i.function == name]
        if len({i.id for i in done if i.status == "ok"}) >= len(ids):
            return
        await platform.node.clock.sleep(0.05)
