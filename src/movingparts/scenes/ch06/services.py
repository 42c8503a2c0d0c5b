"""The four services of a ride, from its start to its charge: a saga, then two events.

`rides` starts a ride in the steps that a page gives it. Later the rider docks the bike,
`stations` and `rides` publish that through their outboxes, and billing charges.

Leaves out: what Larkhaven's own services add to this (their aggregates, their APIs).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from movingparts.consumer import once
from movingparts.core import Node
from movingparts.core.asgi import at_start
from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.outbox import Outbox
from movingparts.participant import Participant
from movingparts.saga import Act, Page, Refused, Sagas, Step
from movingparts.scenes.crashes import Crash, MortalConnection

BIKES = ("B1", "B2")  # of these, availability reserves; three riders want two
CENTS = 900
TABLES = {
    "availability": "reservations (ride TEXT, bike TEXT)",
    "billing": "holds (ride TEXT, rider TEXT)",
    "stations": "unlocked (bike TEXT, ride TEXT)",
    "rides": "rides (ride TEXT PRIMARY KEY, rider TEXT, bike TEXT, state TEXT)",
}
FREE = "DELETE FROM reservations WHERE ride = ? AND bike = ?"
CAPTURE = """DELETE FROM holds WHERE rowid =
    (SELECT min(rowid) FROM holds WHERE ride = ?)"""  # one hold becomes one charge
SAVE_RIDE = "INSERT OR IGNORE INTO rides VALUES (?, ?, ?, 'underway')"
Begin = Callable[[], Awaitable[None]]
Steps = Callable[[Node, Act], Sequence[Step]]  # the act saves the ride in rides


class Runner(Protocol):
    """What begins sagas, and takes on those that have not ended; `Sagas` does."""

    def begin(self, saga: str, data: dict[str, Any]) -> None:
        """Begin a saga, unless it has begun."""

    def unfinished(self) -> list[str]:
        """Return the sagas to go on with after a crash."""

    async def run(self, saga: str) -> Any:
        """Take a saga on."""


MakeRunner = Callable[[Any, Clock, Sequence[Step], Page], Runner]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong in a run; chances are of each message, names of who is unlucky.

    >>> Trouble(poor=("ada",)).loss
    0.0
    """

    crashes: Sequence[Crash] = ()
    loss: float = 0.0
    duplicate: float = 0.0
    latency: tuple[float, float] = (0.005, 0.005)
    poor: Sequence[str] = ()
    jammed: Sequence[str] = ()


def ask(node: Node, service: str) -> Act:
    """Return what has another service do its step, under the key of the step."""

    async def do(key: str, data: dict[str, Any]) -> Any:
        reply = await node.client.put(f"http://{service}/steps/{key}", json=data)
        if reply.status_code == 409:
            raise Refused(reply.json())
        return reply.raise_for_status().json()

    return do


def take_back(node: Node, service: str) -> Act:
    """Return what has another service undo its step."""

    async def undo(key: str, data: dict[str, Any]) -> None:
        url = f"http://{service}/steps/{key}"
        (await node.client.delete(url)).raise_for_status()

    return undo


def participant(
    node: Node, db: MortalConnection, do: Any, undo: Any, *begin: Begin
) -> FastAPI:
    """Return a service that does one kind of step, once for each key."""
    app, steps = FastAPI(lifespan=at_start(*begin)), Participant(db)  # type: ignore[arg-type]  # it stands for a connection
    db.execute(f"CREATE TABLE IF NOT EXISTS {TABLES[node.name]}")

    async def put(request: Request) -> Response:
        key, data = request.path_params["key"], await request.json()
        try:
            return JSONResponse(steps.do(key, partial(do, data=data)))
        except Refused as no:
            return JSONResponse(str(no), 409)

    async def delete(request: Request) -> Response:
        key = request.path_params["key"]
        steps.undo(key, partial(undo, ride=key.partition("/")[0]))
        return Response()

    app.add_route("/steps/{key:path}", put, ["PUT"])  # plain: a run makes many apps
    app.add_route("/steps/{key:path}", delete, ["DELETE"])
    return app


class Services:
    """The four services, each made of its node.

    `connect` opens a node's database; `page` pages a person about a stuck saga.
    """

    def __init__(
        self,
        steps: Steps,
        trouble: Trouble,
        connect: Callable[[Node], MortalConnection],
        page: Page,
    ) -> None:
        self.steps, self.trouble = steps, trouble
        self.connect, self.page = connect, page
        self.bikes: Sequence[str] = BIKES
        self.runner: MakeRunner = Sagas
        self.unlocked: set[str] = set()  # of these rides, the rider has seen the bike

    def availability(self, node: Node) -> FastAPI:
        """Return the service that reserves bikes, and has them back after rides."""
        db = self.connect(node)

        def reserve(db: MortalConnection, data: dict[str, Any]) -> str:
            taken = {row[0] for row in db.execute("SELECT bike FROM reservations")}
            free = [bike for bike in self.bikes if bike not in taken]
            if not free:
                raise Refused("no bike is free")
            db.execute(
                "INSERT INTO reservations VALUES (?, ?)", (data["ride"], free[0])
            )
            db.note(f"{free[0]} is reserved")
            return free[0]

        def give_back(db: MortalConnection, ride: str) -> None:
            db.execute("DELETE FROM reservations WHERE ride = ?", (ride,))
            db.note("the bike is free")

        def ended(db: MortalConnection, event: Event) -> None:
            db.execute(FREE, (event.subject, event.data["bike"]))
            db.note(f"{event.data['bike']} is free")

        listen = _listen(node, db, "rides.ride-ended", ended)
        return participant(node, db, reserve, give_back, listen)

    def billing(self, node: Node) -> FastAPI:
        """Return the service that holds money, and charges for rides that ended."""
        db = self.connect(node)
        db.execute("CREATE TABLE IF NOT EXISTS charges (ride TEXT, rider TEXT)")

        def hold(db: MortalConnection, data: dict[str, Any]) -> int:
            if data["rider"] in self.trouble.poor:
                raise Refused(f"{data['rider']} can't pay")
            row = (data["ride"], data["rider"])
            db.execute("INSERT INTO holds VALUES (?, ?)", row)
            db.note(f"{CENTS} cents are held")
            return CENTS

        def void(db: MortalConnection, ride: str) -> None:
            db.execute("DELETE FROM holds WHERE ride = ?", (ride,))
            db.note("the money is given back")

        def ended(db: MortalConnection, event: Event) -> None:
            db.execute(CAPTURE, (event.subject,))
            row = (event.subject, event.data["rider"])
            db.execute("INSERT INTO charges VALUES (?, ?)", row)
            db.note(f"{event.data['rider']} is charged")

        listen = _listen(node, db, "rides.ride-ended", ended)
        return participant(node, db, hold, void, listen)

    def stations(self, node: Node) -> FastAPI:
        """Return the service that unlocks bikes, and reports those that are docked."""
        db = self.connect(node)
        outbox = Outbox(db)  # type: ignore[arg-type]  # it stands for a connection

        def unlock(db: MortalConnection, data: dict[str, Any]) -> str:
            bike = data["reserve"]
            if bike in self.trouble.jammed:
                raise Refused(f"the dock of {bike} is jammed")
            db.execute("INSERT INTO unlocked VALUES (?, ?)", (bike, data["ride"]))
            self.unlocked.add(data["ride"])
            db.note(f"{bike} is unlocked")
            return str(bike)

        def lock(db: MortalConnection, ride: str) -> None:
            db.execute("DELETE FROM unlocked WHERE ride = ?", (ride,))
            db.note("the bike is locked")

        app = participant(node, db, unlock, lock, _relay(node, outbox))

        async def docked(request: Request) -> Response:
            ride = request.path_params["ride"]
            with db:
                if db.execute("DELETE FROM unlocked WHERE ride = ?", (ride,)).rowcount:
                    event = Event(ride, "/stations", "BikeDocked", subject=ride)
                    outbox.add("stations.bike-docked", event)
                    db.note("the bike is docked")
            return Response()

        app.add_route("/docked/{ride}", docked, ["PUT"])
        return app

    def rides(self, node: Node) -> FastAPI:
        """Return the service that starts rides by a saga, and ends them."""
        db = self.connect(node)
        db.execute(f"CREATE TABLE IF NOT EXISTS {TABLES['rides']}")
        node.client.timeout = httpx.Timeout(1.0)
        outbox = Outbox(db)  # type: ignore[arg-type]  # it stands for a connection
        steps = self.steps(node, partial(_save_ride, db))
        sagas = self.runner(db, node.clock, steps, self.page)

        async def start(request: Request) -> Response:
            ride, rider = request.path_params["ride"], request.query_params["rider"]
            sagas.begin(ride, {"ride": ride, "rider": rider})
            node.tasks.create_task(sagas.run(ride))
            return Response(status_code=202)

        async def show(request: Request) -> Response:
            ride = request.path_params["ride"]
            return JSONResponse({"over": ride not in sagas.unfinished()})

        def ended(db: MortalConnection, event: Event) -> None:
            ride = str(event.subject)
            known = db.execute("SELECT rider, bike FROM rides WHERE ride = ?", (ride,))
            if (row := known.fetchone()) is None:  # it came first, and will come again
                raise LookupError(f"{ride} is not underway yet")
            db.execute("UPDATE rides SET state = 'ended' WHERE ride = ?", (ride,))
            data = {"rider": row[0], "bike": row[1]}
            happened = Event(ride, "/rides", "RideEnded", data, subject=ride)
            outbox.add("rides.ride-ended", happened)
            db.note(f"{ride} is over")

        async def resume() -> None:
            for ride in sagas.unfinished():
                node.tasks.create_task(sagas.run(ride))

        listen = _listen(node, db, "stations.bike-docked", ended)
        app = FastAPI(lifespan=at_start(_relay(node, outbox), listen, resume))
        app.add_route("/rides/{ride}", start, ["PUT"])
        app.add_route("/rides/{ride}", show, ["GET"])
        return app


async def _save_ride(db: MortalConnection, key: str, data: dict[str, Any]) -> None:
    row = (data["ride"], data["rider"], data["reserve"])
    with db:
        if db.execute(SAVE_RIDE, row).rowcount:
            db.note(f"{data['ride']} is underway")


def _relay(node: Node, outbox: Outbox) -> Begin:
    async def begin() -> None:
        node.tasks.create_task(outbox.run(node.bus, node.clock))

    return begin


def _listen(node: Node, db: MortalConnection, subject: str, apply: Any) -> Begin:
    async def begin() -> None:
        handler = once(db, node.name, apply)  # type: ignore[arg-type]  # it stands for a connection
        await node.bus.subscribe(subject, handler, durable=node.name, max_deliver=50)

    return begin
