"""The service `rides` is gone for half an hour, with its log, and support asks anyway.

The log is that of a morning in Larkhaven; in each event, `at` is the time of day there.

Source: chapter 08. Leaves out: how docks report (what happens is in the log at once,
or as soon as `rides` is back).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from movingparts.city.synthetic import FIRST_DAY, larkhaven
from movingparts.core import Node, Recording
from movingparts.core.clock import Clock
from movingparts.core.node import Factory
from movingparts.eventstore import MemoryEventStore, StoredEvent
from movingparts.projection import Log, RemoteLog
from movingparts.scenes.ch08.day import record_day
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

BEGIN = datetime.combine(FIRST_DAY, time(8, 20))  # the run's, on the city's clock
GONE, BACK = "08:31", "09:01"  # the machine of `rides`
ASKED = ("08:28", "08:45", "09:08")
TOWN_HALL = "S01"


async def morning() -> list[StoredEvent]:
    """Return what happens until ten o'clock."""
    city, log = larkhaven(seed=7), MemoryEventStore()
    zone = ZoneInfo(city.timezone)
    ten = datetime.combine(FIRST_DAY, time(10), zone)
    await record_day(log, city, rides=[r for r in city.rides() if r.ended_at < ten])

    def local(event: StoredEvent) -> StoredEvent:
        at = datetime.fromisoformat(event.data["at"]).astimezone(zone)
        return replace(event, data={**event.data, "at": f"{at:%H:%M:%S}"})

    return [local(event) for event in await log.read_all()]


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
class Support:
    """What support answers: by when it asked, and about when."""

    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    copied: list[StoredEvent] = field(default_factory=list)  # at 08:45

    def table(self) -> Table:
        """Return a row for each time at which support asked."""
        rows: list[tuple[str, ...]] = [
            (at, _as_text(self.answers[at, at]), _as_text(self.answers[at, "08:17"]))
            for at in ASKED
        ]
        return Table(("asked at", "bikes there now", "bikes there at 08:17"), rows)


def _as_text(answer: Mapping[str, Any]) -> str:
    if not answer:
        return "no answer"
    sure = "final" if answer.get("final") else f"as of {answer.get('as_of')}"
    return f"{answer['bikes']}" + f", {sure}" * ("final" in answer)


def gone(
    events: Sequence[StoredEvent],
    source: Callable[[Node, Log], FastAPI],
    sidecar: Factory | None = None,
    *,
    about: Sequence[str] = (),
) -> Recording:
    """Let support ask about Town Hall, now and at other times, while `rides` is gone.

    It asks `rides`, or the sidecar if there is one. The result is `Support`.
    """

    async def scenario(world: SimulatedWorld) -> Support:
        client, found = world.client("support"), Support()
        await world.serve("rides", lambda node: source(node, SoFar(events, node.clock)))
        if sidecar is not None:
            await world.serve("sidecar", sidecar)
        host = "http://sidecar" if sidecar else "http://rides"
        world.after(_seconds(GONE), world.crash, "rides")
        world.after(_seconds(BACK), _restart, world)
        for now in ASKED:
            await world.clock.sleep(_seconds(now) - world.clock.monotonic())
            for at in (now, "08:17", *about):
                url = f"{host}/stations/{TOWN_HALL}/bikes?at={at}:00"
                found.answers[now, at] = await _get(client, url)
            if sidecar is not None and GONE < now < BACK:
                found.copied = await _read(RemoteLog(client, f"{host}/log"))
        return found

    return simulate(scenario, seed=1)


def _seconds(at: str) -> float:
    return (datetime.combine(FIRST_DAY, time.fromisoformat(at)) - BEGIN).total_seconds()


def _restart(world: SimulatedWorld) -> None:
    world.node("operator").tasks.create_task(world.restart("rides"))


async def _read(log: Log) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    while more := await log.read_all(from_position=len(events)):
        events += more
    return events


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = (await client.get(url)).raise_for_status().json()
    except httpx.HTTPError:
        return {}
    return answer
