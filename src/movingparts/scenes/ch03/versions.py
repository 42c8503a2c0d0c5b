"""Versions by hand: a stand is saved only if nobody has saved it since it was read.

Source: chapter 03; Fowler 2002 (optimistic offline lock). Leaves out: a pause before
the next attempt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from sqlite3 import Connection
from typing import Any

from fastapi import FastAPI

from movingparts.city.availability.model import Refused
from movingparts.core import Node
from movingparts.repository import StaleVersion
from movingparts.scenes.ch03 import last_bike
from movingparts.scenes.ch03.last_bike import Command, Scattered, Stand

READ = "SELECT version, state FROM stands WHERE stand_id = ?"
UPDATE = """UPDATE stands SET version = version + 1, state = ?
    WHERE stand_id = ? AND version = ?"""


def read(db: Connection, stand_id: str) -> tuple[Stand, int]:
    """Return a stand and its version."""
    version, state = db.execute(READ, [stand_id]).fetchone()
    return Stand(**json.loads(state)), version


def write(db: Connection, stand: Stand, version: int) -> None:
    """Save a stand if its row still has this version."""
    row = [json.dumps(asdict(stand)), stand.stand_id, version]
    with db:  # commits at the end, rolls back if it raises
        if db.execute(UPDATE, row).rowcount == 0:
            raise StaleVersion(f"{stand.stand_id} has changed since")


def deciding_again(handler: Scattered) -> Scattered:
    """Return a handler that starts over when its save is too late."""

    async def handle(node: Node, db: Connection, command: Command) -> str:
        for _ in range(10):
            try:
                return await handler(node, db, command)
            except StaleVersion:
                continue
        raise Refused("too many riders at once")

    return handle


def versioned(
    node: Node,
    *,
    handlers: Mapping[str, Scattered],
    db: Connection | None = None,
) -> FastAPI:
    """Serve stands whose rows have a version."""
    db = db or node.disk.connect()
    again = {name: deciding_again(each) for name, each in handlers.items()}
    app = last_bike.anemic(node, handlers=again, db=db)
    db.execute("ALTER TABLE stands ADD COLUMN version INTEGER DEFAULT 1")
    return app


def in_a_handler(
    decide: Callable[[Any, str], str], kind: type[Any] = Stand
) -> Scattered:
    """Return a handler that reads a stand, lets `decide` change it, and saves it."""

    async def handle(node: Node, db: Connection, command: Command) -> str:
        bare, version = read(db, command.stand_id)
        stand = kind(**asdict(bare))
        bike = decide(stand, command.rider_id)
        write(db, stand, version)
        return bike

    return handle
