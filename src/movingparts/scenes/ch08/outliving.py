"""The service `rides` is gone for half an hour, with its log, and is asked anyway.

The log is that of a morning in Larkhaven; in each event, `at` is the time of day there.

Source: chapter 08. Leaves out: how docks report what happens (here it is in the log at
once), and a source that returns with an older log, from a backup (exercise 8.6).
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from movingparts.city.synthetic import FIRST_DAY, larkhaven
from movingparts.core import Node, Recording
from movingparts.core.clock import Clock
from movingparts.core.node import Factory
from movingparts.eventstore import (
    MemoryEventStore,
    NewEvent,
    SqliteEventStore,
    StoredEvent,
)
from movingparts.projection import Log, Projection, RemoteLog, log_router
from movingparts.scenes.ch08.day import record_day
from movingparts.service import service
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

BEGIN = datetime.combine(FIRST_DAY, time(8, 20))  # the run's, on the city's clock
GONE, BACK = "08:31", "09:01"  # the machine of `rides`
ASKED = ("08:28", "08:45", "09:08")
TOWN_HALL = "S01"
STAYS = """CREATE TABLE stays (bike TEXT, station TEXT, since TEXT, until TEXT,
    PRIMARY KEY (bike, since))"""
COMES = "INSERT INTO stays VALUES (?, ?, ?, NULL)"
GOES = "UPDATE stays SET until = ? WHERE bike = ? AND until IS NULL"
BIKES = """SELECT count(*) FROM stays
    WHERE station = ?1 AND since <= ?2 AND (until > ?2 OR until IS NULL)"""


def stay(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Change the view for one event: a bike comes to a station, or goes."""
    if event.type in ("RideStarted", "BikeMoved"):
        db.execute(GOES, (event.data["at"], event.data["bike"]))
    if event.type in ("RideEnded", "BikeMoved", "BikePlaced"):
        bike, station, at = (event.data[key] for key in ("bike", "station", "at"))
        db.execute(COMES, (bike, station, at))


def sidecar(node: Node, _: Log) -> FastAPI:
    """Return a service that copies the log of `rides`, and answers from the copy."""
    db = node.disk.connect()
    copy = SqliteEventStore(db, node.clock)

    def keep(db: sqlite3.Connection, event: StoredEvent) -> None:
        new = NewEvent(event.id, event.type, event.data)
        copy.add(event.stream, [new], expected_version=event.version - 1)
        stay(db, event)

    view = Projection(db, keep, tables=[STAYS])
    app = following(node, view)
    app.state.copy = copy

    @app.get("/stations/{station}/bikes")
    async def bikes(station: str, at: str) -> dict[str, Any]:
        (count,) = db.execute(BIKES, (station, at)).fetchone()
        (newest,) = await copy.read_all(from_position=view.position - 1)
        as_of = newest.data["at"]
        return {"bikes": count, "as_of": as_of, "final": at < as_of}

    return app


def following(node: Node, view: Projection) -> FastAPI:
    """Return a service that asks `rides` for new events every five minutes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log = RemoteLog(node.client, "http://rides/log")
        node.tasks.create_task(view.follow(log, node.clock, every=300))
        yield

    return service(node, title="sidecar", lifespan=lifespan)


class SoFar:
    """A log of what has happened by now."""

    def __init__(self, events: Sequence[StoredEvent], clock: Clock) -> None:
        self._events, self._clock = events, clock

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the events after that position, at most so many."""
        at = f"{BEGIN + timedelta(seconds=self._clock.monotonic()):%H:%M:%S}"
        count = bisect_right(self._events, at, key=lambda each: each.data["at"])
        found = self._events[from_position:count]
        return [e for e in found if types is None or e.type in types][:limit]


@dataclass
class Answers:
    """What support got to hear: when it asked, about when, and the answer."""

    heard: dict[tuple[str, str], dict[str, Any]]

    def table(self) -> Table:
        """Return a row for each time at which support asked."""
        about = list(dict.fromkeys(about for _, about in self.heard))
        rows = [(a, *(_said(self.heard[a, each]) for each in about)) for a in ASKED]
        return Table(("asked at", *(f"bikes at {each}" for each in about)), rows)


def _said(answer: Mapping[str, Any]) -> str:
    if not answer:
        return "no answer"
    if "final" not in answer:
        return f"{answer['bikes']}"
    return f"{answer['bikes']}, " + (
        "final" if answer["final"] else f"as of {answer['as_of']}"
    )


def gone(
    events: Sequence[StoredEvent],
    services: Mapping[str, Callable[[Node, Log], FastAPI]],
    *,
    about: Sequence[str] = ("now", "08:17"),
) -> Recording:
    """Let support ask the last of the services about Town Hall; `rides` goes away.

    The result is `Answers`.
    """

    async def scenario(world: SimulatedWorld) -> Answers:
        def served(make: Callable[[Node, Log], FastAPI]) -> Factory:
            return lambda node: make(node, SoFar(events, node.clock))

        async def until(at: str) -> None:
            moment = datetime.combine(FIRST_DAY, time.fromisoformat(at))
            await world.clock.sleep(
                (moment - BEGIN).total_seconds() - world.clock.monotonic()
            )

        async def ask(at: str) -> dict[str, Any]:
            url = f"http://{host}/stations/{TOWN_HALL}/bikes"
            try:
                reply = await client.get(url, params={"at": f"{at}:00"})
                answer: dict[str, Any] = reply.raise_for_status().json()
            except httpx.HTTPError:
                return {}
            return answer

        client, host, heard = world.client("support"), list(services)[-1], {}
        for name, make in services.items():
            await world.serve(name, served(make))
        for at in sorted((*ASKED, GONE, BACK)):
            await until(at)
            if at == GONE:
                world.crash("rides")
            elif at == BACK:
                await world.restart("rides")
            else:
                for each in about:
                    heard[at, each] = await ask(at if each == "now" else each)
        return Answers(heard)

    return simulate(scenario, seed=1)


async def morning() -> list[StoredEvent]:
    """Return what happens until ten o'clock."""
    city, log = larkhaven(seed=7), MemoryEventStore()
    zone = ZoneInfo(city.timezone)
    ten = datetime.combine(FIRST_DAY, time(10), zone)
    rides = [ride for ride in city.rides() if ride.ended_at < ten]
    await record_day(log, city, rides=rides)

    def local(event: StoredEvent) -> StoredEvent:
        at = datetime.fromisoformat(event.data["at"]).astimezone(zone)
        return replace(event, data={**event.data, "at": f"{at:%H:%M:%S}"})

    return [local(event) for event in await log.read_all()]
