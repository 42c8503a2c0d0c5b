"""A ride ends, and three other services learn of it: by calls, or by an event.

Source: chapter 05; Fowler 2017 (event notification, event-carried state transfer).
Leaves out: a crash between saving the ride and publishing the event (chapter 06).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.core import Node, Recording
from movingparts.core.asgi import at_start
from movingparts.core.random import Uniform
from movingparts.world.simulated import SimulatedWorld, simulate

Ride = dict[str, Any]
RIDE: Ride = {"rider": "bob", "bike": "B7", "station": "S02", "minutes": 12}
WORK: Mapping[str, Callable[[Ride], str]] = {
    "rides": lambda ride: f"saves {ride['ride_id']} as ended",
    "billing": lambda ride: (
        f"charges {ride['rider']} {100 + 15 * ride['minutes']} cents"
    ),
    "fleet": lambda ride: f"adds {ride['minutes']} min to {ride['bike']}",
    "availability": lambda ride: f"offers {ride['bike']} at {ride['station']}",
}
UP = 0.99  # the share of the rides for which a partner is up, in a `day`
PARTNERS = [name for name in WORK if name != "rides"]
TABLE = "CREATE TABLE IF NOT EXISTS ended (ride TEXT PRIMARY KEY, data TEXT)"


class EndedRides:
    """The ended rides that a service has dealt with, each once, in its database."""

    def __init__(self, node: Node, note: Callable[[str, str], None]) -> None:
        self._name, self._note, self._db = node.name, note, node.disk.connect()
        self._db.execute(TABLE)

    def save(self, ride: Ride) -> None:
        """Do this service's work for a ride, unless it is done already."""
        row = [ride["ride_id"], json.dumps(ride)]
        what = WORK[self._name](ride)
        with self._db:
            done = self._db.execute("INSERT OR IGNORE INTO ended VALUES (?, ?)", row)
        if done.rowcount:
            self._note(self._name, what)

    def all(self) -> dict[str, Ride]:
        """Return the rides by their ids."""
        rows = self._db.execute("SELECT ride, data FROM ended")
        return {ride: json.loads(data) for ride, data in rows}


# What ends a ride, and what makes a ride of an event; a page or an answer gives them.
End = Callable[[Node, EndedRides, Ride], Awaitable[None]]
RideOf = Callable[[Node, Event], Awaitable[Ride]]


async def call(node: Node, service: str, ride: Ride) -> None:
    """Have another service deal with an ended ride; raise if that fails."""
    reply = await node.client.post(f"http://{service}/ended-rides", json=ride)
    reply.raise_for_status()


async def subscribe(node: Node, ride_of: RideOf, db: EndedRides) -> None:
    """Do this service's work for each ended ride, once it learns of it."""

    async def on_ride_ended(event: Event) -> None:
        db.save(await ride_of(node, event))

    subject = "rides.ride-ended"
    await node.bus.subscribe(subject, on_ride_ended, durable=node.name)


def serve_rides(node: Node, *, end: End, note: Callable[[str, str], None]) -> FastAPI:
    """Serve `rides`, which ends a ride as `end` says."""
    app, db = FastAPI(lifespan=at_start(_stream(node))), EndedRides(node, note)

    @app.post("/ended-rides")
    async def ended(ride: Ride) -> None:
        await end(node, db, ride)

    @app.get("/ended-rides/{ride_id}")
    async def show(ride_id: str) -> Ride:
        return db.all()[ride_id]

    return app


def serve_partner(
    node: Node, *, ride_of: RideOf | None, note: Callable[[str, str], None]
) -> FastAPI:
    """Serve billing, fleet or availability, which is called or else subscribes."""
    db, begin = EndedRides(node, note), [_stream(node)]
    if ride_of:
        begin.append(partial(subscribe, node, ride_of, db))
    app = FastAPI(lifespan=at_start(*begin))

    @app.post("/ended-rides")
    async def ended(ride: Ride) -> None:
        db.save(ride)

    return app


def _stream(node: Node) -> Callable[[], Awaitable[None]]:
    return partial(node.bus.stream, "rides", "rides.>")


def evening(
    end: End, ride_of: RideOf | None = None, *, down: str, seed: int = 1
) -> Recording:
    """Let Bob dock his bike while a service is down, for ten minutes.

    `rides` itself goes down as soon as it has answered the dock. The result says how
    the dock was answered, and which services have dealt with the ride in the end.
    """

    async def scenario(world: SimulatedWorld) -> dict[str, Any]:
        await _open(world, end, ride_of)
        world.note("dock", "holds B7 again")
        if down != "rides":
            world.crash(down)
        answer = await _dock(world, "ride-1")
        world.note("dock", f"gets: {answer}")
        if down == "rides":
            world.crash(down)
        await world.clock.sleep(600.0)
        await world.restart(down)
        await world.clock.sleep(60.0)
        return {"dock": answer, "done by": [s for s in WORK if _done(world, s)]}

    return simulate(scenario, seed=seed)


def day(
    end: End, ride_of: RideOf | None = None, *, seed: int, rides: int = 100
) -> dict[str, int]:
    """Return for how many rides of a day each service has done its work in the end.

    Each partner is up for 99 of 100 rides, by chance.
    """

    async def scenario(world: SimulatedWorld) -> dict[str, int]:
        await _open(world, end, ride_of)
        for n in range(rides):
            down = [name for name in PARTNERS if world.random.random() >= UP]
            for name in down:
                world.crash(name)
            await _dock(world, f"ride-{n}")
            for name in down:
                await world.restart(name)
            await world.clock.sleep(1.0)
        await world.clock.sleep(60.0)
        return {name: len(_done(world, name)) for name in WORK}

    result: dict[str, int] = simulate(scenario, seed=seed).result
    return result


async def _open(world: SimulatedWorld, end: End, ride_of: RideOf | None) -> None:
    world.network.everywhere(latency=Uniform(0.002, 0.008))
    await world.serve("rides", partial(serve_rides, end=end, note=world.note))
    for name in PARTNERS:
        # So that the dock has its answer before an event has arrived.
        world.network.link("bus", name, latency=Uniform(0.020, 0.040))
        make = partial(serve_partner, ride_of=ride_of, note=world.note)
        await world.serve(name, make)


async def _dock(world: SimulatedWorld, ride: str) -> str:
    address, body = "http://rides/ended-rides", RIDE | {"ride_id": ride}
    reply = await world.client("dock").post(address, json=body)
    return "ok" if reply.status_code == 200 else "error"


def _done(world: SimulatedWorld, name: str) -> dict[str, Ride]:
    return EndedRides(world.node(name), world.note).all()
