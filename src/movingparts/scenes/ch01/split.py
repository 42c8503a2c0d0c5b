"""A program that gives out bikes, and what it meets when its prices move out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Response

from movingparts.core import Disk, Node
from movingparts.scenes.ch01.one_ride import STANDARD, Tariff, fare

TAKE = """UPDATE bikes SET rider = ? WHERE bike_id =
    (SELECT bike_id FROM bikes WHERE rider IS NULL LIMIT 1) RETURNING bike_id"""
BROKEN = ("breaks", "is down", "does not answer")
UNREADABLE = {
    "answers with text that isn't JSON": "<h1>Welcome!</h1>",
    "answers with another field than `cents`": '{"amount": 280}',
}


def monolith(node: Node, tariff: Tariff = STANDARD) -> FastAPI:
    """Give out bikes and price their rides, in one process and one transaction."""
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str) -> dict[str, Any]:
        with db:  # whatever raises in here rolls the bike back, too
            bike = db.execute(TAKE, [rider]).fetchone()
            if bike is None:
                raise HTTPException(409, "no bike is left")
            return {"bike": bike["bike_id"], "cents": fare(30, tariff)}

    return app


def park(node: Node, count: int) -> None:
    """Fill a node's table `bikes (bike_id, rider)` with so many free bikes."""
    with closing(node.disk.connect()) as db, db:
        db.execute("CREATE TABLE bikes (bike_id TEXT PRIMARY KEY, rider TEXT)")
        free = [[f"bike-{n}"] for n in range(1, count + 1)]
        db.executemany("INSERT INTO bikes VALUES (?, NULL)", free)


def bikes(node: Node) -> dict[str, str | None]:
    """Return who has each bike, as a node's disk has it."""
    with closing(sqlite3.connect(node.disk.path / "data.sqlite")) as db:
        return dict(db.execute("SELECT bike_id, rider FROM bikes").fetchall())


class _Impatient(Disk):
    def __init__(self, disk: Disk) -> None:
        super().__init__(lambda: disk.path)
        self._disk = disk

    def connect(self, filename: str = "data.sqlite") -> sqlite3.Connection:
        connection = self._disk.connect(filename)
        connection.execute("PRAGMA busy_timeout=0")
        return connection


def impatient(node: Node) -> Node:
    """Return a node whose database refuses at once what another connection locked.

    Waiting for a lock would stop the process, and virtual time with it.
    """
    return replace(node, disk=_Impatient(node.disk))


@dataclass
class Pricing:
    """The service `pricing`: it asks for so many cents after so many seconds.

    `fault` is what is wrong with it now, one of `BROKEN` or `UNREADABLE`.
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
            if self.fault == "breaks":
                raise HTTPException(500, "no tariff")
            text = UNREADABLE.get(self.fault, f'{{"cents": {self.cents}}}')
            return Response(text, media_type="application/json")

        return app

    async def disturb(self, world: Any, fault: str) -> None:
        """Let something go wrong with pricing, or with the way to it."""
        self.fault = fault
        if fault == "is down":
            world.crash("pricing")
        if fault == "does not answer":
            world.network.partition("rides", "pricing")

    async def restore(self, world: Any) -> None:
        """Let all go well again."""
        self.fault = ""
        world.network.heal()
        await world.restart("pricing")

    async def fail_for(
        self, unlucky: str, fault: str, world: Any, rides: list[Ride]
    ) -> None:
        """Let riders come one by one; for one of them, pricing has a fault."""
        for ride in rides:
            if ride.rider == unlucky:
                await self.disturb(world, fault)
            await ride.ask(world)
            await world.clock.sleep(20)
            await self.restore(world)


@dataclass
class Ride:
    """A rider who comes after so many seconds, and what they were answered.

    `table` is who had which bike at that moment. `bike` and `cents` are only set by an
    answer as it should be.
    """

    rider: str
    after: float
    patience: float
    status: int | None = None
    text: str = ""
    bike: str | None = None
    cents: Any = None
    table: dict[str, str | None] = field(default_factory=dict)

    async def ask(self, world: Any) -> None:
        """Come, ask for a bike, and wait as long as patience lasts."""
        await world.clock.sleep(self.after)
        client: httpx.AsyncClient = world.client(self.rider, timeout=self.patience)
        try:
            url = f"http://rides/rides?rider={self.rider}"
            reply = await client.post(url)
        except httpx.HTTPError:
            return
        self.status, self.text = reply.status_code, reply.text
        self.table = bikes(world.node("rides"))
        is_json = reply.headers.get("content-type") == "application/json"
        match is_json and reply.is_success and reply.json():
            case {"bike": str(bike), "cents": cents}:
                self.bike, self.cents = bike, cents


async def all_at_once(world: Any, rides: list[Ride]) -> None:
    """Let riders come, each in a task of their own."""
    tasks = [world.node(r.rider).tasks.create_task(r.ask(world)) for r in rides]
    for task in tasks:
        await task
    await world.clock.sleep(20)
