"""The model of fleet: the condition of each bike, and what trucks have to do.

The states of a vehicle are those of the Mobility Data Specification, in its words, as
a city has to report them: to that standard, fleet conforms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

BikeId = NewType("BikeId", str)
StationId = NewType("StationId", str)
TruckId = NewType("TruckId", str)
MoveId = NewType("MoveId", str)

VehicleState = Literal["available", "non_operational", "removed"]
EventType = Literal[
    "provider_drop_off", "maintenance", "maintenance_pick_up", "decommissioned"
]


class Refused(Exception):
    """A command that cannot be carried out: definite, nothing has happened."""


# --- events -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BikeAdded:
    """The fleet has one bike more."""

    bike_id: BikeId
    bike_type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeReportedFaulty:
    """Somebody says that something is wrong with a bike."""

    bike_id: BikeId
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeTakenIn:
    """A bike is in the workshop."""

    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeRepaired:
    """Nothing is wrong with a bike any more."""

    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeRetired:
    """A bike does not come back."""

    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeRidden:
    """A bike was ridden for so many minutes."""

    bike_id: BikeId
    ride_id: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Move:
    """Some bikes are to be brought from one station to another."""

    move_id: MoveId
    from_station: StationId
    to_station: StationId
    bikes: int


@dataclass(frozen=True, slots=True)
class MovePlanned:
    """Trucks have something to do."""

    move: Move


@dataclass(frozen=True, slots=True)
class MoveTaken:
    """A truck has begun to do it."""

    move: Move
    truck_id: TruckId


@dataclass(frozen=True, slots=True)
class BikesMoved:
    """A truck has done it, with as many bikes as could be had and brought."""

    move: Move
    bikes: tuple[BikeId, ...]
    at: datetime


BikeEvent = (
    BikeAdded
    | BikeReportedFaulty
    | BikeTakenIn
    | BikeRepaired
    | BikeRetired
    | BikeRidden
)
DepotEvent = MovePlanned | MoveTaken | BikesMoved


# --- aggregates -------------------------------------------------------------------


@dataclass(eq=False)
class Bike:
    """One bike, its condition, and how long it was ridden.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> bike = Bike.add(BikeId("B7"), "classic_bike", at)
    >>> bike.report_fault("no brakes", at)
    >>> bike
    <Bike B7: non_operational, 0 minutes ridden>
    """

    bike_id: BikeId
    bike_type: str = ""
    state: VehicleState = "available"
    faults: list[str] = field(default_factory=list)
    minutes: int = 0
    counted: list[str] = field(default_factory=list)  # the latest rides
    retired: bool = False

    def __post_init__(self) -> None:
        self.events: list[BikeEvent] = []

    def __repr__(self) -> str:
        return f"<Bike {self.bike_id}: {self.state}, {self.minutes} minutes ridden>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.bike_id

    @classmethod
    def add(cls, bike_id: BikeId, bike_type: str, at: datetime) -> Bike:
        """Have one bike more."""
        bike = cls(bike_id)
        bike._record(BikeAdded(bike_id, bike_type, at))
        return bike

    def report_fault(self, what: str, at: datetime) -> None:
        """Flag it for repair, once; not a bike that does not come back anyway."""
        if what not in self.faults and not self.retired:
            self._record(BikeReportedFaulty(self.bike_id, what, at))

    def take_in(self, at: datetime) -> None:
        """Take it into the workshop; refused unless it is flagged."""
        if self.state != "non_operational":
            raise Refused(f"bike {self.bike_id} is {self.state}")
        self._record(BikeTakenIn(self.bike_id, at))

    def repair(self, at: datetime) -> None:
        """Have nothing wrong with it any more; refused if nothing was, or no more."""
        if self.retired or not self.faults:
            raise Refused(f"bike {self.bike_id} has nothing to repair")
        self._record(BikeRepaired(self.bike_id, at))

    def retire(self, at: datetime) -> None:
        """Let it not come back."""
        if not self.retired:
            self._record(BikeRetired(self.bike_id, at))

    def ridden(self, ride_id: str, minutes: int) -> None:
        """Record a ride once, even if it is reported again after later ones."""
        if ride_id not in self.counted:
            self._record(BikeRidden(self.bike_id, ride_id, minutes))

    def _record(self, event: BikeEvent) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: BikeEvent) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case BikeAdded(bike_type=bike_type):
                self.bike_type = bike_type
            case BikeReportedFaulty(what=what):
                self.faults.append(what)
                self.state = "non_operational"
            case BikeTakenIn():
                self.state = "removed"
            case BikeRepaired():
                self.state, self.faults = "available", []
            case BikeRetired():
                self.state, self.retired = "removed", True
            case BikeRidden(ride_id=ride_id, minutes=minutes):
                self.minutes += minutes
                self.counted = [*self.counted, ride_id][-20:]


@dataclass(eq=False)
class Depot:
    """What trucks have to do: one list, so that no move is taken twice.

    >>> depot = Depot("depot")
    >>> depot.plan(Move(MoveId("m1"), StationId("S01"), StationId("S02"), 4))
    >>> depot
    <Depot: 1 planned, 0 under way>
    """

    name: str
    planned: list[Move] = field(default_factory=list)
    under_way: dict[MoveId, Move] = field(default_factory=dict)
    done: list[MoveId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[DepotEvent] = []

    def __repr__(self) -> str:
        moves = f"{len(self.planned)} planned, {len(self.under_way)} under way"
        return f"<Depot: {moves}>"

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    def plan(self, move: Move) -> None:
        """Plan a move, once; a message that comes again changes nothing."""
        known = [*(each.move_id for each in self.planned), *self.under_way, *self.done]
        if move.move_id not in known:
            self._record(MovePlanned(move))

    def take(self, truck_id: TruckId) -> Move | None:
        """Give a truck the oldest move, if there is one."""
        if not self.planned:
            return None
        move = self.planned[0]
        self._record(MoveTaken(move, truck_id))
        return move

    def moved(self, move_id: MoveId, bikes: tuple[BikeId, ...], at: datetime) -> None:
        """Note that a truck has done it; refused unless one had taken it."""
        if move_id in self.done:
            return
        if move_id not in self.under_way:
            raise Refused(f"no truck has taken move {move_id}")
        self._record(BikesMoved(self.under_way[move_id], bikes, at))

    def _record(self, event: DepotEvent) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: DepotEvent) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case MovePlanned(move=move):
                self.planned.append(move)
            case MoveTaken(move=move):
                self.planned.remove(move)
                self.under_way[move.move_id] = move
            case BikesMoved(move=move):
                del self.under_way[move.move_id]
                self.done = [*self.done, move.move_id][-100:]


# Messages of other contexts, in words of this context.


@dataclass(frozen=True, slots=True)
class Ridden:
    """A bike was ridden."""

    bike_id: BikeId
    ride_id: str
    minutes: int


Message = Ridden | Move
