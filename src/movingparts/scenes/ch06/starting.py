"""Riders start and end rides, in a simulated world in which anything may go wrong.

Leaves out: riders who change their minds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from movingparts.core import Recording
from movingparts.core.node import World
from movingparts.core.random import Uniform
from movingparts.saga import Progress, Sagas
from movingparts.scenes.ch06.services import (
    BIKES,
    TABLES,
    MakeRunner,
    Services,
    Steps,
    Trouble,
)
from movingparts.scenes.crashes import Crash, Crashes
from movingparts.world.simulated import SimulatedWorld, simulate

RIDERS = ("ada", "bob", "cleo")
RIDING = 20.0  # seconds from a ride's start to its end
QUIET = 120.0  # seconds until everything has been tried again
EXTRA = {"billing": ("charges",)}


@dataclass
class Outcome:
    """What is in every database at the end, and each saga's end.

    `sagas` has a saga's state by ride, `paged` the rides for which a person was paged;
    `rows` has the rows of each table. A runner that keeps no table `sagas` is judged by
    the rides: "done" if `rides` knows of one, "undone" if not. `points` are the crashes
    that were possible.
    """

    sagas: dict[str, str] = field(default_factory=dict)
    paged: list[str] = field(default_factory=list)
    rows: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    points: list[Crash] = field(default_factory=list)

    def broken(self) -> list[str]:
        """Return which promises this run has broken; none if all is well."""
        charged = [ride for ride, _ in self.rows["charges"]]
        left = {ride for ride, _ in self.rows["reservations"] + self.rows["holds"]}
        left |= {ride for _, ride in self.rows["unlocked"]}
        wrong = []
        for ride, state in self.sagas.items():
            if charged.count(ride) > 1:
                wrong.append(f"{ride}: charged {charged.count(ride)} times")
            elif state != "stuck" and charged.count(ride) != (state == "done"):
                wrong.append(f"{ride}: {state}, charged {charged.count(ride)} times")
            if state == "running":
                wrong.append(f"{ride}: the saga has not ended")
            if state == "stuck" and ride not in self.paged:
                wrong.append(f"{ride}: the saga is stuck, and nobody knows")
            if state != "stuck" and ride in left:
                wrong.append(f"{ride}: it is over, and something is still held")
        return wrong


class City:
    """The services in a simulated world, what may go wrong, and what came of it."""

    def __init__(self, world: SimulatedWorld, steps: Steps, trouble: Trouble) -> None:
        self.world, self.trouble, self.asked = world, trouble, list[str]()
        self.crashes = Crashes(world, trouble.crashes)
        self.services = Services(steps, trouble, self.crashes.connect, self.page)
        self.paged: list[str] = []

    async def start(self) -> None:
        """Start all services."""
        low, high = self.trouble.latency
        self.world.network.everywhere(
            latency=Uniform(low, high) if low < high else low,
            loss=self.trouble.loss,
            duplicate=self.trouble.duplicate,
        )
        bus = self.world.node("operator").bus
        await bus.stream("STATIONS", "stations.*")
        await bus.stream("RIDES", "rides.*")
        for name in TABLES:
            await self.world.serve(name, getattr(self.services, name))

    def page(self, progress: Progress) -> None:
        """Note that a saga needs a person."""
        self.paged.append(progress.saga)
        self.world.note("rides", f"{progress.saga} is stuck: {progress.reason}")

    async def ride(self, rider: str) -> None:
        """Start a ride, and dock its bike some time later, if it came about."""
        app, ride = self.world.client(rider, timeout=1.0), f"ride-{rider}"
        self.asked.append(ride)
        await self._insist(app, f"http://rides/rides/{ride}?rider={rider}")
        for _ in range(4):
            await self.world.clock.sleep(RIDING)
            if ride in self.services.unlocked:
                await self._insist(app, f"http://stations/docked/{ride}")
                return

    async def _insist(self, app: httpx.AsyncClient, url: str) -> None:
        """Ask until there is an answer."""
        while True:
            with suppress(httpx.TransportError):
                if (await app.put(url)).is_success:
                    return
            await self.world.clock.sleep(1.0)


def read_all(world: World, paged: Sequence[str], asked: Sequence[str] = ()) -> Outcome:
    """Return what is in all databases, of rides that riders have asked for."""
    found = Outcome(paged=list(paged))
    for service, table in TABLES.items():
        db = world.node(service).disk.connect()
        for name in (table.partition(" ")[0], *EXTRA.get(service, ())):
            rows = db.execute(f"SELECT * FROM {name} ORDER BY ride")  # noqa: S608  # names of ours
            found.rows[name] = [tuple(row) for row in rows]
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sagas'").fetchone():
            rows = db.execute("SELECT saga, state FROM sagas ORDER BY saga")
            found.sagas = {row[0]: row[1] for row in rows}
        db.close()
    known = {row[0] for row in found.rows["rides"]}
    ends = {ride: "done" if ride in known else "undone" for ride in asked}
    found.sagas = found.sagas or ends
    return found


def rides(
    steps: Steps,
    trouble: Trouble | None = None,
    *,
    riders: Sequence[str] = RIDERS,
    bikes: Sequence[str] = BIKES,
    seed: int = 1,
    runner: MakeRunner = Sagas,
) -> Recording:
    """Let riders start and end a ride each, one second apart; return an `Outcome`."""

    async def scenario(world: SimulatedWorld) -> Outcome:
        city = City(world, steps, trouble or Trouble())
        city.services.bikes, city.services.runner = bikes, runner
        await city.start()
        for rider in riders:
            world.node(rider).tasks.create_task(city.ride(rider))
            await world.clock.sleep(1.0)
        await world.clock.sleep(RIDING + QUIET)
        found = read_all(world, city.paged, city.asked)
        found.points = city.crashes.points("rides")
        return found

    return simulate(scenario, seed=seed)
