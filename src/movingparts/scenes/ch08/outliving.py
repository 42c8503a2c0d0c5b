"""A query sidecar: it copies the log of `rides`, and answers from the copy.

Source: chapter 08. Leaves out: a source that returns with an older log, from a backup
(exercise 8.6), and events that are late: here, the log is in the order of time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node
from movingparts.eventstore import NewEvent, SqliteEventStore, StoredEvent
from movingparts.projection import Projection, RemoteLog, log_router
from movingparts.service import service

STAYS = """CREATE TABLE stays (bike TEXT, station TEXT, since TEXT, until TEXT,
    PRIMARY KEY (bike, since))"""
COMES = "INSERT INTO stays VALUES (?, ?, ?, NULL)"
GOES = "UPDATE stays SET until = ? WHERE bike = ? AND until IS NULL"
BIKES = """SELECT count(*) FROM stays
    WHERE station = ?1 AND since <= ?2 AND (until > ?2 OR until IS NULL)"""


def count_bikes(events: Iterable[StoredEvent], station: str, at: str) -> int:
    """Return how many bikes stood at a station at a time."""
    where: dict[str, str] = {}
    for event in events:
        if event.data["at"] > at:
            break
        if event.type == "RideStarted":
            where.pop(event.data["bike"])
        elif event.type != "FareCharged":
            where[event.data["bike"]] = event.data["station"]
    return list(where.values()).count(station)


def stay(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change the view for one event: a bike goes, or comes."""
    data = event.data
    if event.type in ("RideStarted", "BikeMoved"):
        db.execute(GOES, (data["at"], data["bike"]))
    if event.type in ("BikePlaced", "RideEnded", "BikeMoved"):
        db.execute(COMES, (data["bike"], data["station"], data["at"]))


def sidecar(node: Node, every: float = 300) -> FastAPI:
    """Return the service that keeps a copy of the log, and all stays."""
    db = node.disk.connect()
    copy = SqliteEventStore(db, node.clock)

    def keep(db: sqlite3.Connection, event: StoredEvent) -> None:
        new = NewEvent(event.id, event.type, event.data)
        copy.add(event.stream, [new], expected_version=event.version - 1)
        stay(db, event)

    view = Projection(db, keep, tables=[STAYS])
    app = following(node, view, every)
    app.include_router(log_router(copy))

    @app.get("/stations/{station}/bikes")
    async def bikes(station: str, at: str) -> dict[str, Any]:
        (count,) = db.execute(BIKES, (station, at)).fetchone()
        (newest,) = await copy.read_all(from_position=copy.position - 1)
        as_of = newest.data["at"]
        return {"bikes": count, "as_of": as_of, "final": at < as_of}

    return app


def following(node: Node, view: Projection, every: float) -> FastAPI:
    """Return a service that asks `rides` for events every so many seconds."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log = RemoteLog(node.client, "http://rides/log")
        node.tasks.create_task(view.follow(log, node.clock, every=every))
        yield

    return service(node, title="sidecar", lifespan=lifespan)
