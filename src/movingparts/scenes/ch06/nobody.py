"""The start of a ride that nobody conducts: each service reacts to another's event.

What each service does then, and on which event, comes from the page.

Leaves out: which bike it is, a rider who cancels, and the dock that jams (page 3).
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Response

from movingparts.consumer import once
from movingparts.core import Node, Recording, Table
from movingparts.core.event import Event
from movingparts.core.random import LogNormal, stream
from movingparts.outbox import Outbox
from movingparts.scenes.ch06.crashes import Crash, Crashes, MortalConnection
from movingparts.world.simulated import SimulatedWorld, simulate

ASK = {"ada": 0.0, "bob": 10.0, "cleo": 150.0}  # the second in which each asks
DOWN = 120.0  # seconds from the start until billing is up
BIKES = 2
PATIENCE = 60.0  # seconds until a rider without a bike walks away
SERVICES = ("availability", "billing", "stations", "rides")
LOCAL = "CREATE TABLE IF NOT EXISTS here (ride TEXT PRIMARY KEY, state TEXT, at REAL)"
OLDER = "SELECT ride FROM here WHERE state = ? AND at <= ? ORDER BY ride"


@dataclass
class Service:
    """One of the four services: its node, its database and its outbox."""

    node: Node
    db: MortalConnection
    outbox: Outbox
    poor: Sequence[str] = ()

    def state(self, ride: str) -> str:
        """Return what this service knows of a ride, or an empty text."""
        found = self.db.execute("SELECT state FROM here WHERE ride = ?", (ride,))
        return str((found.fetchone() or [""])[0])

    def record(self, ride: str, state: str, event: str = "") -> None:
        """Save a ride's state, and an event into the outbox, in one transaction."""
        row = (ride, state, self.node.clock.monotonic())
        self.db.execute("INSERT OR REPLACE INTO here VALUES (?, ?, ?)", row)
        self.db.note(f"{ride}: {state}")
        if event:
            name = f"{self.node.name}.{event}"
            happened = Event(f"{ride}/{event}", f"/{self.node.name}", name, {}, ride)
            self.outbox.add(name, happened)

    def can_pay(self, ride: str) -> bool:
        """Return what the bank says, at once."""
        return ride not in self.poor

    def older(self, state: str, seconds: float) -> list[str]:
        """Return the rides that have been in a state for so long."""
        since = self.node.clock.monotonic() - seconds
        return [row[0] for row in self.db.execute(OLDER, (state, since))]

    def free(self) -> bool:
        """Return whether a bike is left to reserve."""
        (taken,) = self.db.execute(
            "SELECT count(*) FROM here WHERE state != 'free'"
        ).fetchone()
        return int(taken) < BIKES


React = Callable[[Service, str], None]
Flow = Mapping[str, Mapping[str, React]]
Watch = Callable[[Service], None]  # called each second, in a transaction


@dataclass(frozen=True)
class Outcome:
    """What each service knows of each ride, when docks opened; a table of it all."""

    states: dict[str, dict[str, str]]
    opened: dict[str, float]
    table: Table
    points: list[Crash]


class Town:
    """The four services, wired as the page says."""

    def __init__(
        self, world: SimulatedWorld, flow: Flow, watch: Watch | None, **trouble: Any
    ) -> None:
        self.world, self.flow, self.watch = world, flow, watch
        self.crashes = Crashes(world, trouble.pop("crashes", ()))
        self.trouble = trouble
        self.asked: dict[str, str] = {}

    def make(self, node: Node) -> FastAPI:
        """Return a service that reacts as its part of the flow says."""
        db = self.crashes.connect(node)
        db.execute(LOCAL)
        outbox = Outbox(db)  # type: ignore[arg-type]  # it stands for a connection
        here = Service(node, db, outbox, self.trouble.get("poor", ()))

        async def look() -> None:
            while self.watch:
                with db:
                    self.watch(here)
                await node.clock.sleep(1.0)

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            node.tasks.create_task(outbox.run(node.bus, node.clock, every=0.5))
            if node.name == "availability":
                node.tasks.create_task(look())
            for subject, react in self.flow.get(node.name, {}).items():
                await self._listen(here, subject, react)
            yield

        app = FastAPI(title=node.name, lifespan=lifespan)

        @app.put("/reservations/{ride}")
        async def reserve(ride: str, response: Response) -> str:
            db.execute("BEGIN IMMEDIATE")
            with db:
                if not here.state(ride):
                    if not here.free():
                        response.status_code = 409
                        return "no bike is free"
                    here.record(ride, "held", "bike-reserved")
            return here.state(ride)

        return app

    async def _listen(self, here: Service, subject: str, react: React) -> None:
        def apply(_: sqlite3.Connection, event: Event) -> None:
            react(here, str(event.subject))

        name = f"{here.node.name}-{subject.replace('.', '-')}"
        handler = once(here.db, name, apply)  # type: ignore[arg-type]  # as above
        await here.node.bus.subscribe(subject, handler, durable=name, max_deliver=50)

    async def ride(self, rider: str, at: float) -> None:
        """Ask for a bike at a second."""
        await self.world.clock.sleep(at)
        app = self.world.client(rider, timeout=30.0)
        reply = await app.put(f"http://availability/reservations/{rider}")
        self.asked[rider] = "" if reply.is_success else str(reply.json())

    def outcome(self, riders: Mapping[str, float]) -> Outcome:
        """Return what is in all databases."""
        states, opened = {}, {}
        for name in SERVICES:
            db = self.world.node(name).disk.connect()
            rows = list(db.execute("SELECT ride, state, at FROM here ORDER BY ride"))
            states[name] = {ride: str(state) for ride, state, _ in rows}
            if name == "stations":
                opened = {ride: at for ride, state, at in rows if state == "unlocked"}
        def dock(rider: str, asked: float) -> str:
            if rider not in opened:
                return "never"
            waited = opened[rider] - asked
            gone = f", and {rider} has left" if waited > PATIENCE else ""
            return f"after {waited:.0f} s{gone}"

        rows = [
            (
                rider,
                f"{at:.0f} s",
                states["availability"].get(rider, "no bike free"),
                states["billing"].get(rider, "–"),
                dock(rider, at),
            )
            for rider, at in riders.items()
        ]
        columns = ("rider", "asks at", "bike", "money", "dock opens")
        return Outcome(states, opened, Table(columns, rows), self.crashes.points())


def starts(
    flow: Flow,
    watch: Watch | None = None,
    *,
    riders: Mapping[str, float] = ASK,
    down: float = DOWN,
    until: float = 170.0,
    seed: int = 1,
    **trouble: Any,
) -> Recording:
    """Let riders ask for bikes while billing is down; the result is an `Outcome`.

    `trouble` has names of riders who are `poor`, the `crashes` of processes, and
    chances of each message: `loss` and `duplicate`.
    """

    async def scenario(world: SimulatedWorld) -> Outcome:
        chances = {key: trouble.pop(key, 0.0) for key in ("loss", "duplicate")}
        world.network.everywhere(latency=0.005, **chances)
        town = Town(world, flow, watch, **trouble)
        bus = world.node("operator").bus
        names = dict.fromkeys((*SERVICES, *flow))
        for name in names:
            await bus.stream(name, f"{name}.*")
        for name in names:
            await world.serve(name, town.make)
        if down:
            world.crash("billing")
            world.after(down, lambda: _restart(world))
        for rider, at in riders.items():
            world.node(rider).tasks.create_task(town.ride(rider, at))
        await world.clock.sleep(until)
        return town.outcome(riders)

    return simulate(scenario, seed=seed)


def _restart(world: SimulatedWorld) -> None:
    world.node("operator").tasks.create_task(world.restart("billing"))


def bank_takes(count: int, seed: int) -> list[float]:
    """Return how many seconds authorizations took that came in the end.

    Most riders only wait for the bank; one of twelve has to confirm in an app.
    """
    rng, quick, confirmed = stream(seed, "bank"), LogNormal(1, 4), LogNormal(12, 45)
    return [
        (confirmed if rng.random() < 1 / 12 else quick).draw(rng) / 1e6
        for _ in range(count)
    ]
