"""The service of fleet: it knows which bikes are fit, and what trucks have to do."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from pydantic import BaseModel

from movingparts.city.fleet import acl, contract
from movingparts.city.fleet.model import (
    Bike,
    BikeId,
    Depot,
    Message,
    Move,
    MoveId,
    Refused,
    Ridden,
    TruckId,
)
from movingparts.core import Node
from movingparts.published_language import Publisher, announcing, on_the_bus
from movingparts.repository import NotFound
from movingparts.service import refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute

DEPOT = "depot"


class Added(BaseModel):
    """What kind of bike it is."""

    bike_type: str


class Fault(BaseModel):
    """What is wrong with a bike."""

    what: str


class Brought(BaseModel):
    """Which bikes a truck has brought."""

    bikes: list[str]


class BikeView(BaseModel):
    """A bike's condition, in the words of MDS."""

    bike_id: str
    vehicle_state: str
    minutes: int
    available: bool


class MoveView(BaseModel):
    """What a truck has to do."""

    move_id: str
    from_station: str
    to_station: str
    bikes: int


def fleet(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the fleet of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher)
    bus = on_the_bus(node, publisher, acl.READS, handlers.handle)
    app = service(node, title="Fleet", lifespan=bus)
    refuses(app, Refused, NotFound)
    _maintain(app, handlers)
    _move(app, handlers)

    @app.get("/bikes/{bike_id}")
    async def show(bike_id: str) -> BikeView:
        bike = await store.begin().of(Bike).get(bike_id)
        return BikeView(
            bike_id=bike_id,
            vehicle_state=bike.state,
            minutes=bike.minutes,
            available=bike.state == "available",
        )

    return app


class Handlers:
    """Handles the commands and messages of the service."""

    def __init__(self, node: Node, store: Store, publisher: Publisher) -> None:
        self._node, self._store, self.publisher = node, store, publisher

    async def add(self, bike_id: BikeId, bike_type: str) -> None:
        """Have one bike more; asked again, it is one."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            if await work.of(Bike).find(bike_id) is None:
                work.of(Bike).add(Bike.add(bike_id, bike_type, now))

        await execute(self._store, act, publish=self.publisher)

    async def change(self, bike_id: BikeId, what: str, fault: str = "") -> None:
        """Report, take in, repair or retire a bike; raises `Refused`, `NotFound`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            bike = await work.of(Bike).get(bike_id)
            match what:
                case "report":
                    bike.report_fault(fault, now)
                case "take in":
                    bike.take_in(now)
                case "repair":
                    bike.repair(now)
                case "retire":
                    bike.retire(now)

        await execute(self._store, act, publish=self.publisher)

    async def next_move(self, truck_id: TruckId) -> Move | None:
        """Give a truck something to do, if there is anything."""

        async def act(work: UnitOfWork) -> Move | None:
            return (await _depot(work)).take(truck_id)

        return await execute(self._store, act, publish=self.publisher)

    async def moved(self, move_id: MoveId, bikes: tuple[BikeId, ...]) -> None:
        """Note what a truck has done; raises `Refused`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            (await _depot(work)).moved(move_id, bikes, now)

        await execute(self._store, act, publish=self.publisher)

    async def handle(self, message: Message) -> None:
        """Handle a message of another context."""

        async def act(work: UnitOfWork) -> None:
            match message:
                case Ridden(bike_id, ride_id, minutes):
                    bike = await work.of(Bike).find(bike_id)
                    if bike is not None:
                        bike.ridden(ride_id, minutes)
                case Move():
                    (await _depot(work)).plan(message)

        await execute(self._store, act, publish=self.publisher)


async def _depot(work: UnitOfWork) -> Depot:
    depots = work.of(Depot)
    return await depots.find(DEPOT) or depots.add(Depot(DEPOT))


def _maintain(app: FastAPI, handlers: Handlers) -> None:
    @app.put("/bikes/{bike_id}", status_code=204)
    async def add(bike_id: str, added: Added) -> None:
        await handlers.add(BikeId(bike_id), added.bike_type)

    @app.post("/bikes/{bike_id}/faults", status_code=204)
    async def report(bike_id: str, fault: Fault) -> None:
        await handlers.change(BikeId(bike_id), "report", fault.what)

    @app.put("/bikes/{bike_id}/workshop", status_code=204)
    async def take_in(bike_id: str) -> None:
        await handlers.change(BikeId(bike_id), "take in")

    @app.delete("/bikes/{bike_id}/faults", status_code=204)
    async def repair(bike_id: str) -> None:
        await handlers.change(BikeId(bike_id), "repair")

    @app.delete("/bikes/{bike_id}", status_code=204)
    async def retire(bike_id: str) -> None:
        await handlers.change(BikeId(bike_id), "retire")


def _move(app: FastAPI, handlers: Handlers) -> None:
    @app.post("/trucks/{truck_id}/moves", response_model=MoveView)
    async def next_move(truck_id: str) -> Any:
        move = await handlers.next_move(TruckId(truck_id))
        if move is None:
            return Response(status_code=204)
        return MoveView(
            move_id=move.move_id,
            from_station=move.from_station,
            to_station=move.to_station,
            bikes=move.bikes,
        )

    @app.put("/moves/{move_id}/bikes", status_code=204)
    async def moved(move_id: str, brought: Brought) -> None:
        await handlers.moved(MoveId(move_id), tuple(map(BikeId, brought.bikes)))
