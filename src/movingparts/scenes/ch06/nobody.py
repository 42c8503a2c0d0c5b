"""The start of a ride that nobody conducts: each service reacts to another's event.

What each service does then, and on which event, comes from the page.

Leaves out: which bike it is, a rider who cancels, a dock that jams (page 3), and a
second process of a service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Response

from movingparts.consumer import once
from movingparts.core import Node, Recording, Table
from movingparts.core.asgi import at_start
from movingparts.core.event import Event
from movingparts.core.random import LogNormal, stream
from movingparts.outbox import Outbox
from movingparts.scenes.crashes import Crash, Crashes, MortalConnection
from movingparts.world.simulated import SimulatedWorld, simulate

ASK = {"ada": 0.0, "bob": 10.0, "cleo": 150.0}  # the second in which each asks
DOWN = 120.0  # seconds from the start until billing is up
BIKES = 2
PATIENCE = 60.0  # seconds until a rider without a bike walks away
SERVICES = ("availability", "billing", "stations", "rides")
HERE = "CREATE TABLE IF NOT EXISTS here (ride TEXT PRIMARY KEY, state TEXT, at REAL)"
STATE = "SELECT state FROM here WHERE ride = ?"
OLDER = "SELECT ride FROM here WHERE state = ? AND at <= ? ORDER BY ride"
TAKEN = "SELECT count(*) FROM here WHERE state != 'free'"


@dataclass
class Service:
    """One of the services: its node, its database and its outbox."""

    node: Node
    db: MortalConnection
    outbox: Outbox
    poor: Sequence[str] = ()

    def state(self, ride: str) -> str:
        """Return what this service knows of a ride, or an empty text."""
        found = self.db.execute(STATE, (ride,)).fetchone()
        return str(found[0]) if found else ""

    def record(self, ride: str, state: str, event: str = "") -> None:
        """Save a ride's state, and an event in the outbox, in the open transaction."""
        row = (ride, state, self.node.clock.now().timestamp())
        self.db.execute("INSERT OR REPLACE INTO here VALUES (?, ?, ?)", row)
        self.db.note(f"{ride}: {state}")
        if event:
            name, source = f"{self.node.name}.{event}", f"/{self.node.name}"
            self.outbox.add(name, Event(f"{ride}/{event}", source, name, {}, ride))

    def can_pay(self, ride: str) -> bool:
        """Return what the bank says, at once."""
        return ride not in self.poor

    def older(self, state: str, seconds: float) -> list[str]:
        """Return the rides that have been in a state for so long."""
        since = self.node.clock.now().timestamp() - seconds
        return [row[0] for row in self.db.execute(OLDER, (state, since))]


React = Callable[[Service, str], None]
Flow = Mapping[str, Mapping[str, React]]
Watch = Callable[[Service], None]  # what availability does each second


@dataclass
class Outcome:
    """What each service knows of each ride, the second each dock opened, a table."""

    states: dict[str, dict[str, str]] = field(default_factory=dict)
    opened: dict[str, float] = field(default_factory=dict)
    table: Table = field(default_factory=lambda: Table((), []))
    points: list[Crash] = field(default_factory=list)


@dataclass
class Town:
    """The services, wired as the page says."""

    world: SimulatedWorld
    flow: Flow
    watch: Watch | None
    crashes: Crashes
    poor: Sequence[str]

    def service(self, node: Node) -> FastAPI:
        """Return a service that reacts as its part of the flow says."""
        db = self.crashes.connect(node)
        db.execute(HERE)
        here = Service(node, db, Outbox(db), self.poor)  # type: ignore[arg-type]  # it stands for a connection

        async def begin() -> None:
            run = here.outbox.run(node.bus, node.clock, every=0.5)
            node.tasks.create_task(run)
            if self.watch and node.name == "availability":
                node.tasks.create_task(self._keep_watch(here, self.watch))
            for subject, react in self.flow.get(node.name, {}).items():
                name = f"{node.name}-{subject.replace('.', '-')}"
                handler = once(db, name, _apply(here, react))  # type: ignore[arg-type]  # as above
                await node.bus.subscribe(subject, handler, durable=name, max_deliver=50)

        app = FastAPI(lifespan=at_start(begin))

        @app.put("/reservations/{ride}")
        async def reserve(ride: str, response: Response) -> str:
            db.execute("BEGIN IMMEDIATE")
            with db:
                (taken,) = db.execute(TAKEN).fetchone()
                if not here.state(ride) and taken < BIKES:
                    here.record(ride, "held", "bike-reserved")
            response.status_code = 200 if here.state(ride) else 409
            return here.state(ride) or "no bike is free"

        return app

    async def _keep_watch(self, here: Service, watch: Watch) -> None:
        while True:
            with here.db:
                watch(here)
            await here.node.clock.sleep(1.0)

    async def ask(self, rider: str, at: float) -> None:
        """Ask for a bike at a second."""
        await self.world.clock.sleep(at)
        await self.world.client(rider).put(f"http://availability/reservations/{rider}")

    def outcome(self, riders: Mapping[str, float]) -> Outcome:
        """Return what is in all databases."""
        found = Outcome(points=self.crashes.points())
        for name in SERVICES:
            rows = self.world.node(name).disk.connect().execute("SELECT * FROM here")
            known = {str(ride): (str(state), float(at)) for ride, state, at in rows}
            found.states[name] = {ride: state for ride, (state, _) in known.items()}
            if name == "stations":
                clock = self.world.clock
                began = clock.now().timestamp() - clock.monotonic()
                found.opened = {ride: at - began for ride, (_, at) in known.items()}
        columns = ("rider", "asks at", "bike", "money", "dock opens")
        found.table = Table(columns, [_row(found, *each) for each in riders.items()])
        return found


def _apply(here: Service, react: React) -> Any:
    return lambda _, event: react(here, str(event.subject))


def _row(found: Outcome, rider: str, asked: float) -> tuple[str, ...]:
    bike = found.states["availability"].get(rider, "no bike free")
    money, opens = found.states["billing"].get(rider, ""), "never"
    if rider in found.opened:
        waited = found.opened[rider] - asked
        gone = f", and {rider} has left" if waited > PATIENCE else ""
        opens = f"after {waited:.0f} s{gone}"
    return rider, f"{asked:.0f} s", bike, money, opens


def starts(
    flow: Flow,
    watch: Watch | None = None,
    *,
    riders: Mapping[str, float] = ASK,
    down: float = DOWN,
    who: str = "billing",
    poor: Sequence[str] = (),
    crashes: Sequence[Crash] = (),
    loss: float = 0.0,
    until: float = 170.0,
    seed: int = 1,
) -> Recording:
    """Let riders ask for bikes while a service is down; the result is an `Outcome`."""

    async def scenario(world: SimulatedWorld) -> Outcome:
        world.network.everywhere(latency=0.005, loss=loss)
        town = Town(world, flow, watch, Crashes(world, crashes), poor)
        names = dict.fromkeys((*SERVICES, *flow))
        for name in names:
            await world.node("operator").bus.stream(name, f"{name}.*")
        for name in names:
            await world.serve(name, town.service)
        if down:
            Crashes(world, down=down).kill(who)
        for rider, at in riders.items():
            world.node(rider).tasks.create_task(town.ask(rider, at))
        await world.clock.sleep(until)
        return town.outcome(riders)

    return simulate(scenario, seed=seed)


def bank_takes(count: int, seed: int) -> list[float]:
    """Return how many seconds authorizations took, of those that came in the end.

    Most riders only wait for the bank; one in twelve has to confirm in an app.
    """
    rng, quick, confirmed = stream(seed, "bank"), LogNormal(1, 4), LogNormal(12, 45)
    kinds = [confirmed if rng.random() < 1 / 12 else quick for _ in range(count)]
    return [kind.draw(rng) / 1_000_000 for kind in kinds]
