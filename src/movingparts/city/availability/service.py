"""The service of availability: it promises bikes, and lets promises lapse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel

from movingparts.city.availability import acl, contract
from movingparts.city.availability.model import (
    Bike,
    BikeArrived,
    BikeId,
    BikeLeft,
    FitnessChanged,
    Message,
    Refused,
    Reservation,
    ReservationId,
    Rider,
    RiderId,
    Stand,
    StandId,
    StandingChanged,
    StandRanShort,
    collect,
    promise,
    put_back,
)
from movingparts.core import Node
from movingparts.published_language import Instant, Publisher, announcing, on_the_bus
from movingparts.repository import NotFound, RecordedEvent
from movingparts.service import refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute

AT_ONCE = 12
"""So many bikes a truck takes."""


class BikeRequest(BaseModel):
    """Who wants a bike, and where."""

    rider_id: str
    station_id: str


class Collection(BikeRequest):
    """Who has come for the bike that was promised, and for which."""

    bike_id: str


class ReservationView(BaseModel):
    """What was promised."""

    reservation_id: str
    rider_id: str
    station_id: str
    bike_id: str
    until: Instant

    @classmethod
    def of(cls, reservation: Reservation, station_id: str) -> ReservationView:
        """Return a reservation as the API shows it."""
        return cls(
            reservation_id=reservation.reservation_id,
            rider_id=reservation.rider_id,
            station_id=station_id,
            bike_id=reservation.bike_id,
            until=reservation.until,
        )


class StandView(BaseModel):
    """Which bikes can be promised at a station, longest here first."""

    station_id: str
    available: int
    bikes: list[str]


class BikeView(BaseModel):
    """Whether a bike can be promised to a rider now."""

    bike_id: str
    available: bool


def availability(node: Node, *, store: Store | None = None) -> FastAPI:
    """Serve the promises of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher)
    bus = on_the_bus(node, publisher, acl.READS, handlers.handle)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with bus(app):
            await handlers.resume_lapses()
            yield

    app = service(node, title="Availability", lifespan=lifespan)
    refuses(app, Refused, NotFound)
    _promise(app, handlers)
    _show(app, node, store)
    return app


class Handlers:
    """Handles the commands and messages of the service."""

    def __init__(self, node: Node, store: Store, publisher: Publisher) -> None:
        self._node, self._store, self.publisher = node, store, publisher

    async def reserve(
        self, reservation_id: ReservationId, rider_id: RiderId, stand_id: StandId
    ) -> Reservation:
        """Promise a bike; raises `Refused`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> Reservation:
            rider, stand = await _rider(work, rider_id), await _stand(work, stand_id)
            return promise(rider, stand, reservation_id, now)

        reservation = await execute(self._store, act, publish=self._publish)
        self._schedule_lapse(stand_id, reservation.until)
        return reservation

    async def collect(
        self, reservation_id: ReservationId, wanted: Collection
    ) -> Reservation:
        """Keep a promise; raises `Refused`."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> Reservation:
            rider, stand, bike = await _parties(work, wanted)
            kept = collect(rider, stand, bike, reservation_id, now)
            stand.ask_for_bikes(now)
            return kept

        return await execute(self._store, act, publish=self._publish)

    async def put_back(self, reservation_id: ReservationId, wanted: Collection) -> None:
        """Undo `collect`, also before it comes: the bike can be promised again."""
        now = self._node.clock.now()

        async def act(work: UnitOfWork) -> None:
            rider, stand, bike = await _parties(work, wanted)
            put_back(rider, stand, bike, reservation_id, now)

        await execute(self._store, act, publish=self._publish)

    async def handle(self, message: Message | None) -> None:
        """Handle a message of another context."""

        async def act(work: UnitOfWork) -> None:
            match message:
                case BikeArrived() | BikeLeft():
                    await _moved(work, message)
                case FitnessChanged():
                    await _fitness_changed(work, message)
                case StandingChanged(rider_id, admitted, at):
                    (await _rider(work, rider_id)).admit(admitted, at)

        await execute(self._store, act, publish=self._publish)

    async def resume_lapses(self) -> None:
        """Schedule the end of each promise that was made before a restart."""
        work = self._store.begin()
        for key in await work.of(Stand).keys():
            stand = await work.of(Stand).get(key)
            for reservation in stand.promised.values():
                self._schedule_lapse(stand.stand_id, reservation.until)

    def _schedule_lapse(self, stand_id: StandId, until: datetime) -> None:
        self._node.tasks.create_task(self._lapse(stand_id, until), name="lapse")

    async def _lapse(self, stand_id: StandId, until: datetime) -> None:
        clock = self._node.clock
        await clock.sleep(max(0.0, (until - clock.now()).total_seconds()))

        async def act(work: UnitOfWork) -> None:
            (await _stand(work, stand_id)).lapse(clock.now())

        await execute(self._store, act, publish=self._publish)

    async def _publish(self, recorded: Sequence[RecordedEvent]) -> None:
        """Publish events; whenever a stand runs short, find bikes for it."""
        await self.publisher(recorded)
        for each in recorded:
            if isinstance(each.event, StandRanShort):
                await self._rebalance(each.event)

    async def _rebalance(self, short: StandRanShort) -> None:
        async def act(work: UnitOfWork) -> None:
            keys = await work.of(Stand).keys()
            stands = [await work.of(Stand).get(key) for key in keys]
            giver = max(stands, key=lambda stand: len(stand.free(short.at)))
            spare = len(giver.free(short.at)) // 2
            if giver.stand_id != short.stand_id and spare > 1:
                giver.give_away(short.stand_id, min(spare, AT_ONCE), short.at)

        await execute(self._store, act, publish=self.publisher)


async def _rider(work: UnitOfWork, rider_id: RiderId) -> Rider:
    riders = work.of(Rider)
    return await riders.find(rider_id) or riders.add(Rider(rider_id, admitted=False))


async def _stand(work: UnitOfWork, stand_id: StandId) -> Stand:
    stands = work.of(Stand)
    return await stands.find(stand_id) or stands.add(Stand(stand_id))


async def _bike(work: UnitOfWork, bike_id: BikeId) -> Bike:
    bikes = work.of(Bike)
    return await bikes.find(bike_id) or bikes.add(Bike(bike_id))


async def _parties(work: UnitOfWork, wanted: Collection) -> tuple[Rider, Stand, Bike]:
    rider = await _rider(work, RiderId(wanted.rider_id))
    stand = await _stand(work, StandId(wanted.station_id))
    return rider, stand, await _bike(work, BikeId(wanted.bike_id))


async def _moved(work: UnitOfWork, message: BikeArrived | BikeLeft) -> None:
    """Offer a bike where it is, if it is available there, and nowhere else."""
    bike = await _bike(work, message.bike_id)
    if bike.is_known_later_than(message.at):
        return
    same_time, elsewhere = (
        message.at == bike.moved_at,
        bike.stand_id != message.stand_id,
    )
    still = isinstance(message, BikeArrived) and bike.is_at(
        message.stand_id, message.in_a_dock
    )
    if same_time and (still or (isinstance(message, BikeLeft) and elsewhere)):
        return  # delivered again; or the bike has left another place to come here
    if bike.stand_id is not None and not still:
        await _withdraw(work, bike.stand_id, bike.bike_id, message.at)
    if isinstance(message, BikeLeft):
        bike.leave(message.at)
        return
    bike.arrive(message.stand_id, message.in_a_dock, message.at)
    if bike.can_be_promised:
        (await _stand(work, message.stand_id)).offer(bike.bike_id, message.at)


async def _fitness_changed(work: UnitOfWork, message: FitnessChanged) -> None:
    bike = await _bike(work, message.bike_id)
    if not bike.record_fitness(message.fit, message.at):
        return
    if bike.stand_id is not None and bike.can_be_promised:
        (await _stand(work, bike.stand_id)).offer(bike.bike_id, message.at)
    elif bike.stand_id is not None:
        await _withdraw(work, bike.stand_id, bike.bike_id, message.at)


async def _withdraw(
    work: UnitOfWork, stand_id: StandId, bike_id: BikeId, at: datetime
) -> None:
    """Stop offering a bike; a rider it was promised to may get another promise."""
    broken = (await _stand(work, stand_id)).withdraw(bike_id, at)
    if broken is not None:
        (await _rider(work, broken.rider_id)).record_broken_promise(broken)


def _promise(app: FastAPI, handlers: Handlers) -> None:
    @app.put("/reservations/{reservation_id}")
    async def reserve(reservation_id: str, request: BikeRequest) -> ReservationView:
        reservation = await handlers.reserve(
            ReservationId(reservation_id),
            RiderId(request.rider_id),
            StandId(request.station_id),
        )
        return ReservationView.of(reservation, request.station_id)

    @app.post("/reservations/{reservation_id}/collection")
    async def collect_it(reservation_id: str, request: Collection) -> ReservationView:
        reservation = await handlers.collect(ReservationId(reservation_id), request)
        return ReservationView.of(reservation, request.station_id)

    @app.delete("/reservations/{reservation_id}/collection", status_code=204)
    async def put_it_back(
        reservation_id: str, request: Annotated[Collection, Query()]
    ) -> None:
        await handlers.put_back(ReservationId(reservation_id), request)


def _show(app: FastAPI, node: Node, store: Store) -> None:
    @app.get("/stations/{station_id}")
    async def show(station_id: str) -> StandView:
        stand = await store.begin().of(Stand).get(station_id)
        free = stand.free(node.clock.now())
        return StandView(station_id=station_id, available=len(free), bikes=[*free])

    @app.get("/bikes/{bike_id}")
    async def show_bike(bike_id: str) -> BikeView:
        work = store.begin()
        bike = await work.of(Bike).get(bike_id)
        stand = await work.of(Stand).find(bike.stand_id) if bike.stand_id else None
        free = stand.free(node.clock.now()) if stand else []
        return BikeView(bike_id=bike_id, available=bike_id in free)
