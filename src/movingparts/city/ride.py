"""The ride: what a synthetic day and a real trip history both consist of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MORNING_FROM = 6
"""The hour, on the city's clock, at which a morning begins."""

MORNING_TO = 10
"""The hour, on the city's clock, at which a morning is over."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Ride:
    """One bike, taken from a station and brought to a station.

    ``started_at`` and ``ended_at`` are aware and in UTC; positions are degrees
    (WGS 84). A field that a source does not know is ``None``: trip histories name
    neither bike nor rider, and some name no type of bike.

    Raises: ValueError for a naive time, or a ride that ends before it starts.

    >>> from datetime import UTC, datetime
    >>> eight = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
    >>> ride = Ride("LH-1", eight, eight.replace(minute=12), "S01", "S07")
    >>> ride.seconds
    720
    """

    ride_id: str
    started_at: datetime
    ended_at: datetime
    start_station_id: str
    end_station_id: str
    start_station_name: str | None = None
    end_station_name: str | None = None
    start_lat: float | None = None
    start_lon: float | None = None
    end_lat: float | None = None
    end_lon: float | None = None
    bike_type: str | None = None
    member: bool | None = None
    bike_id: str | None = None
    rider_id: str | None = None

    def __post_init__(self) -> None:
        if self.started_at.utcoffset() is None or self.ended_at.utcoffset() is None:
            raise ValueError(
                f"ride {self.ride_id}: started_at and ended_at must be aware; "
                "give them tzinfo=datetime.UTC"
            )
        if self.ended_at < self.started_at:
            raise ValueError(
                f"ride {self.ride_id} ends at {self.ended_at}, "
                f"before it starts at {self.started_at}"
            )

    @property
    def duration(self) -> timedelta:
        """How long the ride took, to the microsecond."""
        return self.ended_at - self.started_at

    @property
    def seconds(self) -> int:
        """How long the ride took, in whole seconds, rounded down."""
        return self.duration // _SECOND


def is_morning(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether an instant falls between 06:00 and 10:00 on the clocks of ``zone``."""
    return MORNING_FROM <= instant.astimezone(zone).hour < MORNING_TO
