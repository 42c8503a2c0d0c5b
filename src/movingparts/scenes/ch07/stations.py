"""Two hundred stations: docks report bikes, and apps ask for the map of the city.

A request keeps its process busy for as long as its work takes: so long for an
aggregate that is loaded, so long for one that is saved, so long for a row of a view.

Source: chapter 07. Leaves out: who rides, reservations, and everything but counts.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Response

from movingparts.core import Node
from movingparts.eventstore import NewEvent, SqliteEventStore, StoredEvent
from movingparts.projection import Projection, RemoteLog, log_router
from movingparts.repository import RecordedEvent, SqliteRows
from movingparts.service import refuses, service
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute

LOAD = 0.0005  # seconds that a process works to load an aggregate
SAVE = 0.002  # to save one, with all that a commit does
ROW = 0.00001  # to read a row of a view
STATIONS = [f"S{number:03}" for number in range(1, 201)]
DOCKS = 20


class Refused(Exception):
    """The station can't do that: definite, nothing has happened."""


@dataclass(eq=False)
class Station:
    """A station and the bikes in its docks, in the order in which they came."""

    station_id: str
    bikes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[tuple[str, dict[str, str]]] = []

    @property
    def key(self) -> str:
        """Its id."""
        return self.station_id

    def dock(self, bike: str) -> None:
        """Take a bike in; refused if no dock is free."""
        if bike in self.bikes:
            return  # the dock has reported it before
        if len(self.bikes) == DOCKS:
            raise Refused(f"station {self.station_id} has no free dock")
        self.bikes.append(bike)
        self._record("BikeDocked", bike)

    def leave(self, bike: str) -> None:
        """Let a bike go; refused if it isn't here."""
        if bike not in self.bikes:
            raise Refused(f"bike {bike} is not at {self.station_id}")
        self.bikes.remove(bike)
        self._record("BikeLeft", bike)

    def _record(self, kind: str, bike: str) -> None:
        self.events.append((kind, {"station": self.station_id, "bike": bike}))


class Core:
    """The one core of a process: one piece of work at a time.

    On a real core, work takes what it takes: without `costs`, nothing is added.
    """

    def __init__(self, node: Node, *, costs: bool = True) -> None:
        self._clock, self._free = node.clock, asyncio.Lock()
        self._costs = costs

    async def work(self, seconds: float) -> None:
        """Wait until the core is free, and keep it for so long."""
        async with self._free:
            await self._clock.sleep(seconds * self._costs)


class WriteSide:
    """The model that decides, its rows, and the log of what it has decided.

    The rows and the log are in one file, and saved in one transaction.
    """

    def __init__(self, node: Node, *, costs: bool = True) -> None:
        db = node.disk.connect()
        self.node, self.core = node, Core(node, costs=costs)
        self.log = SqliteEventStore(db, node.clock)
        self.rows = SqliteRows(db)
        self.rows.save = self.record
        self.store: Store = RowStore(self.rows)

    def record(self, recorded: Sequence[RecordedEvent]) -> None:
        """Append to the log what happened, inside the transaction that saves it."""
        at = self.node.clock.now().isoformat()
        for each in recorded:
            kind, data = each.event
            event = NewEvent(self.node.new_id(), kind, {**data, "at": at})
            self.log.add(each.key, [event], expected_version=each.number - 1)

    async def change(self, station_id: str, bike: str, *, docked: bool) -> int:
        """Dock a bike, or let it go, and return the position of the last event."""
        await self.core.work(LOAD + SAVE)

        async def act(work: UnitOfWork) -> None:
            stations = work.of(Station)
            station = await stations.find(station_id)
            station = station or stations.add(Station(station_id))
            station.dock(bike) if docked else station.leave(bike)

        await execute(self.store, act)
        return self.log.position


def commands(node: Node, *, costs: bool = True) -> FastAPI:
    """Return the service that docks report to; others read its log."""
    side = WriteSide(node, costs=costs)
    app = service(node, title="stations")
    app.state.side = side
    refuses(app, Refused)
    app.include_router(log_router(side.log))

    @app.put("/stations/{station_id}/bikes/{bike}")
    async def dock(station_id: str, bike: str, response: Response) -> dict[str, int]:
        """Dock a bike; the answer is the position of what happened, in the log."""
        return {"position": await side.change(station_id, bike, docked=True)}

    @app.delete("/stations/{station_id}/bikes/{bike}")
    async def leave(station_id: str, bike: str) -> dict[str, int]:
        """Let a bike go."""
        return {"position": await side.change(station_id, bike, docked=False)}

    return app


def one_model(node: Node, *, costs: bool = True) -> FastAPI:
    """Return that service, which answers with the map of the city as well."""
    app = commands(node, costs=costs)
    side: WriteSide = app.state.side

    @app.get("/map")
    async def city_map() -> dict[str, int]:
        """Return how many bikes are at each station: load each, and count."""
        await side.core.work(len(STATIONS) * LOAD)
        stations = side.store.begin().of(Station)
        found = [await stations.get(key) for key in await stations.keys()]
        return {each.key: len(each.bikes) for each in found}

    return app


BIKES = "CREATE TABLE bikes (station TEXT PRIMARY KEY, bikes INTEGER NOT NULL)"
CHANGE = """INSERT INTO bikes VALUES (?1, ?2)
    ON CONFLICT DO UPDATE SET bikes = bikes + ?2"""


def count_bikes(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change the view for one event."""
    by = {"BikeDocked": 1, "BikeLeft": -1}[event.type]
    db.execute(CHANGE, (event.data["station"], by))


def queries(
    node: Node, *, log: str = "stations", every: float = 0.2, costs: bool = True
) -> FastAPI:
    """Return the service that answers with the map, from a view of its own."""
    db, core = node.disk.connect("map.sqlite"), Core(node, costs=costs)
    view = Projection(db, count_bikes, tables=[BIKES])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        remote = RemoteLog(node.client, f"http://{log}/log")
        node.tasks.create_task(view.follow(remote, node.clock, every=every))
        yield

    app = service(node, title="map", lifespan=lifespan)
    app.state.view = view

    @app.get("/map")
    async def city_map() -> dict[str, int]:
        """Return how many bikes are at each station: read the view."""
        await core.work(len(STATIONS) * ROW)
        return dict(map(tuple, db.execute("SELECT station, bikes FROM bikes")))

    return app
