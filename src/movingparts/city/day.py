"""A day of Larkhaven: riders who reserve, ride and dock, trucks, and what breaks.

The demand is `city.synthetic`'s. The outcome depends on the services: a rider who
finds no bike walks, and one who finds no dock rides on to the next station.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from movingparts.city.larkhaven import Where, own_service
from movingparts.city.ride import Ride
from movingparts.city.synthetic import City, Station
from movingparts.core import World
from movingparts.core.clock import EPOCH

WALK = 240.0  # seconds from the reservation to the dock, at most
ON_TO_THE_NEXT = 180.0  # seconds from a full station to the next one
DRIVE = 480.0  # seconds that a truck takes from one station to another
ASK_AGAIN = 300.0  # seconds until a truck asks again for something to do
NEAR = 4  # so many stations are near enough to walk to
WAIT = 300.0  # seconds until a rider without a bike looks again
PATIENCE = 4  # so often does a rider look for a bike
REPAIR = 7_200.0  # seconds from a fault to its repair
STAYS_AWAY = 50  # of so many riders who reserve, one never comes
FAULTY = 150  # after so many rides, a rider finds a fault


@dataclass
class Outcome:
    """The outcome of a day's ride requests.

    >>> Outcome(Counter({"ridden": 2, "no bike": 1}))
    <Outcome of 3 ride requests: 2 ridden, 1 no bike>
    """

    requests: Counter[str] = field(default_factory=Counter)
    found_full: int = 0
    faults: int = 0
    moved: int = 0

    def __repr__(self) -> str:
        parts = ", ".join(f"{n:,} {what}" for what, n in self.requests.most_common())
        return f"<Outcome of {self.requests.total():,} ride requests: {parts}>"


class Day:
    """Everybody who is out on one day."""

    def __init__(self, world: World, city: City, where: Where) -> None:
        self.world, self.city, self.where = world, city, where
        self.outcome = Outcome()
        self.over = False
        self._app = world.client("app", timeout=30.0)
        self._truck = world.client("truck", timeout=30.0)
        self._near: dict[str, Sequence[Station]] = {}

    async def request_ride(self, number: int, ride: Ride) -> None:
        """Play one ride request: reserve, walk, ride, dock."""
        walk = WALK - number % 7 * 30
        await self._until(ride.started_at, -walk)
        try:
            what = await self._ride(number, ride, walk)
        except httpx.TransportError:
            what = "no answer"
        self.outcome.requests[what] += 1

    async def _ride(self, number: int, ride: Ride, walk: float) -> str:
        promised = await self._reserve(ride)
        if promised is None:
            return "no bike"
        if number % STAYS_AWAY == STAYS_AWAY - 1:
            return "stayed away"
        await self.world.clock.sleep(walk)
        status, bike = await self._start(ride.ride_id, promised)
        if status == 409:  # gone: perhaps another one stands here
            status, bike = await self._start_another(f"{ride.ride_id}-2", promised)
        if status != 200:
            return "declined" if status == 402 else "refused at the dock"
        await self.world.clock.sleep(ride.seconds)
        await self._dock(bike, self.city.station(ride.end_station_id))
        if number % FAULTY == FAULTY - 1:
            await self._find_fault(bike)
        return "ridden"

    async def _start(self, ride_id: str, promised: dict[str, Any]) -> tuple[int, str]:
        address = f"{self.where('rides')}/rides/{ride_id}"
        reply = await self._app.put(address, json=promised)
        return reply.status_code, str(promised["bike_id"])

    async def _start_another(
        self, ride_id: str, missed: dict[str, Any]
    ) -> tuple[int, str]:
        """Take another bike of the same station, where there is one."""
        wanted = {name: missed[name] for name in ("rider_id", "station_id")}
        address = f"{self.where('availability')}/reservations/{ride_id}"
        reply = await self._app.put(address, json=wanted)
        if reply.status_code != 200:
            return 409, ""
        return await self._start(ride_id, reply.json())

    async def _reserve(self, ride: Ride) -> dict[str, Any] | None:
        """Reserve a bike at the station or near it, or wait a while and ask again."""
        address = f"{self.where('availability')}/reservations/{ride.ride_id}"
        start = self.city.station(ride.start_station_id)
        nearest = self._nearest(start)[:NEAR]
        for again in range(PATIENCE):
            await self.world.clock.sleep(WAIT * (again > 0))
            for place in nearest:
                wanted = {"rider_id": ride.rider_id, "station_id": place.station_id}
                reply = await self._app.put(address, json=wanted)
                if reply.status_code == 200:
                    promised: dict[str, Any] = reply.json()
                    return promised
        return None

    async def _dock(self, bike: str, station: Station) -> None:
        """Bring a bike back: to the next station, and the next, if a dock is free."""
        for place in self._nearest(station):
            if await self._docked(bike, place.station_id):
                return
            self.outcome.found_full += 1
            await self.world.clock.sleep(ON_TO_THE_NEXT)

    async def _docked(self, bike: str, station_id: str) -> bool:
        """Push a bike into a dock, as often as it takes to see whether it is in."""
        address = f"http://docklink/hubs/{station_id}/insert"
        while True:
            try:
                reply = await self._app.post(address, json={"veh": bike})
            except httpx.TransportError:
                await self.world.clock.sleep(5)
                continue
            return reply.status_code == 200

    async def _find_fault(self, bike: str) -> None:
        self.outcome.faults += 1
        address = f"{self.where('fleet')}/bikes/{bike}/faults"
        await self._app.post(address, json={"what": "a flat tire"})
        await self.world.clock.sleep(REPAIR)
        await self._app.delete(address)

    async def drive(self, name: str) -> None:
        """Do what fleet says is to be done, until the day is over."""
        asked = f"{self.where('fleet')}/trucks/{name}/moves"
        while not self.over:
            reply = await self._truck.post(asked)
            if reply.status_code == 200:
                await self._move(reply.json())
            else:
                await self.world.clock.sleep(ASK_AGAIN)

    async def _move(self, move: dict[str, Any]) -> None:
        bikes = await self._lift(move["from_station"], move["bikes"])
        await self.world.clock.sleep(DRIVE)
        await self._put_down(bikes, move["to_station"])
        self.outcome.moved += len(bikes)
        address = f"{self.where('fleet')}/moves/{move['move_id']}/bikes"
        await self._truck.put(address, json={"bikes": bikes})

    async def _lift(self, station_id: str, count: int) -> list[str]:
        """Take so many bikes that are promised to nobody, those that came last."""
        asked = f"{self.where('availability')}/stations/{station_id}"
        free = (await self._truck.get(asked)).json()["bikes"]
        return await self._trucked(station_id, "lift", free[::-1][:count])

    async def _put_down(self, bikes: list[str], station_id: str) -> None:
        """Put bikes into docks: there, and what finds none at the next station."""
        left = list(bikes)
        for place in self._nearest(self.city.station(station_id)):
            if not left:
                return
            done = await self._trucked(place.station_id, "load", left)
            left = [bike for bike in left if bike not in done]

    async def _trucked(self, station_id: str, what: str, bikes: list[str]) -> list[str]:
        address = f"http://docklink/hubs/{station_id}/{what}"
        reply = await self._truck.post(address, json={"vehs": bikes})
        moved: list[str] = reply.json()["vehs"]
        return moved

    def _nearest(self, station: Station) -> Sequence[Station]:
        """Return all stations, those nearest to one of them first."""
        known = self._near.get(station.station_id)
        if known is None:
            known = sorted(self.city.stations, key=station.meters_to)
            self._near[station.station_id] = known
        return known

    async def _until(self, at: datetime, seconds: float = 0.0) -> None:
        clock = self.world.clock
        wait = (at - clock.now()).total_seconds() + seconds
        await clock.sleep(max(0.0, wait))


async def live_day(
    world: World,
    city: City,
    day: date,
    *,
    where: Where = own_service,
    trucks: int = 12,
    hours: tuple[int, int] = (0, 24),
) -> Outcome:
    """Play a day in an open city; return the outcome of its ride requests.

    `hours` are those of the city's clock in which rides begin. Ends when the last rider
    has docked, and all events are delivered.
    """
    about = Day(world, city, where)
    tasks = world.node("app").tasks
    zone = ZoneInfo(city.timezone)
    requests: list[Coroutine[Any, Any, None]] = [
        about.request_ride(number, ride)
        for number, ride in enumerate(city.rides(day))
        if hours[0] <= ride.started_at.astimezone(zone).hour < hours[1]
    ]
    lived = [tasks.create_task(request) for request in requests]
    drivers = [tasks.create_task(about.drive(f"truck-{n + 1}")) for n in range(trucks)]
    for each in lived:
        await each
    about.over = True
    for driver in drivers:
        await driver
    await world.clock.sleep(60)
    return about.outcome


def first_day() -> date:
    """Return the first whole day after the beginning of a simulated world."""
    return EPOCH.date() + timedelta(days=1)


async def sleep_until(world: World, day: date, hour: int, city: City) -> None:
    """Let time pass until shortly before an hour of a day, on the city's clock."""
    local = datetime.combine(day, time(hour), ZoneInfo(city.timezone))
    wait = (local.astimezone(UTC) - world.clock.now()).total_seconds() - 600
    await world.clock.sleep(max(0.0, wait))
