"""A charging site in one row, which many processes read and save: exercise 3.5."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.scenes.ch03.refusal import Refused

LIMIT = 22  # kW
FIRST = {"car-0": 11}
LEAVE = "UPDATE site SET state = ?, version = ? WHERE version = ?"


@dataclass(frozen=True, slots=True)
class Site:
    """The cars that are charging, with their kW.

    >>> Site({"car-1": 11}).start("car-2", 7)
    '{"car-1": 11, "car-2": 7}'
    """

    charging: dict[str, int]

    def start(self, car: str, kw: int) -> str:
        """Return the state in which this car charges too; raise `Refused`."""
        if car in self.charging:
            raise Refused(f"{car} is charging already")
        used = sum(self.charging.values())
        if used + kw > LIMIT:
            raise Refused(f"{used} kW of {LIMIT} are in use")
        return json.dumps(self.charging | {car: kw})

    def leave(self, car: str) -> str:
        """Return the state without this car."""
        return json.dumps({c: kw for c, kw in self.charging.items() if c != car})


@dataclass(slots=True)
class Save:
    """One statement that was run: the row before and after it, and the rows changed."""

    before: tuple[int, str]
    after: tuple[int, str]
    changed: int


@dataclass
class Database:
    """The row, as one car's request reaches it over a network; and what it did there.

    The first `late` saves come too late, because somebody else saves right before.
    `saved` is called after each statement.
    """

    node: Node
    rows: sqlite3.Connection
    car: str
    note: Callable[[str, str], None]
    saved: Callable[[Database], None] = lambda _: None
    late: int = 0
    log: list[tuple[int, str] | Save] = field(default_factory=list)

    async def read(self) -> tuple[Site, int]:
        """Return the site and its version."""
        await self._travel()
        version, state = self._row()
        self.log.append((version, state))
        self.note(self.node.name, f"{self.car} reads version {version}")
        await self._travel()
        return Site(json.loads(state)), version

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        await self._travel()
        if self.late > 0:
            self.late -= 1
            self.rows.execute("UPDATE site SET version = version + 1")
            self.note(self.node.name, "somebody else saves")
        before = self._row()
        with self.rows:
            changed = self.rows.execute(sql, values).rowcount
        if changed >= 0:  # not a SELECT
            self.log.append(Save(before, self._row(), changed))
            did = f"saves version {self._row()[0]}" if changed else "is too late"
            self.note(self.node.name, f"{self.car} {did}")
            self.saved(self)
        await self._travel()
        return changed

    def _row(self) -> tuple[int, str]:
        [row] = self.rows.execute("SELECT version, state FROM site")
        return row[0], row[1]

    async def _travel(self) -> None:
        await self.node.clock.sleep(0.001 + 0.006 * self.node.random.random())


async def leave(db: Database) -> None:
    """Let a car leave, however often somebody else is faster."""
    changed = 0
    while not changed:
        site, version = await db.read()
        changed = await db.execute(LEAVE, [site.leave(db.car), version + 1, version])


Start = Callable[[Database, int], Awaitable[bool]]


async def serve(world: Any, start: Start) -> None:
    """Serve the site: `POST` starts a car, by `start(db, kw)`, and `DELETE` ends it."""
    rows = world.node("database").disk.connect()
    rows.execute("CREATE TABLE site (version INTEGER, state TEXT)")
    rows.execute("INSERT INTO site VALUES (1, ?)", [json.dumps(FIRST)])

    def charging(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/cars/{car}")
        async def arrives(car: str, kw: int) -> None:
            if not await start(Database(node, rows, car, world.note), kw):
                raise HTTPException(409)

        @app.delete("/cars/{car}")
        async def leaves(car: str) -> None:
            await leave(Database(node, rows, car, world.note))

        return app

    await world.serve("charging", charging)


async def send(world: Any, method: str, car: str, wait: float, kw: int = 0) -> None:
    """Send a car's request after so many seconds."""
    await world.clock.sleep(wait)
    client = world.client(car, timeout=None)
    await client.request(method, f"http://charging/cars/{car}", params={"kw": kw})
