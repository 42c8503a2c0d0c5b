"""What a dock is told and asked in exercise 3.3, and the events that come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args


@dataclass(frozen=True, slots=True)
class Unlock:
    """A command: let go of the bike."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Docked:
    """A report: this bike is locked in the dock since then."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A report: this bike has left the dock at that time."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Jammed:
    """A report: the dock does not open any more, since then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Mended:
    """A report: the dock works again since then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class BikeUnlocked:
    """The dock was told to let go of its bike."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeDocked:
    """A bike is in the dock."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BikeTaken:
    """A bike has left the dock."""

    bike: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DockJammed:
    """The dock does not open."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DockMended:
    """The dock works."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """A report contradicts what was known, and this is how."""

    reason: str
    at: datetime


Report = Docked | Taken | Jammed | Mended
Message = Unlock | Report
Event = BikeUnlocked | BikeDocked | BikeTaken | DockJammed | DockMended | AnomalyFound
EVENTS: tuple[type, ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Dock:
    """What is known of a dock: its bike, whether it is jammed, what was reported.

    `bike_known_at` and `jam_known_at` are the times of the latest reports that were
    believed, about the bike and about the jam.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> Dock().after(BikeDocked("B7", at)).bike
    'B7'
    """

    bike: str | None = None
    jammed: bool = False
    bike_known_at: datetime | None = None
    jam_known_at: datetime | None = None
    reports: tuple[Report, ...] = ()

    def is_late(self, report: Report) -> bool:
        """Say whether a later report about the same is believed already."""
        about_bike = isinstance(report, Docked | Taken)
        known_at = self.bike_known_at if about_bike else self.jam_known_at
        return known_at is not None and report.at < known_at

    def after(self, event: Event) -> Dock:
        """Return the dock as it is after an event."""
        match event:
            case BikeDocked(bike, at):
                return replace(self, bike=bike, bike_known_at=at)
            case BikeTaken(_, at):
                return replace(self, bike=None, bike_known_at=at)
            case DockJammed(at) | DockMended(at):
                jammed = isinstance(event, DockJammed)
                return replace(self, jammed=jammed, jam_known_at=at)
        return self
