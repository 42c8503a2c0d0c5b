"""The trip histories of real cities: two public CSV layouts, read as rides."""

from movingparts.city.trips.reader import (
    Finding,
    Trips,
    TripsError,
    TripsReport,
    read_trips,
)

__all__ = ["Finding", "Trips", "TripsError", "TripsReport", "read_trips"]
