"""Several processes that serve the same stands from one file.

Each of these is a factory for a separate process: `world.spawn(name, factory)`. The
file is on the disk of a node called `stands`, beside their own.

Source: chapter 03. Leaves out: copies on several machines, which share no file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping

from fastapi import FastAPI

from movingparts.city.availability.model import BikeId, Refused, Stand
from movingparts.core import Node
from movingparts.scenes.ch03.last_bike import Command, Guarded, anemic, guarded
from movingparts.unit_of_work import UnitOfWork


def shared(node: Node) -> sqlite3.Connection:
    """Open the file that all copies serve."""
    return node.disk.connect("../stands/data.sqlite")


def anemic_copy(node: Node) -> FastAPI:
    """Serve stands that are only data, as the other copies do."""
    return anemic(node, db=shared(node))


def guarded_copy(node: Node) -> FastAPI:
    """Serve stands that keep their rule, as the other copies do."""
    return guarded(node, db=shared(node))


async def move(node: Node, work: UnitOfWork, command: Command) -> str:
    """Move a free bike from one stand to S02."""
    here = await work.of(Stand).get(command.stand_id)
    there, now = await work.of(Stand).get("S02"), node.clock.now()
    bike = next(iter(here.free(now)), None)
    if bike is None:
        raise Refused(f"{command.stand_id} has no bike to give")
    here.withdraw(BikeId(bike), now)
    there.offer(BikeId(bike), now)
    return bike


MOVES: Mapping[str, Guarded] = {"moves": move}


def moving_copy(node: Node) -> FastAPI:
    """Serve moves of bikes from stand to stand."""
    return guarded(node, handlers=MOVES, db=shared(node))


def halting_copy(node: Node) -> FastAPI:
    """Serve moves, and stop for good between the two rows of the first commit.

    When it has stopped, there is a file `halted` on its disk. It holds the lock of the
    database then, so run it in a process of its own, and kill that.
    """
    db, rows = shared(node), list[str]()

    def traced(statement: str) -> None:  # SQLite calls it before each statement
        if statement.startswith("UPDATE aggregates"):
            rows.append(statement)
            if len(rows) == 2:
                (node.disk.path / "halted").touch()
                os.read(os.pipe()[0], 1)  # waits: nobody writes into this pipe

    app = guarded(node, handlers=MOVES, db=db)
    db.set_trace_callback(traced)
    return app
