"""Processes that share a database and get events again: exercise 5.2.

A process dies, or another one gets the same event, right before a statement or commit.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from movingparts.core.event import Event

CHARGES = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE charges (source TEXT, id TEXT, rider TEXT, cents INTEGER);
"""


class Crash(BaseException):
    """The process has died: no `except Exception` can save it."""


class Steps(sqlite3.Cursor):
    """A cursor that counts each statement before it runs."""

    connection: Database

    def execute(self, *arguments: Any) -> Steps:
        """Run a statement, which is a step."""
        self.connection.step()
        return super().execute(*arguments)


class Database(sqlite3.Connection):
    """A connection to which something happens right before its n-th step."""

    left = 0  # steps until it happens; 0 for never
    dead = False
    happen: Callable[[], None]

    def cursor(self, factory: Any = Steps) -> Any:
        """Return a cursor whose statements are steps."""
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> Any:
        """Run a statement, which is a step."""
        return self.cursor().execute(*arguments)

    def commit(self) -> None:
        """Commit, which is a step."""
        self.step()
        super().commit()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if kind is None:
            self.step()
        return super().__exit__(kind, error, trace)

    def step(self) -> None:
        """Count a step."""
        if self.dead:
            raise Crash
        self.left -= 1
        if self.left == 0:
            self.happen()

    def die(self) -> None:
        """End the process: what isn't committed is rolled back."""
        self.dead = True
        raise Crash


class Process:
    """A process with a connection and a handler of its own.

    `value` is what the handler returned last, and `error` what it raised last.
    """

    def __init__(self, path: Path, make: Callable[[Database], Any]) -> None:
        self.db = sqlite3.connect(path, factory=Database, timeout=0)
        self.handler, self.error, self.tries = make(self.db), "", 0
        self.value: Any = None

    @property
    def is_async(self) -> bool:
        """Whether the handler can be awaited."""
        call = getattr(self.handler, "__call__", None)  # noqa: B004  # an object's own
        return any(map(inspect.iscoroutinefunction, (self.handler, call)))

    def happens(self, step: int, what: Callable[[], None]) -> None:
        """Let something happen right before one of the next steps."""
        self.db.left, self.db.happen = step, what

    async def deliver(self, event: Any, times: int = 1) -> bool:
        """Deliver an event until the handler returns, so often at most."""
        for self.tries in range(1, times + 1):
            try:
                self.value = await self.handler(event)
            except Exception as error:  # noqa: BLE001  # a refusal, whatever it is
                self.error = f"{type(error).__name__}: {error}"
            else:
                return True
        return False

    def meanwhile(self, event: Event) -> None:
        """Deliver an event while another process is in the middle of its own."""
        work = self.deliver(event)
        try:
            while True:
                work.send(None)
        except StopIteration:
            return

    def kill(self) -> None:
        """End the process, and its connection with it."""
        sqlite3.Connection.rollback(self.db)
        self.db.close()
