"""The service of riders: accounts, passes, and who may ride."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.city.riders import contract
from movingparts.city.riders.model import (
    Pass,
    PassId,
    PassKind,
    Refused,
    Rider,
    RiderId,
    Standing,
)
from movingparts.core import Node
from movingparts.published_language import Instant, Publisher, announcing, on_the_bus
from movingparts.repository import NotFound
from movingparts.service import refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute


class Person(BaseModel):
    """Who somebody is."""

    name: str
    email: str


class PassWanted(BaseModel):
    """Which pass somebody wants."""

    kind: PassKind


class PassView(BaseModel):
    """A pass, and how long it lasts."""

    pass_id: str
    kind: PassKind
    valid_from: Instant
    valid_until: Instant


class StandingWanted(BaseModel):
    """How somebody is to stand with the city, and why."""

    standing: Standing
    reason: str = ""


class RiderView(BaseModel):
    """A rider; `available` says whether she may ride."""

    rider_id: str
    name: str
    email: str
    standing: Standing
    passes: list[PassView]
    available: bool


def riders(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the riders of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher)
    bus = on_the_bus(node, publisher)
    app = service(node, title="Riders", lifespan=bus)
    refuses(app, Refused, NotFound)
    _serve(app, handlers)

    @app.get("/riders/{rider_id}")
    async def show(rider_id: str) -> RiderView:
        rider = await store.begin().of(Rider).get(rider_id)
        return RiderView(
            rider_id=rider_id,
            name=rider.name,
            email=rider.email,
            standing=rider.standing,
            passes=[_view(each) for each in rider.passes],
            available=rider.standing == "good",
        )

    return app


class Handlers:
    """Handles the commands of the service."""

    def __init__(self, node: Node, store: Store, publisher: Publisher) -> None:
        self._node, self._store, self.publisher = node, store, publisher

    async def sign_up(self, rider_id: RiderId, person: Person) -> None:
        """Give somebody an account; asked again, it is one. Raises `Refused`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            if await work.of(Rider).find(rider_id) is None:
                rider = Rider.sign_up(rider_id, person.name, person.email, now)
                work.of(Rider).add(rider)

        await execute(self._store, act, publish=self.publisher)

    async def sell(self, rider_id: RiderId, pass_id: PassId, kind: PassKind) -> Pass:
        """Sell somebody a pass; raises `Refused` and `NotFound`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> Pass:
            return (await work.of(Rider).get(rider_id)).buy(pass_id, kind, now)

        return await execute(self._store, act, publish=self.publisher)

    async def stand(self, rider_id: RiderId, wanted: StandingWanted) -> None:
        """Suspend or reinstate somebody; raises `NotFound`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            rider = await work.of(Rider).get(rider_id)
            if wanted.standing == "good":
                rider.reinstate(now)
            else:
                rider.suspend(wanted.reason, now)

        await execute(self._store, act, publish=self.publisher)


def _serve(app: FastAPI, handlers: Handlers) -> None:
    @app.put("/riders/{rider_id}", status_code=204)
    async def sign_up(rider_id: str, person: Person) -> None:
        await handlers.sign_up(RiderId(rider_id), person)

    @app.put("/riders/{rider_id}/passes/{pass_id}")
    async def sell(rider_id: str, pass_id: str, wanted: PassWanted) -> PassView:
        bought = await handlers.sell(RiderId(rider_id), PassId(pass_id), wanted.kind)
        return _view(bought)

    @app.put("/riders/{rider_id}/standing", status_code=204)
    async def stand(rider_id: str, wanted: StandingWanted) -> None:
        await handlers.stand(RiderId(rider_id), wanted)


def _view(each: Pass) -> PassView:
    return PassView(
        pass_id=each.pass_id,
        kind=each.kind,
        valid_from=each.valid_from,
        valid_until=each.valid_until,
    )
