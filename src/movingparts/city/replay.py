"""Replays a trip history to the services of rides and stations, as reports.

A history names neither bikes nor what trucks did. The replay gives each ride a bike:
the one that has stood longest at the station; if none stands there, one that has stood
idle elsewhere, which a truck must have moved; if there is none, one more. What then
contradicts what the services know, they say in anomalies of their own. No row is left
out, and none makes anybody raise.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx

from movingparts.bus import Event
from movingparts.city.larkhaven import Where, own_service
from movingparts.city.ride import Ride
from movingparts.core import World

IDLE = timedelta(minutes=30)
"""A truck moves bikes that have stood for so long."""
CAPACITY = 24
"""Docks of a station, since histories don't say how many there are."""
TARGETS = ("stations", "rides")
"""The services that a history is replayed to."""


@dataclass
class Replayed:
    """How much was replayed, and the anomalies that the services found.

    >>> Replayed(rides=2, anomalies=Counter({"no dock was free": 1}))
    <Replayed 2 rides on 0 bikes at 0 stations: 1 anomalies>
    """

    rides: int = 0
    bikes: int = 0
    stations: int = 0
    anomalies: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        where = f"{self.bikes:,} bikes at {self.stations:,} stations"
        odd = f"{self.anomalies.total():,} anomalies"
        return f"<Replayed {self.rides:,} rides on {where}: {odd}>"


class Supply:
    """Where the replay's bikes stand, longest idle first.

    >>> supply = Supply()
    >>> at = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> supply.take("S1", at), supply.take("S1", at)
    ('bike-1', 'bike-2')
    """

    def __init__(self) -> None:
        self._standing: dict[str, deque[str]] = {}
        self._since: dict[str, tuple[datetime, str]] = {}
        self.bikes = 0

    def take(self, station: str, at: datetime) -> str:
        """Return the bike that a ride from this station was on."""
        here = self._standing.get(station)
        bike = here.popleft() if here else self._moved(at) or self._one_more()
        self._since.pop(bike, None)
        return bike

    def bring(self, bike: str, station: str, at: datetime) -> None:
        """Put a bike at a station."""
        self._standing.setdefault(station, deque()).append(bike)
        self._since[bike] = (at, station)

    def _moved(self, at: datetime) -> str | None:
        """Return the bike that has stood longest of all, if that is long enough."""
        if not self._since:
            return None
        bike = next(iter(self._since))  # in the order of their coming
        since, station = self._since[bike]
        if at - since < IDLE:
            return None
        self._standing[station].remove(bike)
        return bike

    def _one_more(self) -> str:
        self.bikes += 1
        return f"bike-{self.bikes}"


async def replay(
    world: World,
    trips: Iterable[Ride],
    *,
    capacities: Mapping[str, int] | None = None,
    where: Where = own_service,
    settle: float = 30.0,
) -> Replayed:
    """Replay trips to rides and stations, in order of time; return the result.

    `trips` are in order of their start, as `by_time()` of a trip file gives them. The
    services are those of `serve_city`. Raises `httpx.HTTPStatusError` where a report is
    not taken, which no row of a readable file brings about. `settle` are the seconds
    until all events are delivered.
    """
    replayer = Replayer(world.client("history", timeout=60.0), where, capacities or {})
    bus = world.node("history").bus
    subscriptions = [
        await bus.subscribe(f"{each}.anomaly-found", replayer.handle)
        for each in TARGETS
    ]
    endings: list[tuple[datetime, int, str, Ride]] = []
    for number, ride in enumerate(map(_with_clean_names, trips)):
        while endings and endings[0][0] <= ride.started_at:
            await replayer.end(*heapq.heappop(endings)[2:])
        bike = await replayer.begin(ride)
        heapq.heappush(endings, (ride.ended_at, number, bike, ride))
    while endings:
        await replayer.end(*heapq.heappop(endings)[2:])
    await world.clock.sleep(settle)
    for subscription in subscriptions:
        await subscription.stop()
    return replayer.replayed


class Replayer:
    """Replays beginnings and ends of rides, one after the other."""

    def __init__(
        self, client: httpx.AsyncClient, where: Where, capacities: Mapping[str, int]
    ) -> None:
        self._client, self._where, self._capacities = client, where, capacities
        self._supply = Supply()
        self._known: set[str] = set()
        self.replayed = Replayed()

    async def handle(self, event: Event) -> None:
        """Count what somebody has found odd."""
        self.replayed.anomalies[event.data["reason"]] += 1

    async def begin(self, ride: Ride) -> str:
        """Report that a ride began; return the bike that it was given."""
        for station in (ride.start_station_id, ride.end_station_id):
            await self._install(station)
        bike = self._supply.take(ride.start_station_id, ride.started_at)
        at = ride.started_at.isoformat()
        here = {"bike_id": bike, "station_id": ride.start_station_id, "at": at}
        await self._post("stations", "reports", {**here, "what": "taken"})
        await self._post("rides", f"rides/{_in_url(ride.ride_id)}/report", here)
        self.replayed.rides += 1
        self.replayed.bikes = self._supply.bikes
        return bike

    async def end(self, bike: str, ride: Ride) -> None:
        """Report that a bike was docked; rides learns it from stations."""
        at = ride.ended_at.isoformat()
        here = {"bike_id": bike, "station_id": ride.end_station_id, "at": at}
        await self._post("stations", "reports", {**here, "what": "docked"})
        self._supply.bring(bike, ride.end_station_id, ride.ended_at)

    async def _install(self, station: str) -> None:
        if station in self._known:
            return
        self._known.add(station)
        self.replayed.stations += 1
        count = self._capacities.get(station, CAPACITY)
        docks = [f"{station}-{number:02d}" for number in range(1, count + 1)]
        address = f"{self._where('stations')}/stations/{_in_url(station)}"
        reply = await self._client.put(address, json={"docks": docks})
        reply.raise_for_status()

    async def _post(self, context: str, path: str, body: object) -> None:
        reply = await self._client.post(f"{self._where(context)}/{path}", json=body)
        reply.raise_for_status()


def _with_clean_names(ride: Ride) -> Ride:
    """Return a ride with clean names: no event may contain control characters."""
    names = (ride.ride_id, ride.start_station_id, ride.end_station_id)
    if all(map(str.isprintable, names)):
        return ride
    ride_id, start, end = map(_printable, names)
    return replace(ride, ride_id=ride_id, start_station_id=start, end_station_id=end)


def _printable(name: str) -> str:
    return "".join(each if each.isprintable() else quote(each) for each in name)


def _in_url(name: str) -> str:
    """Return any name as one part of an address; a part of dots alone would be none."""
    return quote(name, safe="").replace(".", "%2E")
