"""Crashes at every step: a process dies before, right after or soon after a commit.

Between two commits a process changes nothing that outlives it. So a run that crashes
each process around each of its commits has crashed it at every step that matters.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from movingparts.core import Node
from movingparts.world.simulated import SimulatedWorld

WHEN = ("before", "after", "later")
DOWN = 2.0  # seconds until a crashed process starts again
SOON = 0.001  # seconds from a commit to a crash "later": its messages are on their way


@dataclass(frozen=True, slots=True)
class Crash:
    """A process dies around its so-manyth commit, counted from 1 over all its lives.

    "before" undoes the commit, "after" it nothing is sent, "later" messages are out.
    `other` names a process that dies instead, where that is not the one that commits.

    >>> str(Crash("billing", 2, "after"))
    'billing dies right after its commit 2'
    >>> str(Crash("billing", 1, "after", other="rides"))
    "rides dies right after billing's commit 1"
    """

    process: str
    commit: int
    when: str
    other: str = ""

    def __str__(self) -> str:
        how = {"before": "before", "after": "right after", "later": "soon after"}
        who, whose = self.process, "its"
        if self.other:
            who, whose = self.other, f"{self.process}'s"
        return f"{who} dies {how[self.when]} {whose} commit {self.commit}"


@dataclass(eq=False)
class Crashes:
    """Which process dies when and how long it is down, in one run; counts commits."""

    world: SimulatedWorld
    planned: Sequence[Crash] = ()
    down: float = DOWN
    commits: Counter[str] = field(default_factory=Counter)

    def connect(self, node: Node) -> MortalConnection:
        """Open a node's database, so that its commits are counted."""
        return MortalConnection(node.disk.connect(), self, node.name)

    def points(self, caller: str = "") -> list[Crash]:
        """Return every crash that this run could have had.

        A `caller` may also die right after others' commits, before it hears of them.
        """
        found = []
        for process, count in sorted(self.commits.items()):
            for commit in range(1, count + 1):
                found += [Crash(process, commit, when) for when in WHEN]
                if caller and caller != process:
                    found.append(Crash(process, commit, "after", caller))
        return found

    def due(self, process: str, when: str, other: str = "") -> bool:
        """Return whether somebody is to die now, around this process's commit."""
        return Crash(process, self.commits[process], when, other) in self.planned

    def kill(self, process: str) -> None:
        """Crash a process, and start it again after a while."""
        self.world.crash(process)
        self.world.after(self.down, self._restart, process)

    def _restart(self, process: str) -> None:
        operator = self.world.node("operator")
        operator.tasks.create_task(self.world.restart(process))


class MortalConnection:
    """A connection to SQLite whose process may die around a commit.

    It stands for `sqlite3.Connection` where code uses `execute` and `with db:`.
    """

    def __init__(self, db: sqlite3.Connection, crashes: Crashes, process: str) -> None:
        self._db, self._crashes, self._process = db, crashes, process
        self._notes: list[str] = []

    def __repr__(self) -> str:
        return f"<MortalConnection of {self._process}>"

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement, as the connection would."""
        return self._db.execute(sql, values)

    def note(self, text: str) -> None:
        """Write a remark into the recording, once this transaction is committed."""
        self._notes.append(text)

    def __enter__(self) -> Self:
        self._db.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        notes, self._notes = self._notes, []
        if kind is not None or not self._db.in_transaction:
            self._db.__exit__(kind, error, trace)
            return
        self._crashes.commits[self._process] += 1
        self._die("before")
        self._db.__exit__(kind, error, trace)
        for text in notes:
            self._crashes.world.note(self._process, text)
        for crash in self._crashes.planned:
            if crash.other and self._crashes.due(self._process, "after", crash.other):
                self._crashes.kill(crash.other)
        if self._crashes.due(self._process, "later"):
            self._crashes.world.after(SOON, self._crashes.kill, self._process)
        self._die("after")

    def _die(self, when: str) -> None:
        if self._crashes.due(self._process, when):
            self._crashes.kill(self._process)
            raise asyncio.CancelledError(f"{self._process} has crashed")
