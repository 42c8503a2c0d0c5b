"""A saga: steps in several services that end done, undone, or in front of a person.

The saga's progress is saved after each step. Whatever crashes, the saga goes on from
there, and repeats at most one step, under the same key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from movingparts.core.clock import Clock

# What a step does: it gets its key, the same at each try, and the saga's data.
Act = Callable[[str, dict[str, Any]], Awaitable[Any]]


class Refused(Exception):
    """A participant said no: definite, the step was not done and will not be."""


class OutOfTime(Exception):
    """No try of a step brought an answer in time: indefinite, it may have been done."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one participant does, and what takes it back.

    A step without `undo` can't be taken back. New tries begin for `limit` seconds;
    how long one of them may take is up to `do`.

    >>> async def unlock(key, data): ...
    >>> Step("unlock", unlock).undo is None
    True
    """

    name: str
    do: Act
    undo: Act | None = None
    limit: float = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a saga is: which step comes next, and on which way it is.

    `way` is "forward" or "back"; `state` is "running", "done", "undone" or "stuck".

    >>> Progress("ride-17").state
    'running'
    """

    saga: str
    step: int = 0
    way: str = "forward"
    state: str = "running"
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


SAGAS = """CREATE TABLE IF NOT EXISTS sagas (saga TEXT PRIMARY KEY, step INTEGER,
    way TEXT, state TEXT, data TEXT, reason TEXT)"""
BEGIN = """INSERT INTO sagas VALUES (?, 0, 'forward', 'running', ?, '')
    ON CONFLICT DO NOTHING"""
LOAD = "SELECT * FROM sagas WHERE saga = ?"
SAVE = """UPDATE sagas SET step = ?, way = ?, state = ?, data = ?, reason = ?
    WHERE saga = ? AND step = ? AND way = ? AND state = ?"""
IN_STATE = "SELECT saga FROM sagas WHERE state = ? ORDER BY rowid"

Page = Callable[[Progress], None]  # pages a person about a saga that is stuck


class Sagas:
    """Runs sagas of one kind, and keeps their progress in the service's database.

    Several may run the same saga: a step is saved only from where it began. A person
    may be paged twice for one that is stuck, or for one that another has moved since.

    Source: chapter 06; Garcia-Molina and Salem 1987. Leaves out: steps side by side,
    several kinds of saga in one database, a change of the steps while sagas run, time
    limits that last through a crash, and a person who sends a stuck saga back.
    """

    def __init__(
        self, db: sqlite3.Connection, clock: Clock, steps: Sequence[Step], page: Page
    ) -> None:
        self._db, self._clock, self._steps, self._page = db, clock, steps, page
        db.execute(SAGAS)

    def __repr__(self) -> str:
        return f"<Sagas of {' → '.join(step.name for step in self._steps)}>"

    def begin(self, saga: str, data: dict[str, Any]) -> None:
        """Save that a saga has begun; safe to repeat."""
        with self._db:
            self._db.execute(BEGIN, (saga, json.dumps(data)))

    def load(self, saga: str) -> Progress:
        """Return how far a saga is; raise `LookupError` if it has not begun."""
        row = self._db.execute(LOAD, (saga,)).fetchone()
        if row is None:
            raise LookupError(f"no saga {saga!r} has begun")
        name, step, way, state, data, reason = row
        return Progress(name, step, way, state, json.loads(data), reason)

    def unfinished(self, state: str = "running") -> list[str]:
        """Return the sagas in a state, the oldest first: after a crash, run these."""
        return [name for (name,) in self._db.execute(IN_STATE, (state,))]

    async def run(self, saga: str) -> Progress:
        """Go on with a saga until it is done, undone or stuck."""
        while (here := self.load(saga)).state == "running":
            try:
                result = await self._try(here)
            except Refused as no:
                there = self._turn(here, here.step - 1, str(no))
            except OutOfTime as late:  # it may have been done: undo it, too
                there = self._turn(here, here.step, str(late))
            else:
                there = self._next(here, result)
            if there.state == "stuck":  # first, so that no crash skips the page
                self._page(there)
            self._save(here, there)
        return here

    def retry(self, saga: str) -> None:
        """Let a stuck saga go on where it is: somebody has removed the cause."""
        here = self.load(saga)
        if here.state == "stuck":
            self._save(here, replace(here, state="running"))

    async def _try(self, here: Progress) -> Any:
        """Do or undo a step, again and again, with pauses that double."""
        step = self._steps[here.step]
        act = step.do if here.way == "forward" else step.undo
        assert act is not None  # `_turn` goes back only over undos
        give_up, pause = self._clock.monotonic() + step.limit, 0.1
        while True:
            try:
                return await act(f"{here.saga}/{step.name}", here.data)
            except Refused:
                raise
            except Exception as error:
                if self._clock.monotonic() + pause > give_up:
                    raise OutOfTime(f"{step.name}: {error}") from error
            await self._clock.sleep(pause)
            pause *= 2

    def _next(self, here: Progress, result: Any) -> Progress:
        if here.way == "back":
            return self._undo(here, here.step - 1)
        data = here.data | {self._steps[here.step].name: result}
        last = here.step + 1 == len(self._steps)
        state = "done" if last else "running"
        return replace(here, step=here.step + 1, data=data, state=state)

    def _turn(self, here: Progress, last: int, reason: str) -> Progress:
        """Go back from the last step that may be done, or stop where none can."""
        here = replace(here, reason=reason)
        undos = [step.undo for step in self._steps[: last + 1]]
        if here.way == "back" or None in undos:
            return replace(here, state="stuck")
        return self._undo(replace(here, way="back"), last)

    def _undo(self, here: Progress, step: int) -> Progress:
        return replace(here, step=step, state="running" if step >= 0 else "undone")

    def _save(self, here: Progress, there: Progress) -> None:
        """Save a step, unless somebody else has taken this saga on."""
        data = json.dumps(there.data)
        new = (there.step, there.way, there.state, data, there.reason)
        old = (here.saga, here.step, here.way, here.state)
        with self._db:
            self._db.execute(SAVE, new + old)
