"""A participant: a service that does its step of a saga once, and can take it back.

Requests come twice, late, or in the wrong order. So a participant keeps its answer to
each request, by the request's key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from movingparts.saga import Refused

KEYS = """CREATE TABLE IF NOT EXISTS keys
    (key TEXT PRIMARY KEY, state TEXT, answer TEXT)"""
KNOWN = "SELECT state, answer FROM keys WHERE key = ?"
KEEP = "INSERT OR REPLACE INTO keys VALUES (?, ?, ?)"


class Participant:
    """Does each step once, whatever comes twice, late, or after its own undo.

    It keeps the answer to each key in the transaction that does the step. An undo that
    comes first is kept too, so that its step is refused when it comes.

    >>> bikes = Participant(sqlite3.connect(":memory:"))
    >>> bikes.undo("ride-17/reserve", lambda db: None)
    >>> bikes.do("ride-17/reserve", lambda db: "B7")
    Traceback (most recent call last):
    movingparts.saga.Refused: ride-17/reserve was undone

    Source: chapter 06. Leaves out: an end of the memory, and what `act` does outside of
    its database, such as opening a dock: that needs a key of its own.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute(KEYS)

    def do(self, key: str, act: Callable[[sqlite3.Connection], Any]) -> Any:
        """Return what `act` returned the first time, or raise `Refused` if it did.

        `act` refuses before it writes anything.
        """
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            found = self._db.execute(KNOWN, (key,)).fetchone()
            state, answer = found or ("new", "")
            if state == "new":
                try:
                    state, answer = "done", json.dumps(act(self._db))
                except Refused as no:
                    state, answer = "refused", str(no)
                self._db.execute(KEEP, (key, state, answer))
        if state != "done":
            raise Refused(answer)
        return json.loads(answer)

    def undo(self, key: str, act: Callable[[sqlite3.Connection], Any]) -> None:
        """Undo a step, if it was done and not yet undone."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            state, _ = self._db.execute(KNOWN, (key,)).fetchone() or ("new", "")
            if state == "done":
                act(self._db)
            self._db.execute(KEEP, (key, "undone", f"{key} was undone"))
