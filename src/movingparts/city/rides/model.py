"""The model of rides: no ride begins without an authorized payment, and each ends once.

That a bike was docked has happened, so it ends a ride whatever the model thinks of it:
a ride of no time or of thirty hours is a ride, with an anomaly that says what is odd.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NewType

RideId = NewType("RideId", str)
RiderId = NewType("RiderId", str)
BikeId = NewType("BikeId", str)
StationId = NewType("StationId", str)
AuthorizationId = NewType("AuthorizationId", str)

# --- what may be odd about a ride -------------------------------------------------

FALSE_START = "it ended at once where it began"
OVERDUE = "it took more than a day"
UNSEEN = "its end was not seen: the bike left on another ride"
TOO_FAST = "it ended elsewhere at once, faster than anybody rides"
REPEATED = "a ride of this id was reported before"
EARLIER = "a report from before the ride is no end of it"

AT_ONCE = timedelta(minutes=1)
A_DAY = timedelta(days=1)

State = Literal["requested", "authorized", "underway", "ended", "cancelled"]


class Refused(Exception):
    """A ride that cannot begin: definite, nothing has happened."""


# --- events -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RideRequested:
    """A rider wants to ride a bike from where it stands."""

    ride_id: RideId
    rider_id: RiderId
    bike_id: BikeId
    from_station: StationId


@dataclass(frozen=True, slots=True)
class RideAuthorized:
    """The ride will be paid for."""

    ride_id: RideId
    authorization_id: AuthorizationId


@dataclass(frozen=True, slots=True)
class RideStarted:
    """The rider is on the way."""

    ride_id: RideId
    rider_id: RiderId
    bike_id: BikeId
    from_station: StationId
    authorization_id: AuthorizationId
    at: datetime


@dataclass(frozen=True, slots=True)
class RideEnded:
    """The ride is over; `anomaly` says what is odd about it, if anything is."""

    ride_id: RideId
    rider_id: RiderId
    bike_id: BikeId
    from_station: StationId
    to_station: StationId
    started_at: datetime
    ended_at: datetime
    anomaly: str


@dataclass(frozen=True, slots=True)
class RideCancelled:
    """The ride did not come about."""

    ride_id: RideId
    reason: str


@dataclass(frozen=True, slots=True)
class BikeBrought:
    """A bike is at a station: a report, which may come before its ride has started."""

    bike_id: BikeId
    station_id: StationId
    at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """Something about a ride contradicts what was known."""

    ride_id: RideId
    bike_id: BikeId
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeGiven:
    """A bike is on a ride."""

    bike_id: BikeId
    ride_id: RideId


@dataclass(frozen=True, slots=True)
class BikeBack:
    """A bike is on no ride."""

    bike_id: BikeId


Event = (
    RideRequested
    | RideAuthorized
    | RideStarted
    | RideEnded
    | RideCancelled
    | BikeBrought
    | AnomalyFound
)


# --- aggregates -------------------------------------------------------------------


@dataclass(eq=False)
class Ride:
    """One ride, from the request to its end.

    >>> ride = Ride.request(RideId("r1"), RiderId("R1"), BikeId("B7"), StationId("S01"))
    >>> ride.start(datetime.fromisoformat("2031-05-05T08:00:00+00:00"))
    Traceback (most recent call last):
    movingparts.city.rides.model.Refused: ride r1 is requested: no ride begins without
      an authorized payment
    >>> ride
    <Ride r1: requested>
    """

    ride_id: RideId
    rider_id: RiderId = RiderId("")
    bike_id: BikeId = BikeId("")
    from_station: StationId = StationId("")
    state: State = "requested"
    authorization_id: AuthorizationId = AuthorizationId("")
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    anomalies: list[str] = field(default_factory=list)
    early: list[BikeBrought] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"<Ride {self.ride_id}: {self.state}>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.ride_id

    @classmethod
    def request(
        cls, ride_id: RideId, rider_id: RiderId, bike_id: BikeId, start: StationId
    ) -> Ride:
        """Begin with a request."""
        ride = cls(ride_id)
        ride._record(RideRequested(ride_id, rider_id, bike_id, start))
        return ride

    def check_wanted(
        self, rider_id: RiderId, bike_id: BikeId, start: StationId
    ) -> None:
        """Refuse to be wanted again if it is over, or was wanted otherwise."""
        if self.state in ("cancelled", "ended"):
            why = f": {self.reason}" if self.reason else ""
            raise Refused(f"ride {self.ride_id} is {self.state}{why}")
        known = (self.rider_id, self.bike_id, self.from_station)
        if known != (rider_id, bike_id, start):
            raise Refused(f"ride {self.ride_id} is another one already")

    def authorize(self, authorization_id: AuthorizationId) -> None:
        """Note that it will be paid for."""
        if self.state != "requested":
            raise Refused(f"ride {self.ride_id} is {self.state}")
        self._record(RideAuthorized(self.ride_id, authorization_id))

    def start(self, at: datetime) -> None:
        """Let the rider go; refused without an authorized payment."""
        if self.state != "authorized":
            raise Refused(
                f"ride {self.ride_id} is {self.state}:"
                " no ride begins without an authorized payment"
            )
        self._record(
            RideStarted(
                self.ride_id,
                self.rider_id,
                self.bike_id,
                self.from_station,
                self.authorization_id,
                at,
            )
        )

    def cancel(self, reason: str) -> None:
        """Let it not come about; one that has begun can only end."""
        if self.state in ("requested", "authorized"):
            self._record(RideCancelled(self.ride_id, reason))

    def note_early(self, report: BikeBrought) -> None:
        """Keep a report of its bike until it is known whether the ride starts."""
        if self.state == "requested" and report not in self.early:
            self._record(report)

    def end(self, to_station: StationId, at: datetime, anomaly: str = "") -> bool:
        """Record its end, which is never refused; return whether it is valid.

        A report from before its start is none, since another ride was ended by it.
        """
        if self.state != "underway" or self.started_at is None:
            return False
        if at < self.started_at:
            if EARLIER not in self.anomalies:  # it may come again, and is recorded once
                self._note(EARLIER, at)
            return False
        anomaly = anomaly or self._oddity(to_station, at)
        if anomaly:
            self._note(anomaly, at)
        self._record(
            RideEnded(
                self.ride_id,
                self.rider_id,
                self.bike_id,
                self.from_station,
                to_station,
                self.started_at,
                at,
                anomaly,
            )
        )
        return True

    def was_reported_again(self, at: datetime) -> None:
        """Record that a history contains another ride with this id."""
        self._note(REPEATED, at)

    def _oddity(self, to_station: StationId, at: datetime) -> str:
        took = at - (self.started_at or at)
        if took < AT_ONCE:
            return FALSE_START if to_station == self.from_station else TOO_FAST
        return OVERDUE if took > A_DAY else ""

    def _note(self, reason: str, at: datetime) -> None:
        self._record(AnomalyFound(self.ride_id, self.bike_id, reason, at))

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case RideRequested():
                self.rider_id, self.bike_id = event.rider_id, event.bike_id
                self.from_station = event.from_station
            case RideAuthorized(authorization_id=authorization_id):
                self.state, self.authorization_id = "authorized", authorization_id
            case RideStarted(at=at):
                self.state, self.started_at = "underway", at
            case RideEnded(ended_at=at):
                self.state, self.ended_at = "ended", at
            case RideCancelled(reason=reason):
                self.state, self.reason = "cancelled", reason
            case BikeBrought():
                self.early.append(event)
            case AnomalyFound(reason=reason):
                self.anomalies.append(reason)


@dataclass(eq=False)
class Bike:
    """Which ride a bike is on; it cannot be on two.

    >>> bike = Bike(BikeId("B7"))
    >>> bike.give(RideId("r1"))
    >>> bike.give(RideId("r2"))
    Traceback (most recent call last):
    movingparts.city.rides.model.Refused: bike B7 is on ride r1
    """

    bike_id: BikeId
    ride_id: RideId | None = None

    def __post_init__(self) -> None:
        self.events: list[BikeGiven | BikeBack] = []

    def __repr__(self) -> str:
        return f"<Bike {self.bike_id} on {self.ride_id or 'no ride'}>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.bike_id

    def check_free(self, ride_id: RideId) -> None:
        """Refuse if it is on another ride."""
        if self.ride_id not in (None, ride_id):
            raise Refused(f"bike {self.bike_id} is on ride {self.ride_id}")

    def give(self, ride_id: RideId) -> None:
        """Put it on a ride; refused while it is on another one."""
        self.check_free(ride_id)
        self._record(BikeGiven(self.bike_id, ride_id))

    def bring_back(self) -> None:
        """Note that it is on no ride."""
        self._record(BikeBack(self.bike_id))

    def _record(self, event: BikeGiven | BikeBack) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: BikeGiven | BikeBack) -> None:
        """Change the state as the event says."""
        match event:
            case BikeGiven(ride_id=ride_id):
                self.ride_id = ride_id
            case BikeBack():
                self.ride_id = None


# --- what belongs to no single aggregate ------------------------------------------


def begin(ride: Ride, bike: Bike, at: datetime) -> None:
    """Let a ride begin, with its bike; refused if either cannot.

    It ends at once if its bike was brought back before this was known.
    """
    bike.check_free(ride.ride_id)
    ride.start(at)
    bike.give(ride.ride_id)
    later = [report for report in ride.early if report.at >= at]
    if later:
        bike_brought(min(later, key=lambda report: report.at), bike, ride)


def bike_brought(report: BikeBrought, bike: Bike, ride: Ride) -> None:
    """End the ride that a bike is on, now that it stands somewhere."""
    if ride.end(report.station_id, report.at):
        bike.bring_back()


def begin_as_reported(ride: Ride, bike: Bike, other: Ride | None, at: datetime) -> None:
    """Believe that a ride began, though its bike was known to be on `other`."""
    if other is not None:
        other.end(ride.from_station, max(at, other.started_at or at), UNSEEN)
        bike.bring_back()
    begin(ride, bike, at)
