"""Consumers that stay right when events come twice, out of order, or can't be handled.

A bus that delivers at least once delivers some events again, and lets others pass them.
A consumer remembers in its own database what it has handled, in the same transaction in
which it handles it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from movingparts.core.bus import Bus, Handler
from movingparts.core.event import Event

# What a consumer does with an event, inside of the transaction that remembers it.
Apply = Callable[[sqlite3.Connection, Event], None]

INBOX = """CREATE TABLE IF NOT EXISTS inbox
    (consumer TEXT, id TEXT, PRIMARY KEY (consumer, id))"""
REMEMBER = "INSERT INTO inbox VALUES (?, ?) ON CONFLICT DO NOTHING"


def once(db: sqlite3.Connection, consumer: str, apply: Apply) -> Handler:
    """Return a handler that applies each event once, however often it is delivered.

    The event's id and what `apply` writes are committed together, or neither is. What
    `apply` raises is raised, and the event stays new.

    Source: chapter 05; Hohpe and Woolf 2003 (idempotent receiver). Leaves out: an end
    of the memory; a row for each event ever handled is kept.
    """
    db.execute(INBOX)

    async def receive(event: Event) -> None:
        db.execute("BEGIN IMMEDIATE")
        with db:  # commits at its end, rolls back if it raises
            if db.execute(REMEMBER, (consumer, identity(event))).rowcount:
                apply(db, event)

    return receive


def identity(event: Event) -> str:
    """Return what tells an event from all others: CloudEvents' source and id.

    >>> identity(Event("17", "/rides", "RideEnded"))
    '/rides 17'
    """
    return f"{event.source} {event.id}"


class Gap(Exception):
    """An event came before one that it follows: definite, nothing was done."""


PLACES = """CREATE TABLE IF NOT EXISTS places
    (consumer TEXT, key TEXT, number INTEGER, PRIMARY KEY (consumer, key))"""
PLACE = "SELECT number FROM places WHERE consumer = ? AND key = ?"
ADVANCE = "INSERT OR REPLACE INTO places VALUES (?, ?, ?)"


def in_order(db: sqlite3.Connection, consumer: str, apply: Apply) -> Handler:
    """Return a handler that applies the events of each subject in their order.

    The publisher numbers the events of each subject from 1, in `data["number"]`. An
    event that was applied before does nothing; one that is too early raises `Gap`, so
    that the bus brings it again later.

    Source: chapter 05. Leaves out: what to do if the missing event never comes, which
    ends in a dead letter.
    """
    db.execute(PLACES)

    async def receive(event: Event) -> None:
        number = event.data["number"]
        db.execute("BEGIN IMMEDIATE")
        with db:
            found = db.execute(PLACE, (consumer, event.subject)).fetchone()
            due = (found[0] if found else 0) + 1
            if number > due:
                raise Gap(f"{event.subject}: number {due} is due, {number} came")
            if number == due:
                apply(db, event)
                db.execute(ADVANCE, (consumer, event.subject, number))

    return receive


def partition(key: str, of: int) -> int:
    """Return which of so many partitions a key belongs to: always the same one.

    >>> [partition(bike, of=4) for bike in ("B1", "B2", "B3", "B2")]
    [2, 0, 2, 0]
    """
    return crc32(key.encode()) % of


LETTERS = """CREATE TABLE IF NOT EXISTS letters
    (id TEXT PRIMARY KEY, subject TEXT, reason TEXT, event TEXT, state TEXT)"""
SAVE = "INSERT INTO letters VALUES (?, ?, ?, ?, 'held') ON CONFLICT DO NOTHING"
HELD = "SELECT id, subject, reason, event FROM letters WHERE state = 'held' ORDER BY id"
SENT_AGAIN = "UPDATE letters SET state = 'sent again' WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that a consumer could not handle, and what the last try said.

    >>> Letter("billing:city:7", "rides.ride-ended", "KeyError: 'fare'", {}).reason
    "KeyError: 'fare'"
    """

    id: str
    subject: str
    reason: str
    event: dict[str, Any]


class DeadLetters:
    """Keeps the dead letters of a durable consumer until somebody sends them again.

    >>> DeadLetters(sqlite3.connect(":memory:")).held()
    []

    Source: chapter 05; Hohpe and Woolf 2003 (dead letter channel). Leaves out: letters
    whose event did not fit into them, and who may send them again.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute(LETTERS)

    async def save(self, letter: Event) -> None:
        """Save a letter: the handler of a subject such as `dead.billing`."""
        about = letter.data
        event = json.dumps(about["event"])
        row = (letter.id, about["subject"], about["reason"], event)
        with self._db:
            self._db.execute(SAVE, row)

    def held(self) -> list[Letter]:
        """Return what waits for somebody to decide."""
        return [
            Letter(key, subject, reason, json.loads(event))
            for key, subject, reason, event in self._db.execute(HELD)
        ]

    async def redrive(self, bus: Bus) -> int:
        """Publish each held event again, as it was; return how many.

        A crash in between publishes some twice: they keep their ids.
        """
        letters = self.held()
        for letter in letters:
            event = Event.from_json(json.dumps(letter.event))
            await bus.publish(letter.subject, event)
            with self._db:
                self._db.execute(SENT_AGAIN, (letter.id,))
        return len(letters)
