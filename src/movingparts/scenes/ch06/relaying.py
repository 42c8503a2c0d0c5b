"""Rides end in a process that may die at any step: exercise 6.1.

A step is a statement, a commit, or either end of a `publish`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from movingparts.core.bus import BusTimeout
from movingparts.core.event import Event
from movingparts.scenes.ch05.redelivery import Database

ENDED = "PRAGMA journal_mode = WAL; CREATE TABLE ended (ride TEXT)"


class Rides:
    """A process in which an answer runs, its broker, and what came of it.

    `make(db, bus)` returns the answer's `save` and `relay`; `phase` is the one that
    runs, or ran when the process died. `silent` maps the number of a `publish` that
    times out to whether its event gets through; `meanwhile` ends during the first.
    """

    def __init__(self, path: Path, kind: str, make: Callable[[Any, Any], Any]) -> None:
        self.kind, self.phase, self.error, self._tries = kind, "", "", 0
        self._path, self._make, self.early = path, make, False
        self.silent: dict[int, bool] = {}
        self.sent: list[Event] = []
        self.events: list[Event] = []
        self.saved: list[str] = []
        self.meanwhile: list[str] = []
        with sqlite3.connect(path) as db:
            db.executescript(ENDED)
        db.close()
        self.start()

    def start(self) -> None:
        """Start the process, on the database that is there."""
        self.db = sqlite3.connect(self._path, factory=Database, timeout=0)
        self.save, self.relay = self._make(self.db, self)

    def stop(self) -> None:
        """Kill the process: what isn't committed is rolled back."""
        sqlite3.Connection.rollback(self.db)
        found = sqlite3.Connection.cursor(self.db).execute("SELECT ride FROM ended")
        self.saved = [ride for (ride,) in found]
        self.db.close()

    async def publish(self, subject: str, event: Event) -> None:
        """Take an event, as the broker."""
        self.db.step()
        self.early |= self.phase == "save"
        while self.meanwhile:
            await self.end(self.meanwhile.pop())
        self._tries += 1
        if self.silent.get(self._tries, True):
            self.events.append(event)
        if self._tries in self.silent:
            raise BusTimeout("the broker has not confirmed this event")
        self.db.step()

    async def end(self, ride: str, *, refuse: bool = False) -> None:
        """Let the answer save the end of a ride."""

        def change(db: Any) -> None:
            db.execute("INSERT INTO ended VALUES (?)", (ride,))
            if refuse:
                raise LookupError("nobody knows this ride")

        self.sent.append(Event(ride, "/rides", "RideEnded", {"ride": ride}))
        before, self.phase = self.phase, "save"
        await self.save(change, self.sent[-1])
        self.phase = before

    async def publish_all(self) -> None:
        """Let the answer publish what it has, several times over."""
        self.phase = "relay"
        for _ in range(4):
            with suppress(BusTimeout):
                await self.relay()

    @property
    def announced(self) -> list[str]:
        """The rides whose events the broker got, in the order in which they came."""
        return [event.id for event in self.events]

    @property
    def first(self) -> list[str]:
        """The rides as they were first announced."""
        return list(dict.fromkeys(self.announced))
