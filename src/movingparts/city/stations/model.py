"""The model of stations: a bike is in one place, and a dock holds one bike at most.

What a dock reports has happened, so a report is never refused: where it contradicts
what is known, the later report is believed, and an anomaly says so. A command may be
refused: then nothing happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NewType

StationId = NewType("StationId", str)
DockId = NewType("DockId", str)
BikeId = NewType("BikeId", str)
RideId = NewType("RideId", str)

NEVER = datetime.max.replace(tzinfo=UTC)

# --- why a report is an anomaly ---------------------------------------------------

LATE = "a later report of this bike is known"
MOVED = "it was moved unseen: it was known to be in another place"
CROWDED = "no dock was free"
OCCUPIED = "the dock was known to hold another bike"
GONE_SINCE = "it has left since: a later report has another bike in its dock"
NOT_THERE = "it was not known to be there"
STRANGE_DOCK = "the station was not known to have this dock"
STRANGE_STATION = "the station was not known"


class Refused(Exception):
    """A command that cannot be carried out: definite, nothing has happened."""


# --- events -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StationInstalled:
    """A station has these docks from now on."""

    station_id: StationId
    docks: tuple[DockId, ...]


@dataclass(frozen=True, slots=True)
class BikeDocked:
    """A bike is locked in a dock or, without a dock, beside the station."""

    station_id: StationId
    dock_id: DockId | None
    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeUnlocked:
    """A dock released a bike because somebody asked for it."""

    station_id: StationId
    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeTaken:
    """A bike is no longer at a station, and no command let it go."""

    station_id: StationId
    bike_id: BikeId
    at: datetime


@dataclass(frozen=True, slots=True)
class DockJammed:
    """A dock does not let go of anything, and takes nothing in."""

    station_id: StationId
    dock_id: DockId
    bike_id: BikeId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DockCleared:
    """A dock works again."""

    station_id: StationId
    dock_id: DockId
    bike_id: BikeId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """A report contradicts what was known; `reason` says how, in our words."""

    station_id: StationId
    bike_id: BikeId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class BikeSeen:
    """A bike was seen: at a station, or on the way."""

    bike_id: BikeId
    station_id: StationId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class UnlockWanted:
    """A ride wants a bike to be let go, until then."""

    ride_id: RideId
    station_id: StationId
    bike_id: BikeId
    until: datetime


@dataclass(frozen=True, slots=True)
class UnlockAnswered:
    """The dock let go of a ride's bike at a time; without one, `refusal` says why."""

    ride_id: RideId
    at: datetime | None
    refusal: str = ""


Event = (
    StationInstalled
    | BikeDocked
    | BikeUnlocked
    | BikeTaken
    | DockJammed
    | DockCleared
    | AnomalyFound
)


# --- aggregates -------------------------------------------------------------------


@dataclass(eq=False)
class Station:
    """The docks of one station, and the bikes beside it.

    >>> station = Station.install(StationId("S01"), (DockId("S01-01"),))
    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> station.receive(BikeId("B7"), None, at), station.receive(BikeId("B8"), None, at)
    ('S01-01', None)
    >>> station
    <Station S01: 1 of 1 docks taken, 1 beside>
    """

    station_id: StationId
    docks: dict[DockId, BikeId | None] = field(default_factory=dict)
    jammed: list[DockId] = field(default_factory=list)
    beside: list[BikeId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        taken = sum(bike is not None for bike in self.docks.values())
        beside = f", {len(self.beside)} beside" if self.beside else ""
        docks = f"{taken} of {len(self.docks)} docks taken"
        return f"<Station {self.station_id}: {docks}{beside}>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.station_id

    @classmethod
    def install(cls, station_id: StationId, docks: tuple[DockId, ...]) -> Station:
        """Make a station."""
        station = cls(station_id)
        station._record(StationInstalled(station_id, docks))
        return station

    def refit(self, docks: tuple[DockId, ...]) -> None:
        """Give the station other docks; refused while one that goes holds a bike."""
        held = [dock for dock, bike in self.docks.items() if bike is not None]
        for dock in held:
            if dock not in docks:
                raise Refused(f"dock {dock} holds bike {self.docks[dock]}")
        if docks != tuple(self.docks):
            self._record(StationInstalled(self.station_id, docks))

    def dock_of(self, bike_id: BikeId) -> DockId | None:
        """Return the dock that holds a bike."""
        return next((d for d, bike in self.docks.items() if bike == bike_id), None)

    def holds(self, bike_id: BikeId) -> bool:
        """Return whether a bike stands here, in a dock or beside."""
        return bike_id in self.beside or self.dock_of(bike_id) is not None

    def is_available(self, bike_id: BikeId) -> bool:
        """Return whether a bike is locked in a working dock."""
        dock = self.dock_of(bike_id)
        return dock is not None and dock not in self.jammed

    def free_docks(self) -> list[DockId]:
        """Return the working docks that hold nothing."""
        return [
            dock
            for dock, bike in self.docks.items()
            if bike is None and dock not in self.jammed
        ]

    def check_unlock(self, bike_id: BikeId) -> None:
        """Refuse to let go of what is not locked in a working dock."""
        dock = self.dock_of(bike_id)
        if dock is None:
            raise Refused(f"bike {bike_id} is in no dock of {self.station_id}")
        if dock in self.jammed:
            raise Refused(f"dock {dock}, which holds bike {bike_id}, is jammed")

    def let_go(self, bike_id: BikeId, at: datetime) -> None:
        """Record that a dock released a bike, as requested."""
        self._record(BikeUnlocked(self.station_id, bike_id, at))

    def receive(
        self, bike_id: BikeId, dock_id: DockId | None, at: datetime
    ) -> DockId | None:
        """Take in a bike, into the dock that is named or any that is free.

        Without one it is beside, which is an anomaly. Returns the dock.
        """
        dock = dock_id
        if dock is None:
            dock = next(iter(self.free_docks()), None)
            if dock is None:
                self.note(bike_id, at, CROWDED)
        elif dock not in self.docks:
            self.note(bike_id, at, STRANGE_DOCK)
            self._record(StationInstalled(self.station_id, (*self.docks, dock)))
        self._record(BikeDocked(self.station_id, dock, bike_id, at))
        return dock

    def lose(self, bike_id: BikeId, at: datetime) -> None:
        """Note that a bike is no longer here."""
        self._record(BikeTaken(self.station_id, bike_id, at))

    def jam(self, dock_id: DockId, at: datetime) -> None:
        """Note that a dock is jammed; once is enough. A strange dock is one more."""
        if dock_id not in self.docks:
            self._record(StationInstalled(self.station_id, (*self.docks, dock_id)))
        if dock_id not in self.jammed:
            held = self.docks[dock_id]
            self._record(DockJammed(self.station_id, dock_id, held, at))

    def clear(self, dock_id: DockId, at: datetime) -> None:
        """Note that a dock works again."""
        if dock_id in self.jammed:
            held = self.docks[dock_id]
            self._record(DockCleared(self.station_id, dock_id, held, at))

    def note(self, bike_id: BikeId, at: datetime, reason: str) -> None:
        """Note an anomaly."""
        self._record(AnomalyFound(self.station_id, bike_id, at, reason))

    def _record(self, event: Event) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: Event) -> None:
        """Change the state as the event says; this decides nothing."""
        match event:
            case StationInstalled(docks=docks):
                self.docks = {dock: self.docks.get(dock) for dock in docks}
                self.jammed = [dock for dock in self.jammed if dock in docks]
            case BikeDocked(bike_id=bike_id, dock_id=dock):
                if dock is None:
                    self.beside.append(bike_id)
                else:
                    self.docks[dock] = bike_id
            case BikeUnlocked(bike_id=bike_id) | BikeTaken(bike_id=bike_id):
                self._clear(bike_id)
            case DockJammed(dock_id=dock_id):
                self.jammed.append(dock_id)
            case DockCleared(dock_id=dock_id):
                self.jammed.remove(dock_id)

    def _clear(self, bike_id: BikeId) -> None:
        dock = self.dock_of(bike_id)
        if dock is not None:
            self.docks[dock] = None
        elif bike_id in self.beside:
            self.beside.remove(bike_id)


@dataclass(eq=False)
class Bike:
    """Where a bike was last seen; None means on the way, as far as anybody knows.

    >>> Bike(BikeId("B7"))
    <Bike B7 on the way>
    """

    bike_id: BikeId
    station_id: StationId | None = None
    seen_at: datetime | None = None

    def __post_init__(self) -> None:
        self.events: list[BikeSeen] = []

    def __repr__(self) -> str:
        place = f"at {self.station_id}" if self.station_id else "on the way"
        return f"<Bike {self.bike_id} {place}>"

    @property
    def key(self) -> str:
        """Its id."""
        return self.bike_id

    def is_known_later_than(self, at: datetime) -> bool:
        """Return whether a later report of this bike is known."""
        return self.seen_at is not None and at < self.seen_at

    def seen(self, station_id: StationId | None, at: datetime) -> None:
        """Record where it was seen."""
        event = BikeSeen(self.bike_id, station_id, at)
        self.apply(event)
        self.events.append(event)

    def apply(self, event: BikeSeen) -> None:
        """Change the state as the event says."""
        if isinstance(event, BikeSeen):
            self.station_id, self.seen_at = event.station_id, event.at


@dataclass(eq=False)
class Unlock:
    """A ride's request for a bike, and its answer: the same one, however often it asks.

    >>> Unlock(RideId("r1"))
    <Unlock for r1: not answered>
    """

    ride_id: RideId
    station_id: StationId = StationId("")
    bike_id: BikeId = BikeId("")
    until: datetime = NEVER
    at: datetime | None = None
    refusal: str = ""

    def __post_init__(self) -> None:
        self.events: list[UnlockWanted | UnlockAnswered] = []

    def __repr__(self) -> str:
        answer = self.refusal or (f"let go at {self.at}" if self.at else "not answered")
        return f"<Unlock for {self.ride_id}: {answer}>"

    @property
    def key(self) -> str:
        """The id of its ride."""
        return self.ride_id

    @classmethod
    def want(
        cls, ride_id: RideId, station: Station, bike_id: BikeId, until: datetime
    ) -> Unlock:
        """Begin with what the ride wants; refused at once if the bike isn't there."""
        unlock = cls(ride_id)
        unlock._record(UnlockWanted(ride_id, station.station_id, bike_id, until))
        try:
            station.check_unlock(bike_id)
        except Refused as no:
            unlock.refuse(str(no))
        return unlock

    def answer(self) -> datetime | None:
        """Return when the dock let go, None if that isn't known; raise `Refused`."""
        if self.refusal:
            raise Refused(self.refusal)
        return self.at

    def let_go(self, at: datetime) -> None:
        """Record that the dock let go."""
        self._record(UnlockAnswered(self.ride_id, at))

    def refuse(self, refusal: str) -> None:
        """Record that the dock will not let go."""
        self._record(UnlockAnswered(self.ride_id, None, refusal))

    def _record(self, event: UnlockWanted | UnlockAnswered) -> None:
        self.apply(event)
        self.events.append(event)

    def apply(self, event: object) -> None:
        """Change the state as the event says."""
        match event:
            case UnlockWanted():
                self.station_id, self.bike_id = event.station_id, event.bike_id
                self.until = event.until
            case UnlockAnswered(at=at, refusal=refusal):
                self.at, self.refusal = at, refusal


# --- what belongs to no single aggregate ------------------------------------------


@dataclass(frozen=True, slots=True)
class Docked:
    """A report: a bike is in a dock now; None if the dock is unknown."""

    bike_id: BikeId
    station_id: StationId
    dock_id: DockId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A report: a bike has left a station."""

    bike_id: BikeId
    station_id: StationId
    at: datetime


@dataclass(frozen=True, slots=True)
class DockState:
    """A report: a dock is jammed, or works again."""

    station_id: StationId
    dock_id: DockId
    jammed: bool
    at: datetime


Report = Docked | Taken | DockState


def bike_docked(
    report: Docked,
    bike: Bike,
    here: Station,
    before: Station | None,
    occupant: Bike | None,
) -> None:
    """Believe that a bike is in a dock, and so in no other place.

    `before` is the station that it was known to be at, which may be `here`; `occupant`
    is another bike that the dock was known to hold; if that is known later, this one
    has left the dock meanwhile.
    """
    at, bike_id = report.at, report.bike_id
    if bike.is_known_later_than(at):
        here.note(bike_id, at, LATE)
        return
    if before is here and report.dock_id in (None, here.dock_of(bike_id)):
        if at != bike.seen_at:  # else it is the same report again
            bike.seen(here.station_id, at)
        return
    if before is not None:
        before.note(bike_id, at, MOVED)
        before.lose(bike_id, at)
    if occupant is not None and occupant.is_known_later_than(at):
        if (bike.station_id, bike.seen_at) != (None, at):  # else it was reported before
            here.note(bike_id, at, GONE_SINCE)
            bike.seen(None, at)
        return
    if occupant is not None:
        here.note(occupant.bike_id, at, OCCUPIED)
        here.lose(occupant.bike_id, at)
        occupant.seen(None, at)
    here.receive(bike_id, report.dock_id, at)
    bike.seen(here.station_id, at)


def bike_taken(
    report: Taken, bike: Bike, here: Station, before: Station | None
) -> None:
    """Believe that a bike has left a station, wherever it was known to be."""
    at, bike_id = report.at, report.bike_id
    if bike.is_known_later_than(at):
        here.note(bike_id, at, LATE)
        return
    if before is None and bike.seen_at == at:
        return  # reported again
    if before is None and bike.seen_at is not None and not here.holds(bike_id):
        here.note(bike_id, at, NOT_THERE)
    elif before is not None and before is not here:
        before.note(bike_id, at, MOVED)
        before.lose(bike_id, at)
    here.lose(bike_id, at)
    bike.seen(None, at)


def bike_let_go(bike: Bike, here: Station, at: datetime) -> None:
    """Record that a dock released a bike, as requested, unless it is back."""
    if here.holds(bike.bike_id) and not bike.is_known_later_than(at):
        here.let_go(bike.bike_id, at)
        bike.seen(None, at)
