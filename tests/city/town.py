"""A town of two stations, three bikes and two riders, with all services of the city."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.city.larkhaven import CONTEXTS, serve_city
from movingparts.core import Node, Recording
from movingparts.published_language import ensure_stream, named
from movingparts.repository import RecordedEvent, Row, SqliteRows
from movingparts.unit_of_work import RowStore
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

STATIONS = {"S1": ["B1", "B2"], "S2": ["B3"]}
SLOTS = 3
RIDERS = ("ada", "ben")


class Ledger:
    """All that any context commits, in the order in which it is committed.

    The bus may lose, double and delay events; this is what has happened.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[str, RecordedEvent]] = []
        self.committed: Callable[[str], None] = lambda context: None

    def contexts(self) -> dict[str, Any]:
        """Return the factories of all contexts, on stores that this looks into."""
        return {name: self._watched(name, make) for name, make in CONTEXTS.items()}

    def _watched(self, name: str, make: Any) -> Callable[[Node], FastAPI]:
        def factory(node: Node) -> FastAPI:
            rows = _Watched(node.disk.connect(), name, self)
            app: FastAPI = make(node, store=RowStore(rows))
            return app

        return factory

    def published(self) -> Iterator[tuple[tuple[str, str], str, Any]]:
        """Yield identity, contract and data of each event that is for others."""
        for context, each in self.entries:
            contract = import_module(f"movingparts.city.{context}.contract")
            output = contract.to_message(each.event)
            if output is not None:
                identity = (f"/{context}", f"{each.kind}/{each.key}/{each.number}")
                yield (
                    identity,
                    named(context, type(output)),
                    output.model_dump(mode="json"),
                )


class _Watched(SqliteRows):
    """Rows that note in a ledger what is committed."""

    def __init__(self, db: sqlite3.Connection, name: str, ledger: Ledger) -> None:
        super().__init__(db)
        self._name, self._ledger = name, ledger

    def write(self, rows: Sequence[Row]) -> None:
        """Write, and note what happened; then the ledger's owner may do more."""
        super().write(rows)
        noted = [(self._name, each) for row in rows for each in row.recorded]
        self._ledger.entries.extend(noted)
        self._ledger.committed(self._name)


class Town:
    """The town in a simulated world, and an app that asks its services."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.client = world.client("app", timeout=60)
        self.published: list[Event] = []  # all that was published, as it came

    async def open(self, contexts: Mapping[str, Any] = CONTEXTS) -> Town:
        """Start the services, dock the bikes, sign the riders up."""
        await serve_city(self.world, contexts)
        await self.listen()
        for station, bikes in STATIONS.items():
            docks = [f"{station}-{n:02d}" for n in range(1, SLOTS + 1)]
            await self.good("PUT", "stations", f"stations/{station}", docks=docks)
            for bike in bikes:
                await self.good(
                    "PUT", "fleet", f"bikes/{bike}", bike_type="classic_bike"
                )
            fitted = {"slots": SLOTS, "vehicles": dict(enumerate(bikes, 1))}
            await self.good("PUT", "docklink", f"hubs/{station}", **fitted)
        for rider in RIDERS:
            person = {"name": rider.title(), "email": f"{rider}@larkhaven.example"}
            await self.good("PUT", "riders", f"riders/{rider}", **person)
        await self.pause(5)
        return self

    async def listen(self) -> None:
        """Subscribe to all that is published from now on."""

        async def handle(event: Event) -> None:
            self.published.append(event)

        bus = self.world.node("listener").bus
        for context in CONTEXTS:
            await ensure_stream(self.world.node("listener"), context)
            await bus.subscribe(f"{context}.*", handle)

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        await self.world.clock.sleep(seconds)

    async def ask(
        self, method: str, service: str, path: str, **body: Any
    ) -> httpx.Response:
        """Ask a service; the path may hold what is quoted already."""
        address = f"http://{service}/{path}"
        return await self.client.request(method, address, json=body)

    async def good(self, method: str, service: str, path: str, **body: Any) -> Any:
        """Ask for what is not refused, and return the answer."""
        reply = await self.ask(method, service, path, **body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def get(self, service: str, path: str) -> Any:
        """Return what a service shows."""
        return await self.good("GET", service, path)

    # --- what riders do -----------------------------------------------------------

    async def reserve(
        self, what: str = "v1", rider: str = "ada", at: str = "S1"
    ) -> httpx.Response:
        command = {"rider_id": rider, "station_id": at}
        return await self.ask(
            "PUT", "availability", f"reservations/{quote(what)}", **command
        )

    async def start(
        self, ride: str = "r1", *, reservation: str = "v1", **command: str
    ) -> httpx.Response:
        wanted = {"rider_id": "ada", "bike_id": "B1", "station_id": "S1"} | command
        body = {**wanted, "reservation_id": reservation}
        return await self.ask("PUT", "rides", f"rides/{quote(ride)}", **body)

    async def ride(self, ride: str = "r1", rider: str = "ada", at: str = "S1") -> str:
        """Reserve a bike and ride off on it; return which one it is."""
        promised = (await self.reserve(f"for-{ride}", rider, at)).json()
        bike: str = promised["bike_id"]
        command = {"rider_id": rider, "bike_id": bike, "station_id": at}
        reply = await self.start(ride, reservation=f"for-{ride}", **command)
        assert 200 == reply.status_code, reply.text
        return bike

    async def dock(self, bike: str, at: str = "S2") -> None:
        """Push a bike into a free slot."""
        await self.good("POST", "docklink", f"hubs/{at}/insert", veh=bike)

    # --- what there is to see -----------------------------------------------------

    def names(self) -> list[str]:
        """Return the contracts of all that was published, each event once."""
        return [name for name, _ in self.events()]

    def events(self) -> list[tuple[str, Any]]:
        """Return name and data of each event, once, in the order of their coming."""
        once: dict[tuple[str, str], Event] = {}
        for event in self.published:
            once.setdefault((event.source, event.id), event)
        return [(e.type.removeprefix("city.larkhaven."), e.data) for e in once.values()]

    def data(self, name: str) -> list[Any]:
        """Return the data of all events of a contract, each once."""
        return [data for each, data in self.events() if each == name]

    def rows(self, service: str) -> list[tuple[Any, ...]]:
        """Return all that a service has committed."""
        connection = self.world.node(service).disk.connect()
        SqliteRows(connection)  # has the table, whether anything was written or not
        query = "SELECT kind, key, version, state FROM aggregates ORDER BY kind, key"
        found = [tuple(row) for row in connection.execute(query)]
        connection.close()
        return found

    def all_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that all services have committed."""
        return {context: self.rows(context) for context in CONTEXTS}


Scenario = Callable[[Town], Awaitable[Any]]


def live(scenario: Scenario, *, seed: int = 7, **more: Any) -> Any:
    """Run a scenario in an open town; return its result."""
    return recorded(scenario, seed=seed, **more).result


def recorded(scenario: Scenario, *, seed: int = 7, **more: Any) -> Recording:
    """Live a scenario in the open town, and return the recording."""

    async def all_of_it(world: SimulatedWorld) -> Any:
        return await scenario(await Town(world).open(**more))

    return simulate(all_of_it, seed=seed)
