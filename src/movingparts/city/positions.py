"""Where the bikes of a city stand after some rides: a view for a feed, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import heappop, heappush

from movingparts.city.gbfs import StationStatus, Stop, VehicleStatus
from movingparts.city.replay import Supply
from movingparts.city.ride import Ride
from movingparts.city.synthetic import City


class Positions:
    """Where each bike stands, after the rides that were played.

    A trip history names no bikes, so `Supply` gives it some. It says neither how many
    docks a station has nor, now and then, where it is: `unplaced` names the stations
    that no ride has a position for, and a feed leaves them out. A station is where
    the first ride that knows its position says. What trucks move is seen only when it
    is ridden again, so a station may hold more bikes than it has docks.

    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> positions = Positions()
    >>> positions.play([Ride("R1", at, at, "S1", "S2", end_lat=49.6, end_lon=-6.95)])
    >>> list(positions.stops), positions.unplaced
    ([Stop(station_id='S2', name='S2', lat=49.6, lon=-6.95, capacity=None)], ['S1'])
    """

    def __init__(self) -> None:
        self.as_of: datetime | None = None
        self._stops: dict[str, Stop] = {}
        self._bikes: dict[str, VehicleStatus] = {}  # those that stand somewhere
        self._trips: Counter[str] = Counter()
        self._at: dict[str, datetime] = {}  # the newest event, by station
        self._riding: list[tuple[datetime, int, str, Ride]] = []  # next to end first
        self._supply = Supply()
        self._played = 0

    @classmethod
    def of(cls, city: City, at: datetime) -> Positions:
        """Return where an invented city's bikes stand before its first ride."""
        positions = cls()
        positions.as_of = at
        for each in city.stations:
            stop = Stop(each.station_id, each.name, each.lat, each.lon, each.capacity)
            positions._stops[stop.station_id] = stop
            positions._at[stop.station_id] = at
        for bike in city.bikes:
            positions._dock(bike.bike_id, bike.station_id, at)
        return positions

    def play(self, rides: Iterable[Ride], *, until: datetime | None = None) -> None:
        """Play rides in the order of their start; `until` leaves out what is later."""
        for ride in rides:
            if until is not None and ride.started_at > until:
                break
            self._end_rides(ride.started_at)
            self._played += 1
            bike = self._begin(ride)
            heappush(self._riding, (ride.ended_at, self._played, bike, ride))
        self._end_rides(until)
        self.as_of = until or max(self._at.values(), default=None)

    @property
    def stops(self) -> tuple[Stop, ...]:
        """The stations whose position is known."""
        return tuple(self._stops.values())

    @property
    def unplaced(self) -> list[str]:
        """The stations whose position is not known."""
        return sorted(self._at.keys() - self._stops.keys())

    def stations(self) -> Iterator[StationStatus]:
        """Yield what stands at each station."""
        bikes = Counter(bike.station_id for bike in self._bikes.values())
        for station, at in self._at.items():
            stop, here = self._stops.get(station), bikes[station]
            docks = stop.capacity if stop else None
            free = None if docks is None else max(0, docks - here)
            yield StationStatus(station, here, free, at)

    def vehicles(self) -> Iterator[VehicleStatus]:
        """Yield the bikes that nobody rides."""
        yield from self._bikes.values()

    def _begin(self, ride: Ride) -> str:
        station = ride.start_station_id
        self._place(station, ride.start_station_name, ride.start_lat, ride.start_lon)
        bike = ride.bike_id or self._supply.take(station, ride.started_at)
        self._bikes.pop(bike, None)
        self._at[station] = ride.started_at
        return bike

    def _end_rides(self, until: datetime | None) -> None:
        while self._riding and (until is None or self._riding[0][0] <= until):
            at, _, bike, ride = heappop(self._riding)
            station = ride.end_station_id
            self._place(station, ride.end_station_name, ride.end_lat, ride.end_lon)
            self._trips[bike] += 1
            self._dock(bike, station, at)
            if ride.bike_id is None:
                self._supply.bring(bike, station, at)

    def _dock(self, bike: str, station: str, at: datetime) -> None:
        trips = self._trips[bike]
        self._bikes[bike] = VehicleStatus(bike, trips, station_id=station)
        self._at[station] = at

    def _place(
        self, station: str, name: str | None, lat: float | None, lon: float | None
    ) -> None:
        if station not in self._stops and lat is not None and lon is not None:
            self._stops[station] = Stop(station, name or station, lat, lon)
