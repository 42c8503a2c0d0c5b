"""Services that the tests of LocalWorld start in processes of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import BackgroundTasks, FastAPI

from movingparts.bus import Event
from movingparts.world import Node


def counter(node: Node) -> FastAPI:
    """Count visits on disk, and say which process counts."""
    disk = node.disk.connect()
    disk.execute("CREATE TABLE IF NOT EXISTS visits (number INTEGER)")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sys.stdout.write("the counter begins\n")
        yield
        sys.stdout.write("the counter ends\n")

    app = FastAPI(lifespan=lifespan)

    @app.post("/visits")
    async def visit() -> dict[str, int]:
        with disk:
            disk.execute("INSERT INTO visits VALUES (1)")
        count = disk.execute("SELECT count(*) FROM visits").fetchone()[0]
        return {"count": count, "pid": os.getpid()}

    @app.get("/slow")
    async def slow() -> None:
        (node.disk.path / "begun").touch()
        await node.clock.sleep(60)

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("no such luck")

    @app.get("/verbose")
    async def verbose() -> None:
        raise ValueError("😀" * 1_000_000)

    @app.post("/end")
    async def end() -> None:
        os._exit(3)

    @app.get("/id")
    async def new_id() -> str:
        return node.new_id()

    return app


def asker(node: Node) -> FastAPI:
    """Ask the counter, wherever it runs, and tell the bus."""
    app = FastAPI()

    @app.post("/ask")
    async def ask() -> Any:
        reply = await node.client.post("http://counter/visits")
        await node.bus.publish("visits.counted", Event("v", "/asker", "Visited"))
        return reply.json()

    return app


def threads(node: Node) -> FastAPI:
    """Ask for a thread, which only shows when the task begins."""
    app = FastAPI()

    def later() -> None:
        return

    @app.post("/")
    async def begin(tasks: BackgroundTasks) -> None:
        tasks.add_task(later)

    return app


def sleeper(node: Node) -> FastAPI:
    """Leave before it listens, with a last word."""
    sys.stdout.write("a last word\n")
    sys.stdout.flush()
    os._exit(4)


def number(node: Node) -> Any:
    """Return what is no app."""
    return 42
