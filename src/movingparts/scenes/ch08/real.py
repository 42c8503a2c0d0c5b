"""The write service and its sidecar as processes of their own, which the lab kills.

Source: chapter 08. Leaves out: a store that comes back older than it was (exercise
8.6).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.core import Node
from movingparts.core.node import World
from movingparts.eventstore import NewEvent, SqliteEventStore
from movingparts.projection import log_router
from movingparts.scenes.ch08 import outliving
from movingparts.service import service

EVERY = 0.1  # seconds between two polls of the log
BIKES, STATIONS = 12, 4
LOG = "SELECT id, stream, version, type, data FROM events ORDER BY position"
STANDING = "SELECT station, count(*) FROM stays WHERE until IS NULL GROUP BY station"


class What(BaseModel):
    """A dock's report: which bike, and at which station."""

    type: str
    bike: str
    station: str


def rides(node: Node) -> FastAPI:
    """Return the write service: docks report, and each report is one event."""
    app = service(node, title="rides")
    log = SqliteEventStore(node.disk.connect(), node.clock)
    app.include_router(log_router(log))

    @app.put("/streams/{stream}/{number}")
    async def report(stream: str, number: int, what: What) -> int:
        data = {"bike": what.bike, "station": what.station}
        data["at"] = node.clock.now().isoformat()
        event = NewEvent(f"{stream}/{number}", what.type, data)
        return await log.append(stream, [event], expected_version=number - 1)

    return app


def sidecar(node: Node) -> FastAPI:
    """Return page 5's sidecar, which asks for events ten times a second."""
    return outliving.sidecar(node, every=EVERY)


Report = tuple[str, int, str, str, str]  # stream, number, type, bike, station


def at_first() -> list[Report]:
    """Return the reports that place twelve bikes, three at each of four stations."""
    bikes = range(BIKES)
    return [(f"bike-B{n}", 1, "BikePlaced", f"B{n}", f"S{n % STATIONS}") for n in bikes]


def trips(numbers: Iterable[int]) -> list[Report]:
    """Return two reports of each ride: its bike goes on to the next station."""
    found: list[Report] = []
    for number in numbers:
        bike, done = number % BIKES, number // BIKES
        here = (bike + done) % STATIONS
        name, ride = f"B{bike}", f"ride-{number}"
        found.append((ride, 1, "RideStarted", name, f"S{here}"))
        found.append((ride, 2, "RideEnded", name, f"S{(here + 1) % STATIONS}"))
    return found


async def report(world: World, reports: Iterable[Report], saved: list[str]) -> None:
    """Send reports in turn, each again until `rides` has answered that it is saved."""
    docks = world.client("docks", timeout=1.0)
    for stream, number, kind, bike, station in reports:
        url = f"http://rides/streams/{stream}/{number}"
        body = {"type": kind, "bike": bike, "station": station}
        while True:
            with suppress(httpx.TransportError):
                if (await docks.put(url, json=body)).is_success:
                    break
            await world.clock.sleep(0.05)
        saved.append(f"{stream}/{number}")


@dataclass
class Files:
    """What is in the files of both sides, whether or not these are running.

    >>> placed = ("e1", "bike-B1", 1, "BikePlaced", '{"bike": "B1", "station": "S1"}')
    >>> Files([placed], [placed], {"S1": 2}).off
    1
    """

    log: list[tuple[Any, ...]]  # id, stream, version, type and data of each event
    copy: list[tuple[Any, ...]]  # the same, in the sidecar's file
    standing: dict[str, int]  # bikes at each station, in the sidecar's view

    @property
    def off(self) -> int:
        """By how many bikes the view is wrong, over all stations."""
        where: dict[str, str] = {}
        for *_, kind, text in self.log:
            data = json.loads(text)
            where[data["bike"]] = "" if kind == "RideStarted" else data["station"]
        right = Counter(where.values())
        stations = (right.keys() | self.standing.keys()) - {""}
        return sum(abs(self.standing.get(at, 0) - right[at]) for at in stations)


def files(world: World) -> Files:
    """Read the log of `rides`, and the copy and the view of `sidecar`."""
    with closing(world.node("rides").disk.connect()) as db:
        log = [tuple(row) for row in db.execute(LOG)]
    with closing(world.node("sidecar").disk.connect()) as db:
        copy = [tuple(row) for row in db.execute(LOG)]
        return Files(log, copy, dict(map(tuple, db.execute(STANDING))))
