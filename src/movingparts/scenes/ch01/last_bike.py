"""The last bike: a service that gives it to two riders, and a rush for bikes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Response

from movingparts.core import Disk, Node

ANSWERS = {
    "answers 500": (500, '{"detail": "no tariff"}'),
    "answers with something that is not JSON": (200, "<h1>Welcome!</h1>"),
    "answers without `cents`": (200, "{}"),
}
FAULTS = (*ANSWERS, "is down", "does not answer")


def park(node: Node, *bikes: str) -> None:
    """Fill a node's table `bikes (bike_id, rider)`; one whose rider is NULL is free."""
    with closing(node.disk.connect()) as db, db:
        db.execute("CREATE TABLE bikes (bike_id TEXT PRIMARY KEY, rider TEXT)")
        db.executemany("INSERT INTO bikes VALUES (?, NULL)", [[b] for b in bikes])


def look_then_take(node: Node) -> FastAPI:
    """Give out bikes: look for a free one, ask for the price, take the bike."""
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str) -> dict[str, Any]:
        free = "SELECT bike_id FROM bikes WHERE rider IS NULL"
        bike = db.execute(free).fetchone()
        if bike is None:
            raise HTTPException(409, "no bike is left")
        quote = await node.client.get("http://pricing/quotes?minutes=30", timeout=1)
        taken = "UPDATE bikes SET rider = ? WHERE bike_id = ?"
        db.execute(taken, [rider, bike["bike_id"]])
        db.commit()
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


class _Impatient(Disk):
    def __init__(self, disk: Disk) -> None:
        super().__init__(lambda: disk.path)
        self._disk = disk

    def connect(self, filename: str = "data.sqlite") -> sqlite3.Connection:
        connection = self._disk.connect(filename)
        connection.execute("PRAGMA busy_timeout=0")
        return connection


def impatient(node: Node) -> Node:
    """Return a node whose database refuses immediately what another connection locked.

    Waiting for a lock would stop the process, and virtual time with it.
    """
    return replace(node, disk=_Impatient(node.disk))


@dataclass
class Pricing:
    """Pricing, which asks for so many cents after so many seconds.

    `fault` is what is wrong with it now; see `disturb`.
    """

    cents: int
    seconds: float
    fault: str = ""

    def service(self, node: Node) -> FastAPI:
        """Make the service."""
        app = FastAPI()

        @app.get("/quotes")
        async def quote(minutes: int) -> Response:
            await node.clock.sleep(self.seconds)
            usual = (200, f'{{"cents": {self.cents}}}')
            status, text = ANSWERS.get(self.fault, usual)
            return Response(text, status, media_type="application/json")

        return app

    async def disturb(self, world: Any, fault: str) -> None:
        """Let something go wrong with pricing, or with the way to it."""
        self.fault = fault
        match fault:
            case "is down":
                world.crash("pricing")
            case "does not answer":
                world.network.partition("rides", "pricing")

    async def restore(self, world: Any) -> None:
        """Let all go well again."""
        if self.fault == "does not answer":
            world.network.heal()
        self.fault = ""
        await world.restart("pricing")


def bikes(path: Path) -> dict[str, str | None]:
    """Return who has each bike; nothing if the table is gone."""
    with closing(sqlite3.connect(path)) as db:
        try:
            return dict(db.execute("SELECT bike_id, rider FROM bikes").fetchall())
        except sqlite3.Error:
            return {}


@dataclass
class Ride:
    """A rider who comes after some seconds, and the answer they got.

    `bike` is only set by an answer as it should be.
    """

    rider: str
    after: float
    patience: float
    status: int | None = None
    text: str = ""
    bike: str | None = None
    cents: Any = None
    table: dict[str, str | None] = field(default_factory=dict)  # as it was then

    async def ask(self, world: Any, path: Path) -> None:
        """Come, ask for a bike, and wait as long as patience lasts."""
        await world.clock.sleep(self.after)
        client: httpx.AsyncClient = world.client(self.rider, timeout=self.patience)
        try:
            url = "http://rides/rides"
            reply = await client.post(url, params={"rider": self.rider})
        except httpx.HTTPError:
            return
        self.status, self.text = reply.status_code, reply.text
        self.table = bikes(path)
        match reply.is_success and _json(reply):
            case {"bike": str(bike), "cents": cents}:
                self.bike, self.cents = bike, cents


def _json(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError:
        return None
