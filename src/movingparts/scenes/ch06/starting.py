"""A ride from its start to its charge: a saga over four services, then two events.

`rides` starts a ride in the steps that a page gives it. Later the rider docks the bike,
`stations` and `rides` publish that through their outboxes, and billing charges.

Leaves out: what Larkhaven's own services add to this (their aggregates, their APIs).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from movingparts.consumer import once
from movingparts.core import Node, Recording
from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.core.node import World
from movingparts.core.random import Uniform
from movingparts.outbox import Outbox
from movingparts.participant import Participant
from movingparts.saga import Act, Page, Progress, Refused, Sagas, Step
from movingparts.scenes.ch06.crashes import Crash, Crashes, MortalConnection
from movingparts.world.simulated import SimulatedWorld, simulate

RIDERS = ("ada", "bob", "cleo")
BIKES = ("B1", "B2")  # of these, availability reserves; three riders want two
CENTS = 900
RIDING = 20.0  # seconds from a ride's start to its end
QUIET = 120.0  # seconds until everything has been tried again
TABLES = {
    "availability": "reservations (ride TEXT, bike TEXT)",
    "billing": "holds (ride TEXT, rider TEXT)",
    "stations": "unlocked (bike TEXT, ride TEXT)",
    "rides": "rides (ride TEXT PRIMARY KEY, rider TEXT, bike TEXT, state TEXT)",
}
EXTRA = {"billing": ("charges",)}
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


def participant(node: Node, db: MortalConnection, do: Any, undo: Any) -> FastAPI:
    """Return a service that does one kind of step, once for each key."""
    app, steps = FastAPI(title=node.name), Participant(db)  # type: ignore[arg-type]  # it stands for a connection
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

        app = participant(node, db, reserve, give_back)
        _while_up(app, _listen(node, db, "rides.ride-ended", ended))
        return app

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

        app = participant(node, db, hold, void)
        _while_up(app, _listen(node, db, "rides.ride-ended", ended))
        return app

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

        app = participant(node, db, unlock, lock)

        async def docked(request: Request) -> Response:
            ride = request.path_params["ride"]
            with db:
                if db.execute("DELETE FROM unlocked WHERE ride = ?", (ride,)).rowcount:
                    event = Event(ride, "/stations", "BikeDocked", subject=ride)
                    outbox.add("stations.bike-docked", event)
                    db.note("the bike is docked")
            return Response()

        app.add_route("/docked/{ride}", docked, ["PUT"])
        _while_up(app, _relay(node, outbox))
        return app

    def rides(self, node: Node) -> FastAPI:
        """Return the service that starts rides by a saga, and ends them."""
        db = self.connect(node)
        db.execute(f"CREATE TABLE IF NOT EXISTS {TABLES['rides']}")
        node.client.timeout = httpx.Timeout(1.0)
        outbox = Outbox(db)  # type: ignore[arg-type]  # it stands for a connection
        steps = self.steps(node, partial(_save_ride, db))
        sagas = self.runner(db, node.clock, steps, self.page)
        app = FastAPI(title="rides")

        async def start(request: Request) -> Response:
            ride, rider = request.path_params["ride"], request.query_params["rider"]
            sagas.begin(ride, {"ride": ride, "rider": rider})
            node.tasks.create_task(sagas.run(ride))
            return Response(status_code=202)

        async def show(request: Request) -> Response:
            ride = request.path_params["ride"]
            return JSONResponse({"over": ride not in sagas.unfinished()})

        app.add_route("/rides/{ride}", start, ["PUT"])
        app.add_route("/rides/{ride}", show, ["GET"])

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
        _while_up(app, _relay(node, outbox), listen, resume)
        return app


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


def _while_up(app: FastAPI, *begin: Begin) -> None:
    """Do this whenever the service starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for each in begin:
            await each()
        yield

    app.router.lifespan_context = lifespan


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
