"""A ride and its fare, as events: decide in commands, change in `apply`.

Source: chapter 08. Leaves out: reservations, and what the city's own ride knows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RideStarted:
    """A rider is on the way."""

    rider: str
    bike: str
    station: str
    at: str


@dataclass(frozen=True, slots=True)
class RideEnded:
    """The bike is in a dock again."""

    station: str
    at: str


@dataclass(frozen=True, slots=True)
class FareCharged:
    """The rider is charged for the ride."""

    cents: int
    at: str


@dataclass(frozen=True, slots=True)
class FareCorrected:
    """Somebody has changed what the ride costs, and says why."""

    cents: int
    why: str
    by: str
    at: str


Event = RideStarted | RideEnded | FareCharged | FareCorrected


class Refused(Exception):
    """The ride can't do that: definite, nothing has happened."""


@dataclass(eq=False)
class Ride:
    """One ride, from its start to the last change of its fare.

    >>> ride = Ride("ride-17")
    >>> ride.start("ada", "B7", "S01", at="08:00")
    >>> ride.charge(340, at="08:20")
    Traceback (most recent call last):
    movingparts.scenes.ch08.ride.Refused: ride ride-17 is underway
    """

    ride_id: str
    rider: str = ""
    bike: str = ""
    state: str = "new"
    cents: int = 0

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    @property
    def key(self) -> str:
        """Its id."""
        return self.ride_id

    def start(self, rider: str, bike: str, station: str, *, at: str) -> None:
        """Begin."""
        self._only("new")
        self._record(RideStarted(rider, bike, station, at))

    def end(self, station: str, *, at: str) -> None:
        """End at a station."""
        self._only("underway")
        self._record(RideEnded(station, at))

    def charge(self, cents: int, *, at: str) -> None:
        """Charge the fare, once."""
        self._only("ended")
        self._record(FareCharged(cents, at))

    def correct(self, cents: int, why: str, by: str, *, at: str) -> None:
        """Change the fare, with a reason."""
        self._only("charged")
        self._record(FareCorrected(cents, why, by, at))

    def _only(self, state: str) -> None:
        if self.state != state:
            raise Refused(f"ride {self.ride_id} is {self.state}")

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case RideStarted(rider=rider, bike=bike):
                self.state, self.rider, self.bike = "underway", rider, bike
            case RideEnded():
                self.state = "ended"
            case FareCharged(cents=cents):
                self.state, self.cents = "charged", cents
            case FareCorrected(cents=cents):
                self.cents = cents
