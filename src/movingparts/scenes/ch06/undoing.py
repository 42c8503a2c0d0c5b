"""Steps that are undone: a late request for a bike; four steps, one of which fails.

Source: chapter 06, page 3. Leaves out: what happens after a ride's start.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI, Response

from movingparts.core import Node, Recording
from movingparts.core.random import Exponential
from movingparts.saga import Progress, Refused, Sagas, Step
from movingparts.scenes.ch06.services import Steps, Trouble, ask
from movingparts.scenes.ch06.starting import City
from movingparts.world.simulated import SimulatedWorld, simulate

BIKES = "CREATE TABLE reservations (bike TEXT PRIMARY KEY, ride TEXT)"
HOLDERS = "SELECT bike, ride FROM reservations"
LATE = 4.0  # seconds that Ada's request for B1 takes
BANK = 3.0  # seconds until Ada's bank says no
LOST = 2.2  # seconds in which a service's answers are lost: both tries of a step

Reserve = Callable[[sqlite3.Connection, str, str], Any]  # a ride and a bike
GiveBack = Callable[[sqlite3.Connection, str], Any]  # a ride
Kind = Callable[[sqlite3.Connection], Any]  # does and undoes steps: `Participant`


@dataclass
class Town:
    """Two services: rides starts rides in one step or two, availability has bikes."""

    world: SimulatedWorld
    kind: Kind
    reserve: Reserve
    give_back: GiveBack
    bank: bool = False  # whether a ride needs Ada's bank

    def availability(self, node: Node) -> FastAPI:
        """Return the service that reserves bikes, and notes who has them."""
        db = node.disk.connect()
        db.execute(BIKES)
        app, steps = FastAPI(title="availability"), self.kind(db)

        def reserve(db: sqlite3.Connection, data: dict[str, Any]) -> Any:
            bike = self.reserve(db, data["ride"], data["bike"])
            self.world.note("availability", f"{bike} is reserved for {data['ride']}")
            return bike

        def give_back(db: sqlite3.Connection, ride: str) -> None:
            before = db.total_changes
            self.give_back(db, ride)
            if db.total_changes > before:
                self.world.note("availability", "B1 is free")

        @app.put("/steps/{key:path}")
        async def put(key: str, data: dict[str, Any], response: Response) -> Any:
            try:
                return steps.do(key, partial(reserve, data=data))
            except Refused as no:
                self.world.note("availability", f"{data['ride']} is refused")
                response.status_code = 409
                return str(no)

        @app.delete("/steps/{key:path}")
        async def delete(key: str) -> None:
            steps.undo(key, partial(give_back, ride=key.partition("/")[0]))

        return app

    def rides(self, node: Node) -> FastAPI:
        """Return the service that starts a ride: reserve, then perhaps ask a bank."""
        node.client.timeout = httpx.Timeout(1.0)

        async def bank(key: str, data: dict[str, Any]) -> None:
            await node.clock.sleep(BANK)
            raise Refused("the bank says no")

        async def give_back(key: str, data: dict[str, Any]) -> None:
            url = f"http://availability/steps/{key}"
            (await node.client.delete(url, timeout=None)).raise_for_status()

        reserve = ask(node, "availability")
        steps = [Step("reserve", reserve, give_back, limit=1.0)]
        steps += [Step("authorize", bank)] * self.bank
        sagas = Sagas(node.disk.connect(), node.clock, steps, print)
        app = FastAPI(title="rides")

        @app.put("/rides/{ride}")
        async def start(ride: str, bike: str) -> str:
            sagas.begin(ride, {"ride": ride, "bike": bike})
            return (await sagas.run(ride)).state

        return app

    async def start(self) -> None:
        """Start both services; an undo waits for its answer, however long it takes."""
        self.world.network.everywhere(latency=0.02)
        await self.world.serve("availability", self.availability)
        await self.world.serve("rides", self.rides)

    def bikes(self) -> dict[str, str]:
        """Return which ride has which bike."""
        db = self.world.node("availability").disk.connect()
        return dict(db.execute(HOLDERS).fetchall())

    async def ask(self, ride: str, bike: str = "B1") -> str:
        """Ask for a ride in its rider's name; return how its saga ends."""
        rider = self.world.client(ride.removeprefix("ride-"), timeout=None)
        reply = await rider.put(f"http://rides/rides/{ride}?bike={bike}")
        return str(reply.json())


def late_request(kind: Kind, reserve: Reserve, give_back: GiveBack) -> Recording:
    """Let Ada's request for B1 arrive late, and then let Bob ask for B1.

    The result says how both sagas ended, and which ride has which bike.
    """

    async def scenario(world: SimulatedWorld) -> dict[str, Any]:
        town = Town(world, kind, reserve, give_back)
        await town.start()
        world.network.link("rides", "availability", latency=LATE)
        quick = partial(world.network.link, "rides", "availability", latency=0.02)
        world.after(0.5, quick)
        ada = await town.ask("ride-ada")
        await world.clock.sleep(LATE)
        bob = await town.ask("ride-bob")
        return {"Ada": ada, "Bob": bob, "reserved": town.bikes()}

    return simulate(scenario, seed=1)


def looks(kind: Kind, reserve: Reserve, give_back: GiveBack) -> dict[float, Any]:
    """Return who has which bike, by seconds, while Ada's bank refuses her ride."""

    async def scenario(world: SimulatedWorld) -> dict[float, Any]:
        town, seen = Town(world, kind, reserve, give_back, bank=True), {}
        await town.start()
        for second in (0.0, 2.0, 4.0):
            await world.clock.sleep(second - world.clock.monotonic())
            seen[second] = town.bikes()
            if not second:
                world.node("ada").tasks.create_task(town.ask("ride-ada"))
        return seen

    found: dict[float, Any] = simulate(scenario, seed=1).result
    return found


def slow_network(
    kind: Kind, reserve: Reserve, give_back: GiveBack, *, rides: int, seed: int
) -> tuple[int, int]:
    """Start rides, each with a bike of its own; count the undone, and bikes they hold.

    Each request from rides to availability takes a second on average.
    """

    async def scenario(world: SimulatedWorld) -> tuple[int, int]:
        town = Town(world, kind, reserve, give_back)
        await town.start()
        slow = Exponential(1.0)
        world.network.link("rides", "availability", latency=slow)
        asked = (town.ask(f"ride-{n}", f"B{n}") for n in range(rides))
        ends = await asyncio.gather(*asked)
        await world.clock.sleep(30.0)
        undone = {f"ride-{n}" for n, end in enumerate(ends) if end == "undone"}
        return len(undone), len(undone & {*town.bikes().values()})

    counted: tuple[int, int] = simulate(scenario, seed=seed).result
    return counted


FAILURES: dict[str, Trouble | str] = {
    "nothing": Trouble(),
    "Ada can't pay": Trouble(poor=("ada",)),
    "B1's dock is jammed": Trouble(jammed=("B1",)),
    "billing's answers are lost": "billing",
    "the stations' answers are lost": "stations",
}


def start_ride(steps: Steps, failure: str, *, retry: bool = False) -> Recording:
    """Start Ada's ride with one of `FAILURES`; return how far its saga got.

    With `retry`, a person lets the stuck saga go on.
    """
    what = FAILURES[failure]

    async def scenario(world: SimulatedWorld) -> Progress:
        city = City(world, steps, what if isinstance(what, Trouble) else Trouble())
        await city.start()
        if isinstance(what, str):
            world.network.link(what, "rides", loss=1.0)
            world.after(LOST, partial(world.network.link, what, "rides", loss=0.0))
        sagas = Sagas(world.node("rides").disk.connect(), world.clock, (), city.page)
        start = partial(world.client("ada").put, "http://rides/rides/ride-ada")
        await start(params={"rider": "ada"})
        await world.clock.sleep(20.0)
        if retry:
            sagas.retry("ride-ada")
            world.note("rides", "a person lets it go on")
            await start(params={"rider": "ada"})
            await world.clock.sleep(20.0)
        return sagas.load("ride-ada")

    return simulate(scenario, seed=1)
