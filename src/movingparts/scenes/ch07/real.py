"""Both sides as processes of their own, which are killed in the middle of their work.

The write side is `stations.commands`, and each query side here is a `dated_map`. The
lab kills them; two query sides stop at the worst moment and wait for that.

Source: chapter 07. Leaves out: a write side whose disk is lost, and the log with it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.core.node import World
from movingparts.eventstore import StoredEvent
from movingparts.projection import POSITION, RemoteLog
from movingparts.scenes.ch05.real import stop
from movingparts.scenes.ch07.answering import MAP, count_and_date, dated_map
from movingparts.scenes.ch07.stations import STATIONS

EVERY = 0.1  # seconds between two polls of the log
OLD, NEW = "map.sqlite", "map-2.sqlite"
DOCKED = """SELECT data ->> 'station', data ->> 'bike' FROM events
    WHERE type = 'BikeDocked'"""


def city_map(node: Node) -> FastAPI:
    """Serve the map, which saves its counts and its checkpoint together."""
    return dated_map(node, every=EVERY)


def stops_in_a_batch(node: Node) -> FastAPI:
    """Serve the map, and stop for good when bike 150 is counted, not committed."""

    def count_and_stop(db: sqlite3.Connection, event: StoredEvent) -> None:
        count_and_date(db, event)
        if event.data["bike"] == "B150":
            stop(node, "in-a-batch")

    return dated_map(node, every=EVERY, apply=count_and_stop)


def commits_too_early(node: Node) -> FastAPI:
    """Serve a map that commits each count before its checkpoint; stop at bike 250."""

    def count_and_commit(db: sqlite3.Connection, event: StoredEvent) -> None:
        count_and_date(db, event)
        db.commit()  # and the checkpoint is saved after that
        if event.data["bike"] == "B250":
            stop(node, "too-early")

    return dated_map(node, every=EVERY, apply=count_and_commit)


def rebuilt_map(node: Node) -> FastAPI:
    """Serve the map from a new file, and listen only when the log is all in it."""
    app = dated_map(node, every=EVERY, file=NEW)
    follows, view = app.router.lifespan_context, app.state.view

    @asynccontextmanager
    async def catches_up_first(app: FastAPI) -> AsyncIterator[None]:
        await view.catch_up(RemoteLog(node.client, "http://stations/log"))
        async with follows(app):
            yield

    app.router.lifespan_context = catches_up_first
    return app


async def report(world: World, numbers: Iterable[int], saved: list[int]) -> None:
    """Dock bikes in turn, each until the write side has answered that it is saved."""
    docks = world.client("docks", timeout=1.0)
    for number in numbers:
        station = STATIONS[number % 40]
        url = f"http://stations/stations/{station}/bikes/B{number}"
        while number not in saved:
            with suppress(httpx.TransportError):
                reply = await docks.put(url)
                if reply.is_success:
                    saved.append(number)
                    break
            await world.clock.sleep(0.05)


@dataclass
class Files:
    """What is in the files of both sides, whether or not these are running.

    >>> Files([("S001", "B1")], {"S001": 2}, position=1).off
    1
    """

    docked: list[tuple[str, str]]  # station and bike of each event in the log
    counts: dict[str, int]  # bikes at each station, in the view
    position: int  # the view's checkpoint

    @property
    def off(self) -> int:
        """By how many bikes the view is wrong, over all stations."""
        logged = Counter(station for station, bike in self.docked)
        stations = logged.keys() | self.counts.keys()
        return sum(abs(self.counts.get(at, 0) - logged[at]) for at in stations)


def files(world: World, view: str = OLD) -> Files:
    """Read the log of `stations`, and the view of `map` in that file."""
    with closing(world.node("stations").disk.connect()) as log:
        docked = [(station, bike) for station, bike in log.execute(DOCKED)]
    with closing(world.node("map").disk.connect(view)) as db:
        (position,) = db.execute(POSITION).fetchone()
        return Files(docked, dict(map(tuple, db.execute(MAP))), position)
