"""Yesterday in Larkhaven, to look back at: its log, its clock, its mail.

Source: chapter 08. Leaves out: docks that report late, so that the log is not in the
order of time.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from movingparts.city.synthetic import FIRST_DAY, City, larkhaven
from movingparts.eventstore import MemoryEventStore, StoredEvent
from movingparts.scenes.ch08.day import record_day

CITY: City = larkhaven(seed=7)
BIKES = "CREATE TABLE bikes (bike TEXT PRIMARY KEY, station TEXT)"
RIDDEN = "being ridden"  # where a bike is that is at no station
TIMES = [f"{hour:02}:{m:02}" for hour in range(5, 24) for m in (2, 17, 32, 47)]


async def yesterday() -> MemoryEventStore:
    """Return the log of a day."""
    log = MemoryEventStore()
    await record_day(log, CITY)
    return log


def utc(clock: str) -> str:
    """Return when the city's clock showed that yesterday, as events write it.

    >>> utc("08:17")
    '2026-06-01T07:17:00+00:00'
    """
    shown = time.fromisoformat(clock)
    at = datetime.combine(FIRST_DAY, shown, ZoneInfo(CITY.timezone))
    return at.astimezone(UTC).isoformat()


def move_row(db: sqlite3.Connection, event: StoredEvent) -> None:
    """Save where the bike of an event is now, in place of where it was."""
    if "bike" in event.data:
        ridden = event.type == "RideStarted"
        row = event.data["bike"], RIDDEN if ridden else event.data["station"]
        db.execute("INSERT OR REPLACE INTO bikes VALUES (?, ?)", row)


class Crash(Exception):
    """The process that sends receipts died right after it has sent one."""


class Mail:
    """A mail service: it drops a receipt whose id is among the last hundred.

    >>> mail = Mail()
    >>> mail.send("r1", 412), mail.send("r1", 412)
    (None, None)
    >>> mail.sent, mail.dropped
    (1, 1)
    """

    def __init__(self, crash_after: int = 0) -> None:
        self.sent, self.dropped, self._crash_after = 0, 0, crash_after
        self._ids: deque[str] = deque(maxlen=100)

    def send(self, receipt_id: str, cents: int) -> None:
        """Mail a receipt; once, after so many, the caller dies."""
        if receipt_id in self._ids:
            self.dropped += 1
            return
        self._ids.append(receipt_id)
        self.sent += 1
        if self.sent == self._crash_after:
            raise Crash
