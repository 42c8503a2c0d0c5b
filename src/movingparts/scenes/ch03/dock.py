"""A dock's commands, reports and events in exercise 3.3, and a day at a dock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.core.random import Random, stream
from movingparts.scenes.ch03.refusal import Refused


@dataclass(frozen=True, slots=True)
class Unlock:
    """A command: release the bike."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Docked:
    """A report: this bike was locked in the dock at that time."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A report: this bike left the dock at that time."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeUnlocked:
    """A dock was asked to release its bike."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeDocked:
    """A bike is in the dock."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeTaken:
    """A bike has left the dock."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """A report contradicts what was known; `reason` says how."""

    reason: str
    at: datetime


Report = Docked | Taken
Message = Unlock | Report
Event = BikeUnlocked | BikeDocked | BikeTaken | AnomalyFound
Handle = Callable[["Dock", Message], list[Event] | Refused]
BIKES = ("B7", "B8", "B9")


@dataclass(frozen=True, slots=True)
class Dock:
    """What is known of a dock: its bike, and all that was reported.

    `known_at` is the time of the latest report.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> Dock().after(BikeDocked("B7", at)).bike
    'B7'
    """

    bike: str | None = None
    known_at: datetime | None = None
    reports: tuple[Report, ...] = ()

    def is_late(self, report: Report) -> bool:
        """Return whether a later report is known already."""
        return self.known_at is not None and report.at < self.known_at

    def after(self, event: Event) -> Dock:
        """Return the dock after an event."""
        match event:
            case BikeDocked(bike, at):
                return replace(self, bike=bike, known_at=at)
            case BikeTaken(_, at):
                return replace(self, bike=None, known_at=at)
        return self

    def after_all(self, events: Sequence[Event]) -> Dock:
        """Return the dock after some events."""
        dock = self
        for event in events:
            dock = dock.after(event)
        return dock


# --- a day at the dock, whose reports may get lost, come late, or come twice ----------


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens at the dock, or that an app asks for, at `at` seconds.

    `fate` is how its report arrives: "lost", "late" by `delay` seconds, "twice", or "".
    """

    kind: type[Message]
    bike: str
    at: float
    fate: str = ""
    delay: float = 0.0

    def message(self, at: datetime) -> Message:
        """Return the message, with the time at which it happened."""
        if self.kind is Unlock:
            return Unlock(at)
        return self.kind(self.bike, at)  # type: ignore[call-arg,arg-type]  # a report's

    @property
    def path(self) -> str:
        """Where it is posted."""
        return f"{self.kind.__name__.lower()}/{self.bike}".rstrip("/")


SCRIPTED = (  # a bike leaves that was never reported to be there
    Step(Docked, "B7", 2.0),
    Step(Taken, "B7", 9.0, "lost"),
    Step(Docked, "B8", 15.0, "lost"),
    Step(Taken, "B8", 22.0),
)


def day(seed: int) -> Sequence[Step]:
    """Return what happens at a dock under a seed; the first day is scripted."""
    return SCRIPTED if seed == 0 else [*_drawn(stream(seed, "dock"), 3 + seed // 8)]


def _drawn(rng: Random, count: int) -> Iterator[Step]:
    bike, at = "", 1.0
    for _ in range(count):
        at += 1.0 + 9.0 * rng.random()
        fate = rng.choice(("", "", "", "lost", "late", "twice"))
        delay = 4.0 + 16.0 * rng.random()
        if rng.random() < 0.4:
            yield Step(Unlock, "", at)
        else:
            kind, reported = (Taken, bike) if bike else (Docked, rng.choice(BIKES))
            bike = "" if bike else reported
            yield Step(kind, reported, at, fate, delay)


class Live:
    """Plays a day at the dock in a world: a service, `stations`, receives its reports.

    `handle` decides. `watch` gets the dock before each message, the message, and the
    events or the refusal.
    """

    def __init__(self, world: Any, handle: Handle, watch: Callable[..., None]) -> None:
        self._world, self._handle, self._watch = world, handle, watch
        self._dock = Dock()
        self._failed: Exception | None = None

    async def live(self, steps: Sequence[Step], take: Callable[[str], bool]) -> None:
        """Play the steps for which `take` is true, each with its fate."""
        await self._world.serve("stations", lambda node: self._stations(node, steps))
        tasks = []
        for number, step in enumerate(steps):
            wait = max(0.0, step.at - self._world.clock.monotonic())
            await self._world.clock.sleep(wait)
            if take(f"step {number}"):
                fate = step.fate if step.fate and take(f"fate {number}") else ""
                post = self._posted(number, step, fate)
                caller = self._world.node("dock" if step.kind is not Unlock else "app")
                tasks.append(caller.tasks.create_task(post))
        for task in tasks:
            await task
        if self._failed is not None:
            raise self._failed

    async def _posted(self, number: int, step: Step, fate: str) -> None:
        world, caller = self._world, "app" if step.kind is Unlock else "dock"
        asked = {"step": str(number), "at": world.clock.now().isoformat()}
        waits = {"late": [step.delay], "twice": [0.0, step.delay]}.get(fate, [0.0])
        if fate == "lost":
            world.network.lose(caller, "stations", kind="request")
        for wait in waits:
            await world.clock.sleep(wait)
            with suppress(httpx.HTTPError):
                url = f"http://stations/{step.path}"
                await world.client(caller, timeout=1.0).post(url, params=asked)

    def _stations(self, node: Node, steps: Sequence[Step]) -> FastAPI:
        app = FastAPI()

        @app.post("/{kind}")
        @app.post("/{kind}/{bike}")
        async def receive(step: int, at: datetime) -> None:
            before, message = self._dock, steps[step].message(at)
            found = self._handle(before, message)
            events = [] if isinstance(found, Refused) else found
            names = ", ".join(type(event).__name__ for event in events) or "no event"
            self._world.note(
                node.name, "refused" if isinstance(found, Refused) else names
            )
            if not isinstance(message, Unlock) and message not in before.reports:
                before = replace(before, reports=(*before.reports, message))
            dock, self._dock = self._dock, before.after_all(events)
            try:
                self._watch(dock, message, found)
            except Exception as error:
                self._failed = error  # of the check: it must not look like a 500
                raise

        return app
