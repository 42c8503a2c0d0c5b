"""The four services of a ride as processes of their own, which can be killed.

These are the services that `starting` simulates. Their database kills the process at
the commit that a lab chooses, with signal 9: neither `finally` nor a clean-up is run.

Leaves out: a power cut, after which less is on the disk than after a killed process.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.core.node import World
from movingparts.outbox import Outbox
from movingparts.saga import Act, Progress, Step
from movingparts.scenes.ch06 import everywhere
from movingparts.scenes.ch06.services import Services, Trouble
from movingparts.scenes.ch06.starting import Outcome, read_all
from movingparts.scenes.crashes import MortalConnection

BIKES = [f"B{number}" for number in range(1, 41)]
POOR = [f"rider-{number}" for number in range(5, 101, 5)]  # each fifth can't pay
ORDERS = "dies"  # a file: at which commit this process is to die
PAGED = "paged"  # a file: the sagas that somebody was paged for


class RealConnection(MortalConnection):
    """A connection to SQLite whose process kills itself around a commit."""

    def __init__(self, node: Node) -> None:
        self._db, self._process = node.disk.connect(), node.name
        self._orders = node.disk.path / ORDERS
        self._ran: list[str] = []
        self._seen = 0

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement, and remember it until the commit."""
        self._ran.append(sql)
        return super().execute(sql, values)

    def note(self, text: str) -> None:
        """Do nothing: nobody records a real process."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._die_if_due("before")
        self._db.__exit__(kind, error, trace)
        self._die_if_due("after")
        self._ran.clear()

    def _die_if_due(self, now: str) -> None:
        if not self._orders.exists():
            return
        when, number, statement = self._orders.read_text().split(" ", 2)
        if when == now and any(sql.startswith(statement) for sql in self._ran):
            self._seen += 1
            if self._seen >= int(number):
                self._orders.unlink()
                os.kill(os.getpid(), signal.SIGKILL)


def die(node: Node, when: str, number: int, statement: str) -> None:
    """Order the process of a node to die around a commit with such a statement.

    `when` is "before" or "after"; `number` counts these commits from now on; the
    statement is given by how it begins.
    """
    (node.disk.path / ORDERS).write_text(f"{when} {number} {statement}")


def steps(node: Node, save_ride: Act) -> list[Step]:
    """Return the steps that start a ride, with time for a process to start again."""
    return [replace(step, limit=30.0) for step in everywhere.steps(node, save_ride)]


def availability(node: Node) -> FastAPI:
    """Serve availability."""
    return _services(node).availability(node)


def billing(node: Node) -> FastAPI:
    """Serve billing."""
    return _services(node).billing(node)


def stations(node: Node) -> FastAPI:
    """Serve the stations."""
    return _services(node).stations(node)


def rides(node: Node) -> FastAPI:
    """Serve rides, which takes on the sagas that an earlier process left."""
    return _services(node).rides(node)


def _services(node: Node) -> Services:
    def page(progress: Progress) -> None:
        with (node.disk.path / PAGED).open("a") as file:
            print(progress.saga, file=file)

    services = Services(steps, Trouble(poor=POOR), RealConnection, page)
    services.bikes = BIKES
    return services


async def ride(world: World, number: int) -> None:
    """Start a ride, and dock its bike as soon as the saga has ended."""
    app, name = world.client("riders", timeout=1.0), f"ride-{number}"

    async def insist(method: str, url: str) -> httpx.Response:
        while True:
            with suppress(httpx.TransportError):
                reply = await app.request(method, url)
                if reply.is_success:
                    return reply
            await world.clock.sleep(0.1)

    await insist("PUT", f"http://rides/rides/{name}?rider=rider-{number}")
    while not (await insist("GET", f"http://rides/rides/{name}")).json()["over"]:
        await world.clock.sleep(0.1)
    await insist("PUT", f"http://stations/docked/{name}")


def outcome(world: World) -> Outcome:
    """Return what is in all databases, while the services run or while they don't."""
    paged = world.node("rides").disk.path / PAGED
    return read_all(world, paged.read_text().split() if paged.exists() else [])


def waiting(world: World, service: str) -> int:
    """Return how many events are in a service's outbox."""
    with closing(world.node(service).disk.connect()) as db:
        return Outbox(db).waiting()
