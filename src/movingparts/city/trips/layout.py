"""The two layouts in which bike-share systems publish their trips as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a system writes, and which of them say what a ride needs.

    ``ride_id`` and the fields after it name the column that holds that field of a
    ``Ride``, or are ``None`` where the layout has none.
    ``local_times`` is true if its times are the city's local time, with no offset.

    >>> LYFT.missing(["ride_id", "started_at", "ended_at", "start_station_id"])
    ['end_station_id']
    """

    name: str
    systems: str
    columns: tuple[str, ...]
    local_times: bool
    ride_id: str | None
    bike_type: str | None
    rider_type: str | None
    start_lat: str
    start_lon: str
    end_lat: str
    end_lon: str

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns without which no row can be read."""
        ids = (self.ride_id,) if self.ride_id else ("start_station_latitude",)
        return (*ids, "started_at", "ended_at", "start_station_id", "end_station_id")

    @property
    def of_a_ride(self) -> tuple[str | None, ...]:
        """The column of each field of a Ride, in the order of its fields, to member."""
        return (
            self.ride_id,
            *("started_at", "ended_at", "start_station_id", "end_station_id"),
            *("start_station_name", "end_station_name"),
            *(self.start_lat, self.start_lon, self.end_lat, self.end_lon),
            *(self.bike_type, self.rider_type),
        )

    def missing(self, header: Sequence[str]) -> list[str]:
        """The needed columns that a header lacks, in order."""
        return [column for column in self.needed if column not in header]


LYFT = Layout(
    name="lyft",
    systems="Lyft-run systems (such as Citi Bike and Divvy)",
    columns=(
        *("ride_id", "rideable_type", "started_at", "ended_at"),
        *("start_station_name", "start_station_id"),
        *("end_station_name", "end_station_id"),
        *("start_lat", "start_lng", "end_lat", "end_lng", "member_casual"),
    ),
    local_times=True,
    ride_id="ride_id",
    bike_type="rideable_type",
    rider_type="member_casual",
    start_lat="start_lat",
    start_lon="start_lng",
    end_lat="end_lat",
    end_lon="end_lng",
)
"""As Citi Bike (New York) and Divvy (Chicago) publish it, with local times."""

URBAN_SHARING = Layout(
    name="urban-sharing",
    systems="Urban Sharing systems (such as Oslo and Bergen)",
    columns=(
        *("started_at", "ended_at", "duration"),
        *("start_station_id", "start_station_name", "start_station_description"),
        *("start_station_latitude", "start_station_longitude"),
        *("end_station_id", "end_station_name", "end_station_description"),
        *("end_station_latitude", "end_station_longitude"),
    ),
    local_times=False,
    ride_id=None,
    bike_type=None,
    rider_type=None,
    start_lat="start_station_latitude",
    start_lon="start_station_longitude",
    end_lat="end_station_latitude",
    end_lon="end_station_longitude",
)
"""As Oslo and Bergen City Bike publish it.

Source: bergenbysykkel.no/en/open-data/historical, which lists the columns.
"""

LAYOUTS = (LYFT, URBAN_SHARING)
