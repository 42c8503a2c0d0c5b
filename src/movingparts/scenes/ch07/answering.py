"""Two ways to answer with the map: a service that says how old it is, or no second one.

Source: chapter 07. Leaves out: clocks that differ between services (chapter 10).
"""

from __future__ import annotations

import ast
import inspect
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.datastructures import State

from movingparts.core import Node
from movingparts.eventstore import StoredEvent
from movingparts.projection import Apply, Projection, RemoteLog
from movingparts.repository import RecordedEvent
from movingparts.scenes.ch07.stations import (
    BIKES,
    CHANGE,
    ROW,
    STATIONS,
    WriteSide,
    commands,
    count_bikes,
)
from movingparts.service import service

NEWEST = "CREATE TABLE newest AS SELECT '' AS at"
MAP = "SELECT station, bikes FROM bikes"


def count_and_date(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change the view for one event, and note when that event happened."""
    count_bikes(db, event)
    db.execute("UPDATE newest SET at = ?", [event.data["at"]])


async def follow(view: Projection, node: Node, state: State) -> None:
    """Poll the log forever, and note when the view last had all of it."""
    log = RemoteLog(node.client, "http://stations/log")
    while True:
        asked = node.clock.now().isoformat()
        with suppress(httpx.HTTPError):  # no answer: nothing to note
            await view.catch_up(log)  # returns once the log has no more
            state.complete = asked
        await node.clock.sleep(state.every)


def dated_map(
    node: Node,
    *,
    every: float = 5,
    file: str = "map.sqlite",
    apply: Apply = count_and_date,
) -> FastAPI:
    """Return the service that answers with the map, and with how old it is."""
    db = node.disk.connect(file)
    view = Projection(db, apply, tables=[BIKES, NEWEST])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        node.tasks.create_task(follow(view, node, app.state))
        yield

    app = service(node, title="map", lifespan=lifespan)
    app.state.view, app.state.complete, app.state.every = view, "", every

    @app.get("/map")
    async def city_map() -> dict[str, Any]:
        """Return the view, its position, and as of when it is right."""
        (newest,) = db.execute("SELECT at FROM newest").fetchone()
        as_of = max(newest, app.state.complete)
        bikes = dict(map(tuple, db.execute(MAP)))
        return {"bikes": bikes, "position": view.position, "as_of": as_of}

    return app


def both_models(node: Node) -> FastAPI:
    """Return the service `stations` with a view in its own file, for the map."""
    app = commands(node)
    side: WriteSide = app.state.side
    db = side.rows.db
    db.execute(BIKES.replace("TABLE", "TABLE IF NOT EXISTS"))

    def record_and_count(recorded: Sequence[RecordedEvent]) -> None:
        side.record(recorded)  # into the log, and then into the view
        for each in recorded:
            kind, _ = each.event
            by = {"BikeDocked": 1, "BikeLeft": -1}[kind]
            db.execute(CHANGE, (each.key, by))

    side.rows.save = record_and_count  # runs before the command commits

    @app.get("/map")
    async def city_map() -> dict[str, int]:
        """Return how many bikes are at each station: read the view."""
        await side.core.work(len(STATIONS) * ROW)
        return dict(map(tuple, db.execute(MAP)))

    return app


def code_lines(*things: Any) -> int:
    """Return how many lines of code these have, without comments and docstrings.

    >>> code_lines(count_and_date)
    3
    """
    return sum(len(_bare(inspect.getsource(each)).splitlines()) for each in things)


def _bare(source: str) -> str:
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node):
            node.body = node.body[1:]
    return "\n".join(line for line in ast.unparse(tree).splitlines() if line.strip())
