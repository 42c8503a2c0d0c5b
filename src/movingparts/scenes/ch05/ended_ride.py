"""An ended ride, and three services that read of it in one event: exercise 5.1."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.core.random import Random
from movingparts.world.simulated import SimulatedWorld

Data = dict[str, Any]
NAMES = ("Ada Lindqvist", "Bob Weaver", "Cleo Marchetti", "Dan Okafor")


def ended_ride(chance: Random, number: int) -> tuple[Data, Data]:
    """Return a ride as `rides` keeps it, and what the subscribers need of it."""
    minutes, late = chance.randint(3, 40), number % 4 and chance.randint(1, 59)
    began = datetime(2031, 5, 5, 8, number, tzinfo=UTC)
    at = began + timedelta(minutes=minutes, seconds=late)
    here, there = chance.sample(["S01", "S02", "S03", "S04"], 2)
    rider = {
        "rider_id": f"rider-{chance.randint(1, 90)}",
        "name": NAMES[number % len(NAMES)],
        "phone": f"+1 202 555 01{chance.randint(10, 99)}",
        "card": f"4000 0566 5566 {chance.randint(1000, 9999)}",
    }
    track = [
        {"lat": 51 + n / 811, "lon": n / 769, "meters": chance.randint(50, 400)}
        for n in range(1, chance.randint(3, 9))
    ]
    ride: Data = {
        "ride_id": f"ride-{number}",
        "bike_id": f"B{chance.randint(1, 40)}",
        "rider": rider,
        "began": {"station_id": here, "at": began},
        "ended": {"station_id": there, "at": at},
        "track": track,
    }
    needed: Data = {"rider_id": rider["rider_id"], "bike_id": ride["bike_id"]}
    needed |= {"station_id": there, "at": at.isoformat()}
    needed |= {"minutes": minutes + (late > 0)}
    return ride, needed | {"meters": sum(round(place["meters"]) for place in track)}


def billing(event: Mapping[str, Any]) -> str:
    """Charge the rider for the minutes."""
    cents = 100 + 15 * event["minutes"]
    return f"charges {event['rider_id']} {round(cents)} cents"


def fleet(event: Mapping[str, Any]) -> str:
    """Add the meters to the bike's wear."""
    return f"adds {round(event['meters'])} m to {event['bike_id']}"


def availability(event: Mapping[str, Any]) -> str:
    """Offer the bike where it stands, since when the ride ended."""
    since = datetime.fromisoformat(event["at"])
    if since.tzinfo is None:
        raise ValueError("no offset from UTC")
    what = f"{event['bike_id']} at {event['station_id']}"
    return f"offers {what} since {since.astimezone(UTC):%H:%M:%S}"


SUBSCRIBERS = {"billing": billing, "fleet": fleet, "availability": availability}


async def publish(world: SimulatedWorld, event: Event) -> dict[str, tuple[str, str]]:
    """Let `rides` publish an event and go down.

    Return what each subscriber did, and the field that it didn't find, if any.
    """
    did: dict[str, tuple[str, str]] = {}

    async def handle(event: Event, *, name: str) -> None:
        try:
            did[name] = (SUBSCRIBERS[name](event.data), "")
        except KeyError as error:
            did[name] = (f"finds no {error.args[0]}", str(error.args[0]))
        except Exception as error:  # noqa: BLE001  # whatever an answer's data cause
            did[name] = (f"raises {type(error).__name__} ({error})", "")
        what, missing = did[name]
        world.note(name, what)
        if missing:
            with suppress(httpx.TransportError):
                await world.client(name).get(f"http://rides/{event.id}")

    rides = await world.serve("rides", lambda _: FastAPI())
    bus = world.node("rides").bus
    await bus.stream("rides", "rides.>")
    for n, name in enumerate(SUBSCRIBERS, start=2):
        world.network.link("bus", name, latency=0.005 * n)  # rides is down by then
        await world.serve(name, lambda _: FastAPI())
        handler = partial(handle, name=name)
        await world.node(name).bus.subscribe(event.type, handler, durable=name)
    await bus.publish(event.type, event)
    await rides.stop()  # no fault, which a search for a smaller run would leave out
    world.note("rides", "goes down")
    await world.clock.sleep(1.0)
    return did
