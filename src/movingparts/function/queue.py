"""Asynchronous invocation: an event is saved, answered with 202, and run later.

An event leaves the queue when its function has succeeded, or when it is given up and
was handed to the dead-letter destination. A crash in between runs it again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from movingparts.core.bus import BusError
from movingparts.core.clock import Clock
from movingparts.core.node import Tasks
from movingparts.core.random import Random
from movingparts.function.contract import Invocation

TABLE = """CREATE TABLE IF NOT EXISTS invocations (id TEXT PRIMARY KEY,
    function TEXT, event TEXT, due REAL, accepted REAL, failures INTEGER)"""
ADD = "INSERT INTO invocations VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING"
ALL = "SELECT * FROM invocations ORDER BY due, rowid"
LATER = "UPDATE invocations SET due = ?, failures = ? WHERE id = ?"
REMOVE = "DELETE FROM invocations WHERE id = ?"

Invoke = Callable[[str, Any, str], Awaitable[Invocation]]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, how soon and how long a failed event is tried again.

    The n-th wait is drawn from half of `first * 2 ** n` seconds up to all of it, and
    is at most `longest`. A throttled event did not run: it is no failure, and waits
    until `max_age` seconds have passed.

    >>> Retry(first=1.0).wait(3, Random(1)) <= 8.0
    True

    Source: AWS Lambda retries twice, after one and two minutes, for up to six hours.
    """

    retries: int = 2
    first: float = 60.0
    longest: float = 300.0
    max_age: float = 21_600.0
    jitter: bool = True

    def wait(self, failures: int, random: Random) -> float:
        """Return the seconds until the next try."""
        wait = min(self.first * 2.0**failures, self.longest)
        return round(wait * (0.5 + 0.5 * random.random()), 6) if self.jitter else wait


DeadLetter = Callable[[str, Any, Invocation], Awaitable[None]]


class AsyncQueue:
    """Runs saved events until each has succeeded or is a dead letter.

    Delivery is at least once: `invoke` gets the same id at each try, and a function
    must do the same work once only. `resume` goes on after a crash.

    Source: chapter 11. Leaves out: a batch of events, order.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        invoke: Invoke,
        dead_letter: DeadLetter,
        *,
        clock: Clock,
        random: Random,
        tasks: Tasks,
    ) -> None:
        self._db, self._invoke, self._dead_letter = db, invoke, dead_letter
        self._clock, self._random, self._tasks = clock, random, tasks
        self.retry: dict[str, Retry] = {}
        self._started: set[str] = set()
        db.execute(TABLE)

    def __len__(self) -> int:
        """How many events wait or run."""
        found = self._db.execute("SELECT count(*) FROM invocations").fetchone()
        return int(found[0])

    def add(self, request_id: str, function: str, event: Any) -> bool:
        """Save an event; from here on it is not lost. False if it is there already."""
        now = self._clock.monotonic()
        with self._db:
            row = (request_id, function, json.dumps(event), now, now)
            added = self._db.execute(ADD, row).rowcount == 1
        if added:
            self._start(request_id, function, event, now, now, 0)
        return added

    def resume(self) -> int:
        """Go on with what was saved before a crash; return how many events."""
        rows = self._db.execute(ALL).fetchall()
        rows = [row for row in rows if row["id"] not in self._started]
        for key, function, event, due, accepted, failures in rows:
            self._start(key, function, json.loads(event), due, accepted, failures)
        return len(rows)

    def _start(self, request_id: str, function: str, event: Any, *row: Any) -> None:
        self._started.add(request_id)
        work = self._deliver(request_id, function, event, *row)
        task = self._tasks.create_task(work, name=f"deliver {request_id}")
        task.add_done_callback(lambda _: self._started.discard(request_id))

    async def _deliver(
        self,
        request_id: str,
        function: str,
        event: Any,
        due: float,
        accepted: float,
        failures: int,
    ) -> None:
        """Try until the function succeeds or the event is given up."""
        retry, throttled = self.retry.get(function.partition(":")[0], Retry()), 0
        while True:
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            done = await self._invoke(function, event, request_id)
            if done.status == "ok":
                break
            if done.status == "throttled":
                throttled += 1
            else:
                failures += 1
            wait = retry.wait(max(throttled, failures) - 1, self._random)
            due = round(self._clock.monotonic() + wait, 6)
            if failures > retry.retries or due > accepted + retry.max_age:
                await self._give_up(function, event, done, retry.first)
                break
            with self._db:
                self._db.execute(LATER, (due, failures, request_id))
        with self._db:
            self._db.execute(REMOVE, (request_id,))

    async def _give_up(
        self, function: str, event: Any, last: Invocation, wait: float
    ) -> None:
        """Hand the event to the dead-letter destination, however long that is away."""
        while True:
            try:
                return await self._dead_letter(function, event, last)
            except BusError as error:
                self._tasks.report(f"dead letter of {function}", error)
            await self._clock.sleep(wait)
