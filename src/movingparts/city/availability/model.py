"""The model of availability: what is promised to one rider is promised to nobody else.

A stand holds what may be promised at one station, and what is. That no bike is promised
twice is a rule inside of it. That no rider has two promises is none, since they may be
at two stands: `promise` keeps it, with the rider beside the stand in one unit of work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

StandId = NewType("StandId", str)
BikeId = NewType("BikeId", str)
RiderId = NewType("RiderId", str)
ReservationId = NewType("ReservationId", str)

PROMISED_FOR = timedelta(minutes=10)
SHORT = 8
"""A stand with fewer bikes to promise is short of them."""
ASKED_FOR = timedelta(minutes=10)
"""How long a stand that has asked for bikes waits before it asks again."""


class Refused(Exception):
    """A promise that cannot be made or kept: definite, nothing has happened."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A promise: this bike, for this rider, until then."""

    reservation_id: ReservationId
    rider_id: RiderId
    bike_id: BikeId
    until: datetime

    def is_active(self, now: datetime) -> bool:
        """Return whether the promise still binds; it lapses by itself."""
        return now < self.until

    def is_of(self, reservation_id: ReservationId, rider_id: RiderId) -> bool:
        """Return whether this is the promise of that id, made to that rider."""
        return (self.reservation_id, self.rider_id) == (reservation_id, rider_id)


# --- events -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BikeOffered:
    """A bike can be promised at this stand."""

    stand_id: StandId
    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeWithdrawn:
    """A bike cannot be promised at this stand any more."""

    stand_id: StandId
    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeReserved:
    """A bike was promised."""

    stand_id: StandId
    reservation: Reservation
    at: datetime


@dataclass(frozen=True, slots=True)
class ReservationExpired:
    """A promise has lapsed: nobody came for the bike."""

    stand_id: StandId
    reservation: Reservation
    at: datetime


@dataclass(frozen=True, slots=True)
class ReservationCollected:
    """The rider has come, and the bike is hers."""

    stand_id: StandId
    reservation: Reservation
    at: datetime


@dataclass(frozen=True, slots=True)
class PromiseBroken:
    """A bike went away, broke down, or lost its ride, while it was promised."""

    stand_id: StandId
    reservation: Reservation
    at: datetime


@dataclass(frozen=True, slots=True)
class StandRanShort:
    """A stand has hardly a bike left to promise, and asks for more."""

    stand_id: StandId
    at: datetime


@dataclass(frozen=True, slots=True)
class RebalancingWanted:
    """So many bikes are wanted elsewhere."""

    stand_id: StandId
    to_stand: StandId
    bikes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RiderAdmitted:
    """A rider may have promises, or may have no more."""

    rider_id: RiderId
    admitted: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RiderPromised:
    """A rider has a promise, until it lapses."""

    rider_id: RiderId
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class RiderCollected:
    """A rider has what she was promised."""

    rider_id: RiderId
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class RiderPromiseBroken:
    """The promise that a rider had is broken; she may have another one."""

    rider_id: RiderId
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class BikePlaced:
    """A bike stands somewhere, where it can be had or not; or it stands nowhere."""

    bike_id: BikeId
    stand_id: StandId | None
    in_a_dock: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class FitnessRecorded:
    """A bike is fit to ride, or is not."""

    bike_id: BikeId
    fit: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BikeCollected:
    """A bike is a rider's, who will unlock it; or is nobody's (None) again."""

    bike_id: BikeId
    reservation: Reservation | None


BikeEvent = BikePlaced | FitnessRecorded | BikeCollected
RiderEvent = RiderAdmitted | RiderPromised | RiderCollected | RiderPromiseBroken
StandEvent = (
    BikeOffered
    | BikeWithdrawn
    | BikeReserved
    | ReservationExpired
    | ReservationCollected
    | PromiseBroken
    | StandRanShort
    | RebalancingWanted
)


# --- aggregates -------------------------------------------------------------------


@dataclass(eq=False)
class Stand:
    """What can be promised at one station, and what is promised.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> stand = Stand(StandId("S01"))
    >>> stand.offer(BikeId("B7"), at)
    >>> promised = stand.reserve(ReservationId("r1"), RiderId("R1"), at)
    >>> stand
    <Stand S01: 1 bikes offered, 1 promised>
    >>> stand.reserve(ReservationId("r2"), RiderId("R2"), at)
    Traceback (most recent call last):
    movingparts.city.availability.model.Refused: no bike is left at S01
    """

    stand_id: StandId
    bikes: dict[BikeId, datetime] = field(default_factory=dict)
    promised: dict[BikeId, Reservation] = field(default_factory=dict)
    asked_at: datetime | None = None

    def __post_init__(self) -> None:
        self.events: list[StandEvent] = []

    def __repr__(self) -> str:
        offered = f"{len(self.bikes)} bikes offered"
        return f"<Stand {self.stand_id}: {offered}, {len(self.promised)} promised>"

    @property
    def key(self) -> str:
        """Its id, which is that of its station."""
        return self.stand_id

    def free(self, now: datetime) -> list[BikeId]:
        """Return the bikes that can be promised now, longest here first."""
        held = {b for b, promise in self.promised.items() if promise.is_active(now)}
        return [bike for bike in self.bikes if bike not in held]

    def reserve(
        self, reservation_id: ReservationId, rider_id: RiderId, now: datetime
    ) -> Reservation:
        """Promise the bike that has stood here longest; refused where none is free."""
        free = self.free(now)
        if not free:
            raise Refused(f"no bike is left at {self.stand_id}")
        self.lapse(now)
        until = now + PROMISED_FOR
        reservation = Reservation(reservation_id, rider_id, free[0], until)
        self._record(BikeReserved(self.stand_id, reservation, now))
        return reservation

    def collect(
        self, reservation_id: ReservationId, rider_id: RiderId, now: datetime
    ) -> Reservation:
        """Keep a promise; refused where it has lapsed, or was made to somebody else."""
        hers = (p for p in self.promised.values() if p.rider_id == rider_id)
        mine = next((p for p in hers if p.reservation_id == reservation_id), None)
        if mine is None or not mine.is_active(now):
            raise Refused(
                f"reservation {reservation_id} does not hold at {self.stand_id}:"
                " it has lapsed, or was made to somebody else"
            )
        self._record(ReservationCollected(self.stand_id, mine, now))
        return mine

    def held_for(self, rider_id: RiderId, now: datetime) -> Reservation:
        """Return the promise that a rider has here; refused where she has none."""
        hers = (p for p in self.promised.values() if p.rider_id == rider_id)
        mine = next((p for p in hers if p.is_active(now)), None)
        if mine is None:
            raise Refused(f"rider {rider_id} has no promise at {self.stand_id}")
        return mine

    def call_off(self, promise: Reservation, at: datetime) -> None:
        """Keep a promise no more: the ride that it was for did not come about."""
        self._record(PromiseBroken(self.stand_id, promise, at))

    def offer(self, bike_id: BikeId, at: datetime) -> None:
        """Take a bike among those that can be promised; once is enough."""
        if bike_id not in self.bikes:
            self._record(BikeOffered(self.stand_id, bike_id, at))

    def withdraw(self, bike_id: BikeId, at: datetime) -> Reservation | None:
        """Stop promising a bike; return the promise that this breaks, if any."""
        if bike_id not in self.bikes:
            return None
        self.lapse(at)
        broken = self.promised.get(bike_id)
        if broken is not None:
            self._record(PromiseBroken(self.stand_id, broken, at))
        self._record(BikeWithdrawn(self.stand_id, bike_id, at))
        return broken

    def lapse(self, now: datetime) -> None:
        """Let go of promises whose time is over."""
        for reservation in list(self.promised.values()):
            if not reservation.is_active(now):
                self._record(ReservationExpired(self.stand_id, reservation, now))

    def ask_for_bikes(self, now: datetime) -> bool:
        """Record that this stand is short of bikes, unless it did so lately."""
        waits = self.asked_at is not None and now < self.asked_at + ASKED_FOR
        if waits or len(self.free(now)) >= SHORT:
            return False
        self._record(StandRanShort(self.stand_id, now))
        return True

    def give_away(self, to_stand: StandId, bikes: int, now: datetime) -> None:
        """Want some of its bikes to be taken elsewhere."""
        self._record(RebalancingWanted(self.stand_id, to_stand, bikes, now))

    def _record(self, event: StandEvent) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: StandEvent) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case BikeOffered(bike_id=bike_id, at=at):
                self.bikes[bike_id] = at
            case BikeWithdrawn(bike_id=bike_id):
                self.bikes.pop(bike_id)
            case BikeReserved(reservation=reservation):
                self.promised[reservation.bike_id] = reservation
            case ReservationCollected(reservation=reservation):
                self.promised.pop(reservation.bike_id)
                self.bikes.pop(reservation.bike_id)
            case (
                ReservationExpired(reservation=reservation)
                | PromiseBroken(reservation=reservation)
            ):
                self.promised.pop(reservation.bike_id)
            case StandRanShort(at=at):
                self.asked_at = at


@dataclass(eq=False)
class Rider:
    """Whether somebody may have a promise, the one that she has, the last one kept.

    >>> Rider(RiderId("R1"))
    <Rider R1: admitted>
    """

    rider_id: RiderId
    admitted: bool = True
    reservation: Reservation | None = None
    served: Reservation | None = None
    admitted_at: datetime | None = None  # when that was decided, if it is known

    def __post_init__(self) -> None:
        self.events: list[RiderEvent] = []

    def __repr__(self) -> str:
        return f"<Rider {self.rider_id}: {'' if self.admitted else 'not '}admitted>"

    @property
    def key(self) -> str:
        """Her id."""
        return self.rider_id

    def admit(self, admitted: bool, at: datetime | None = None) -> None:
        """Let her have promises from now on, or no more; older news are none."""
        if _is_newer(at, self.admitted_at):
            self._record(RiderAdmitted(self.rider_id, admitted, at))

    def check(self, now: datetime) -> None:
        """Refuse a rider who is not admitted or has a promise already."""
        if not self.admitted:
            raise Refused(f"rider {self.rider_id} may not reserve")
        if self.reservation is not None and self.reservation.is_active(now):
            raise Refused(f"rider {self.rider_id} has a reservation already")

    def promised(self, reservation: Reservation) -> None:
        """Note the promise that she has now."""
        self._record(RiderPromised(self.rider_id, reservation))

    def record_collection(self, reservation: Reservation) -> None:
        """Note that her promise was kept."""
        self._record(RiderCollected(self.rider_id, reservation))

    def record_broken_promise(self, broken: Reservation) -> None:
        """Note that her promise is broken, if it is the one that she has."""
        if self.reservation == broken:
            self._record(RiderPromiseBroken(self.rider_id, broken))

    def _record(self, event: RiderEvent) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: RiderEvent) -> None:
        """Change the state as the event says."""
        match event:
            case RiderAdmitted(admitted=admitted, at=at):
                self.admitted, self.admitted_at = admitted, at or self.admitted_at
            case RiderPromised(reservation=reservation):
                self.reservation = reservation
            case RiderCollected(reservation=reservation):
                self.reservation, self.served = None, reservation
            case RiderPromiseBroken():
                self.reservation = None


@dataclass(eq=False)
class Bike:
    """What is known about a bike: where it is, and whether it can be promised.

    >>> Bike(BikeId("B7"))
    <Bike B7: away, fit>
    """

    bike_id: BikeId
    stand_id: StandId | None = None
    in_a_dock: bool = False
    fit: bool = True
    moved_at: datetime | None = None
    fitness_at: datetime | None = None
    collected: Reservation | None = None  # until it has left

    def __post_init__(self) -> None:
        self.events: list[BikeEvent] = []

    def __repr__(self) -> str:
        place = f"at {self.stand_id}" if self.stand_id else "away"
        return f"<Bike {self.bike_id}: {place}, {'fit' if self.fit else 'not fit'}>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.bike_id

    def is_known_later_than(self, at: datetime) -> bool:
        """Return whether something later is known of where it stands."""
        return self.moved_at is not None and at < self.moved_at

    @property
    def can_be_promised(self) -> bool:
        """Return whether nothing speaks against it."""
        return self.in_a_dock and self.fit and self.collected is None

    def is_collected(self, reservation_id: ReservationId, rider_id: RiderId) -> bool:
        """Return whether this rider has collected it, and it has not left yet."""
        mine = self.collected
        return mine is not None and mine.is_of(reservation_id, rider_id)

    def is_at(self, stand_id: StandId, in_a_dock: bool) -> bool:
        """Return whether it is known to be there, in a dock or not."""
        return (self.stand_id, self.in_a_dock) == (stand_id, in_a_dock)

    def arrive(self, stand_id: StandId, in_a_dock: bool, at: datetime) -> None:
        """Note where it stands, and whether it can be had there."""
        self._record(BikePlaced(self.bike_id, stand_id, in_a_dock, at))

    def leave(self, at: datetime) -> None:
        """Note that it stands nowhere."""
        self._record(BikePlaced(self.bike_id, None, False, at))

    def hand_over(self, reservation: Reservation | None) -> None:
        """Be a rider's, or with None nobody's again."""
        self._record(BikeCollected(self.bike_id, reservation))

    def record_fitness(self, fit: bool, at: datetime | None = None) -> bool:
        """Record whether it is fit to ride; return whether that is new."""
        news = _is_newer(at, self.fitness_at)
        if news:
            self._record(FitnessRecorded(self.bike_id, fit, at))
        return news

    def _record(self, event: BikeEvent) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: BikeEvent) -> None:
        """Change the state as the event says."""
        match event:
            case BikePlaced(stand_id=stand_id, in_a_dock=in_a_dock, at=at):
                self.stand_id, self.in_a_dock = stand_id, in_a_dock
                self.moved_at, self.collected = at, None
            case FitnessRecorded(fit=fit, at=at):
                self.fit, self.fitness_at = fit, at or self.fitness_at
            case BikeCollected(reservation=reservation):
                self.collected = reservation


def _is_newer(at: datetime | None, known: datetime | None) -> bool:
    """Return whether a time is newer than the one that is known, if there is one."""
    return at is None or known is None or at > known


# --- what belongs to no single aggregate ------------------------------------------


def promise(
    rider: Rider, stand: Stand, reservation_id: ReservationId, now: datetime
) -> Reservation:
    """Promise a bike to a rider who has no promise; otherwise refuse.

    Asked again under the same id, the promise is the same, also when it was kept.
    """
    mine = rider.reservation
    if mine and mine.reservation_id == reservation_id and mine.is_active(now):
        if stand.promised.get(mine.bike_id) != mine:
            raise Refused(f"reservation {reservation_id} is at another station")
        return mine
    if rider.served is not None and rider.served.reservation_id == reservation_id:
        return rider.served
    rider.check(now)
    reservation = stand.reserve(reservation_id, rider.rider_id, now)
    rider.promised(reservation)
    return reservation


def collect(
    rider: Rider, stand: Stand, bike: Bike, reservation_id: ReservationId, now: datetime
) -> Reservation:
    """Keep the promise that was made to a rider; refused where there is none.

    Asked again under the same id before the bike has left, it was kept already.
    """
    if bike.collected is not None and bike.is_collected(reservation_id, rider.rider_id):
        return bike.collected
    reservation = stand.collect(reservation_id, rider.rider_id, now)
    if reservation.bike_id != bike.bike_id:
        raise Refused(f"reservation {reservation_id} is not for bike {bike.bike_id}")
    rider.record_collection(reservation)
    bike.hand_over(reservation)
    return reservation


def put_back(
    rider: Rider, stand: Stand, bike: Bike, reservation_id: ReservationId, now: datetime
) -> None:
    """Undo `collect`; where it has not come yet, it will be refused when it does."""
    stand.lapse(now)
    promise = stand.promised.get(bike.bike_id)
    if promise is not None and promise.is_of(reservation_id, rider.rider_id):
        stand.call_off(promise, now)
        rider.record_broken_promise(promise)
    elif bike.is_collected(reservation_id, rider.rider_id):
        bike.hand_over(None)
        if bike.stand_id == stand.stand_id and bike.can_be_promised:
            stand.offer(bike.bike_id, now)


# Messages of other contexts, in words of this context.


@dataclass(frozen=True, slots=True)
class BikeArrived:
    """A bike is at a station, in a working dock or not."""

    bike_id: BikeId
    stand_id: StandId
    in_a_dock: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeLeft:
    """A bike has left a station."""

    bike_id: BikeId
    stand_id: StandId
    at: datetime


@dataclass(frozen=True, slots=True)
class FitnessChanged:
    """A bike is fit to ride, or is not."""

    bike_id: BikeId
    fit: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """A rider may ride, or may not."""

    rider_id: RiderId
    admitted: bool
    at: datetime | None = None


Message = BikeArrived | BikeLeft | FitnessChanged | StandingChanged
