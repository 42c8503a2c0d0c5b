"""Two bikes are docked, and the map counts them; once, something goes wrong.

How the map saves an event and its checkpoint is up to the page: `save(db, events)`.

Source: chapter 07. Leaves out: events that come in batches, and who asks for the map.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.eventstore import StoredEvent
from movingparts.projection import ADVANCE, Projection, RemoteLog
from movingparts.scenes.ch07 import stations as city
from movingparts.scenes.crashes import Crashes, MortalConnection
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

REPORTS = {"S001": "B1", "S002": "B2"}
SECOND = 2  # the position of the event at which something goes wrong
DIES = ("dies before", "dies between", "dies after")  # the writes for that event
TWICE = "event comes twice"
FAULTS = (*DIES, TWICE)

Save = Callable[[Any, list[StoredEvent]], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """How many bikes are at each station, and how many the map shows.

    >>> Copy({"S001": 1}, {"S001": 2}).finding
    'The map shows 1 bike too many'
    """

    there: dict[str, int]
    shown: dict[str, int]

    def table(self) -> Table:
        """Return both, a row for each station."""
        shown = self.shown
        rows: list[tuple[str, ...]] = [
            (s, str(n), str(shown.get(s, 0))) for s, n in self.there.items()
        ]
        return Table(("station", "bikes there", "bikes on the map"), rows)

    @property
    def finding(self) -> str:
        """What came of it, in words."""
        more = sum(self.shown.values()) - sum(self.there.values())
        if not more:
            return "The map is right"
        bikes = f"{abs(more)} bike{'s' * (abs(more) > 1)}"
        return f"The map shows {bikes} too {'many' if more > 0 else 'few'}"


class Mortal(MortalConnection):
    """A connection whose process dies right before the n-th of its next writes."""

    left = 0  # writes until the process dies; 0 for never

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement, and note what it changes once that is committed."""
        if sql in (city.CHANGE, ADVANCE):
            self.left -= 1
            if self.left == 0:
                self.die()
            what = "1 more at" if sql == city.CHANGE else "checkpoint is"
            self.note(f"{what} {values[0]}")
        return super().execute(sql, values)

    def die(self) -> None:
        """Crash the process, which starts again after a while."""
        self._crashes.kill(self._process)
        raise asyncio.CancelledError


def two_bikes(save: Save, *, fault: str = "") -> Recording:
    """Dock two bikes; at the second event, one of `FAULTS` happens once, or none.

    The map dies before, between or after its two writes, or it gets the event twice.
    The result is a `Copy`.
    """
    faults = [fault] if fault else []
    made: list[FastAPI] = []

    def stations(node: Node) -> FastAPI:
        made.append(city.commands(node))
        return made[-1]

    async def scenario(world: SimulatedWorld) -> Copy:
        world.network.everywhere(latency=0.02)
        await world.serve("stations", stations)
        await world.serve("map", lambda node: _map(world, node, save, faults))
        for station, bike in REPORTS.items():
            url = f"http://stations/stations/{station}/bikes/{bike}"
            await world.client("docks").put(url)
            await world.clock.sleep(0.95)
        await world.clock.sleep(2.2)
        rows = made[0].state.side.store.begin().of(city.Station)
        there = {key: len((await rows.get(key)).bikes) for key in REPORTS}
        db = world.node("map").disk.connect("map.sqlite")
        return Copy(there, dict(map(tuple, db.execute("SELECT * FROM bikes"))))

    return simulate(scenario, seed=1)


def _map(world: SimulatedWorld, node: Node, save: Save, faults: list[str]) -> FastAPI:
    real = node.disk.connect("map.sqlite")
    seen = Projection(real, city.count_bikes, tables=[city.BIKES]).position
    db = Mortal(real, Crashes(world), node.name)
    log = RemoteLog(node.client, "http://stations/log")

    async def follow(position: int) -> None:
        while True:
            await node.clock.sleep(0.6)
            for event in await log.read_all(from_position=position):
                fault = faults.pop() if faults and event.position == SECOND else ""
                db.left = DIES.index(fault) + 1 if fault in DIES else 0
                for _ in range(2 if fault == TWICE else 1):
                    save(db, [event])
                if fault in DIES:
                    db.die()
                position = event.position

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        node.tasks.create_task(follow(seen))
        yield

    return FastAPI(title="map", lifespan=lifespan)
