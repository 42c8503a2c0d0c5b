"""Larkhaven's services, all of them, and the one place where they are wired together.

Here each context is a separate service; none of them knows that. `serve_city` starts
them in any world, and `open_city` gives them stations, bikes and riders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from movingparts.city.availability.service import availability
from movingparts.city.billing.service import billing
from movingparts.city.docklink import docklink
from movingparts.city.fleet.service import fleet
from movingparts.city.riders.service import riders
from movingparts.city.rides.service import rides
from movingparts.city.stations.service import stations
from movingparts.city.synthetic import City
from movingparts.core import World
from movingparts.core.node import Factory

CONTEXTS: Mapping[str, Factory] = {
    "stations": stations,
    "fleet": fleet,
    "riders": riders,
    "availability": availability,
    "billing": billing,
    "rides": rides,
}
KINDS: Mapping[str, str] = {
    "availability": "core",
    "rides": "supporting",
    "stations": "supporting",
    "fleet": "supporting",
    "riders": "supporting",
    "billing": "generic",
}
Where = Callable[[str], str]
"""From the name of a context to the address of its service."""


def own_service(context: str) -> str:
    """Return the address of a context that is a separate service."""
    return f"http://{context}"


async def serve_city(
    world: World, contexts: Mapping[str, Any] = CONTEXTS, *, vendor: Any = docklink
) -> None:
    """Start every context as a service, and the vendor's docks beside them."""
    await world.serve("docklink", vendor)
    for name, factory in contexts.items():
        await world.serve(name, factory)


async def open_city(
    world: World,
    city: City,
    *,
    where: Where = own_service,
    poor: int = 97,
    settle: float = 30.0,
) -> None:
    """Install the stations, dock the bikes, sign the riders up.

    Members buy a pass. Of `poor` riders, one has a card with hardly any limit; 0 is for
    none. `settle` is the time until all events are delivered. Raises
    `httpx.HTTPStatusError` if a service refuses.
    """
    client = world.client("operator", timeout=60.0)
    for bike in city.bikes:
        kind = {"bike_type": bike.bike_type}
        await _put(client, f"{where('fleet')}/bikes/{bike.bike_id}", kind)
    for station in city.stations:
        at = station.station_id
        docks = {"docks": list(station.docks)}
        await _put(client, f"{where('stations')}/stations/{at}", docks)
        here = [bike.bike_id for bike in city.bikes if bike.station_id == at]
        fitted = {"slots": station.capacity, "vehicles": dict(enumerate(here, 1))}
        await _put(client, f"http://docklink/hubs/{at}", fitted)
    for number, rider in enumerate(city.riders, start=1):
        name = rider.rider_id
        person = {"name": f"Rider {number}", "email": f"{name}@larkhaven.example"}
        await _put(client, f"{where('riders')}/riders/{name}", person)
        if rider.member:
            address = f"{where('riders')}/riders/{name}/passes/{name}-1"
            await _put(client, address, {"kind": "member"})
        if poor and number % poor == 0:
            address = f"{where('billing')}/accounts/{name}/limit"
            await _put(client, address, {"amount": "5.00"})
    await world.clock.sleep(settle)


async def _put(client: httpx.AsyncClient, address: str, body: Any) -> None:
    (await client.put(address, json=body)).raise_for_status()
