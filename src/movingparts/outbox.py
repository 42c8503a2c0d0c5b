"""An outbox: events that are saved together with what they report, and published later.

A service can't save a row and publish an event in one step: it may crash in between.
So it saves the event too, in the same transaction, and a relay publishes what it finds.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress

from movingparts.core.bus import Bus, BusError
from movingparts.core.clock import Clock
from movingparts.core.event import Event

# AUTOINCREMENT: no position is given twice, so none that a slow relay deletes is new.
OUTBOX = """CREATE TABLE IF NOT EXISTS outbox
    (position INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT, event TEXT)"""
ADD = "INSERT INTO outbox (subject, event) VALUES (?, ?)"
OLDEST = "SELECT position, subject, event FROM outbox ORDER BY position LIMIT 1"
DELETE = "DELETE FROM outbox WHERE position = ?"
COUNT = "SELECT count(*) FROM outbox"


class Outbox:
    """The events that a service has saved and the broker may not have yet.

    >>> db = sqlite3.connect(":memory:")
    >>> outbox = Outbox(db)
    >>> with db:  # one transaction; what the event reports is saved in it, too
    ...     outbox.add("rides.ride-ended", Event("ride-17", "/rides", "RideEnded"))
    >>> outbox
    <Outbox: 1 waiting>
    >>> db.close()

    Source: chapter 06; Richardson 2018 (transactional outbox, polling publisher).
    Leaves out: a relay that reads the database's log; several events in one publish;
    an event that the broker always refuses, which holds up those after it.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._relaying = asyncio.Lock()
        db.execute(OUTBOX)

    def __repr__(self) -> str:
        return f"<Outbox: {self.waiting()} waiting>"

    def waiting(self) -> int:
        """Return how many events the broker may not have yet."""
        (count,) = self._db.execute(COUNT).fetchone()
        return int(count)

    def add(self, subject: str, event: Event) -> None:
        """Save an event, inside the transaction that saves what it reports."""
        self._db.execute(ADD, (subject, event.to_json().decode()))

    async def relay(self, bus: Bus) -> int:
        """Publish what waits, oldest first, and return how many events that were.

        A crash between publishing and deleting publishes an event again, perhaps after
        later ones. Raises what `publish` raises; the event stays, and those after it.
        """
        sent = 0
        async with self._relaying:  # two at once would publish most events twice
            while row := self._db.execute(OLDEST).fetchone():
                position, subject, event = row
                await bus.publish(subject, Event.from_json(event))
                with self._db:
                    self._db.execute(DELETE, (position,))
                sent += 1
        return sent

    async def run(self, bus: Bus, clock: Clock, *, every: float = 1.0) -> None:
        """Relay forever, every so many seconds, also after the broker was gone."""
        while True:
            with suppress(BusError):  # what wasn't confirmed is still in the outbox
                await self.relay(bus)
            await clock.sleep(every)
