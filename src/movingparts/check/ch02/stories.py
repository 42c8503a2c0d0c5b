"""A small city of real services, and the short stories that it lives through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.check.meter import new_run, untraced
from movingparts.city.larkhaven import CONTEXTS, serve_city
from movingparts.published import keep
from movingparts.world.core import Node
from movingparts.world.core.random import stream

WORDS = ("stations", "rides", "fleet", "availability", "riders", "billing")
SETTLE = 2.0  # seconds until everybody has heard what a step led to
LONGER = 601.0  # seconds, in which a promise lapses
SHORTER = 400.0  # seconds, in which none does
HERE, THERE = "S01", "S02"
TYPE = "city.larkhaven."
Told = list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class City:
    """One bike, one rider and one ride, and everything that was told of them."""

    world: Any
    bike: str
    rider: str
    ride: str
    slot: int = 1
    heard: Told = field(default_factory=list)
    begun: int = 0  # messages before the story
    done: list[str] = field(default_factory=list)  # the keys of the steps so far

    def concerning(self) -> Told:
        """Return what was told of this bike, this rider and this ride, in order."""
        return [
            (name, deepcopy(data)) for name, data in self.heard if self.concerns(data)
        ]

    def concerns(self, data: Mapping[str, Any]) -> bool:
        """Say whether an event is of this bike, this rider or this ride."""
        if data.get("ride_id") == self.ride or data.get("bike_id") == self.bike:
            return True
        return "bike_id" not in data and data.get("rider_id") == self.rider

    async def call(self, who: str, method: str, where: str, body: Any = None) -> Any:
        """Let somebody call a service, whatever it answers."""
        client = self.world.client(who, timeout=60.0)
        return await client.request(method, f"http://{where}", json=body)

    async def asked(self) -> dict[str, bool]:
        """Return what each context answers, now."""
        answers = {}
        for context in WORDS:
            path = {"riders": f"riders/{self.rider}"}.get(context, f"bikes/{self.bike}")
            if context == "billing":
                path = f"authorizations/{self.ride}"
            reply = await self.call("you", "GET", f"{context}/{path}")
            found = reply.status_code == 200  # billing knows of no payment at first
            answers[context] = found and reply.json()["available"] is True
        return answers


def _listener(heard: Told) -> Any:
    """Return the factory of a service that hears all that is published."""

    def you(node: Node) -> FastAPI:
        async def hear(event: Event) -> None:
            heard.append((event.type.removeprefix(TYPE), event.data))

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            for context in CONTEXTS:
                await keep(node, context)
                await node.bus.subscribe(f"{context}.*", hear, durable=f"you-{context}")
            yield

        return FastAPI(title="you", lifespan=lifespan)

    return you


async def opened(world: Any, seed: int) -> City:
    """Have two stations, two bikes and two riders, and everybody know of them."""
    draw = stream(seed, "names")
    first, second = sorted(1 + draw.randrange(400) for _ in range(2))
    city = City(
        world, f"B{first:04d}", f"R{1 + second:04d}", f"ride-{draw.randrange(9_000)}"
    )
    await serve_city(world)
    await world.serve("you", _listener(city.heard))
    for bike in (city.bike, "B0900"):
        await city.call("operator", "PUT", f"fleet/bikes/{bike}", {"bike_type": "city"})
    for station, held in ((HERE, city.bike), (THERE, "B0900")):
        docks = {"docks": [f"{station}-{n:02d}" for n in range(1, 3)]}
        await city.call("operator", "PUT", f"stations/stations/{station}", docks)
        fitted = {"slots": 2, "vehicles": {1: held}}
        await city.call("operator", "PUT", f"docklink/hubs/{station}", fitted)
    for rider in (city.rider, "R0999"):
        person = {"name": rider, "email": f"{rider}@larkhaven.example"}
        await city.call("operator", "PUT", f"riders/riders/{rider}", person)
    await world.clock.sleep(SETTLE)
    city.begun = len(world.recording.messages)
    return city


async def _reserve(city: City, who: str, rider: str, ride: str) -> None:
    wish = {"rider_id": rider, "station_id": HERE}
    await city.call(who, "PUT", f"availability/reservations/{ride}", wish)


async def _ride(city: City, who: str, rider: str, ride: str) -> None:
    wish = {"rider_id": rider, "station_id": HERE, "bike_id": city.bike}
    await city.call(who, "PUT", f"rides/rides/{ride}", {**wish, "reservation_id": ride})
    await city.world.clock.sleep(240)


async def _dock(city: City, who: str, station: str) -> None:
    body = {"veh": city.bike}
    reply = await city.call(who, "POST", f"docklink/hubs/{station}/insert", body)
    city.slot = reply.json()["slot"]


async def _fill(city: City) -> None:
    """Fill the other station, then bring the bike there: it stands beside."""
    body = {"vehs": ["B0901", "B0902"]}
    await city.call("truck", "POST", f"docklink/hubs/{THERE}/load", body)
    await city.world.clock.sleep(SETTLE)
    said = {"what": "docked", "bike_id": city.bike, "station_id": THERE}
    said["at"] = city.world.clock.now().isoformat()
    await city.call("rider", "POST", "stations/reports", said)


async def _alarm(city: City, jammed: bool) -> None:
    body = {"slot": city.slot, "jammed": jammed}
    await city.call("operator", "PUT", f"docklink/hubs/{HERE}/alarm", body)


async def _stand(city: City, standing: str) -> None:
    body = {"standing": standing, "reason": "a complaint"}
    address = f"riders/riders/{city.rider}/standing"
    await city.call("operator", "PUT", address, body)


async def _truck(city: City, what: str) -> None:
    body = {"vehs": [city.bike]}
    await city.call("truck", "POST", f"docklink/hubs/{HERE}/{what}", body)


async def _fault(city: City, method: str, what: str) -> None:
    body = {"what": "the brakes are gone"} if method == "POST" else None
    await city.call("mechanic", method, f"fleet/bikes/{city.bike}/{what}", body)


async def _buy(city: City) -> None:
    address = f"riders/riders/{city.rider}/passes/{city.rider}-1"
    await city.call("rider", "PUT", address, {"kind": "day"})


async def _poor(city: City) -> None:
    address = f"billing/accounts/{city.rider}/limit"
    await city.call("operator", "PUT", address, {"amount": "5.00"})


async def _cut(city: City, context: str) -> None:
    city.world.network.partition(context, "bus")


async def _wait(city: City, seconds: float = LONGER) -> None:
    await city.world.clock.sleep(seconds)


Step = tuple[str, Callable[[City], Awaitable[None]]]
STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "reserve": (
            "The rider has reserved the bike",
            lambda c: _reserve(c, "rider", c.rider, c.ride),
        ),
        "ride": (
            "The rider has come to the dock and asked for the bike",
            lambda c: _ride(c, "rider", c.rider, c.ride),
        ),
        "dock": (
            "The rider has brought the bike back",
            lambda c: _dock(c, "rider", HERE),
        ),
        "beside": (
            "The rider has left the bike beside a station that was full",
            _fill,
        ),
        "wait": ("More than ten minutes have passed", _wait),
        "wait less": (
            "Nearly seven minutes have passed",
            lambda c: _wait(c, SHORTER),
        ),
        "other reserves": (
            "Another rider has reserved the bike",
            lambda c: _reserve(c, "another", "R0999", "ride-other"),
        ),
        "other rides": (
            "Another rider is on the way with the bike",
            lambda c: _ride(c, "another", "R0999", "ride-other"),
        ),
        "other docks": (
            "Another rider has brought the bike back",
            lambda c: _dock(c, "another", HERE),
        ),
        "fault": (
            "The bike was flagged for repair",
            lambda c: _fault(c, "POST", "faults"),
        ),
        "workshop": (
            "The bike was taken into the workshop",
            lambda c: _fault(c, "PUT", "workshop"),
        ),
        "repair": ("The bike was repaired", lambda c: _fault(c, "DELETE", "faults")),
        "jam": ("The dock that holds the bike has jammed", lambda c: _alarm(c, True)),
        "mend": ("The dock of the bike works again", lambda c: _alarm(c, False)),
        "lift": ("A truck has taken the bike away", lambda c: _truck(c, "lift")),
        "load": ("A truck has brought the bike", lambda c: _truck(c, "load")),
        "suspend": ("The rider was suspended", lambda c: _stand(c, "suspended")),
        "reinstate": ("The rider may ride again", lambda c: _stand(c, "good")),
        "buy": ("The rider has bought a pass", _buy),
        "poor": ("The rider's card has run dry", _poor),
        "cut rides": (
            "rides is cut off from the bus, and hears nothing",
            lambda c: _cut(c, "rides"),
        ),
        "cut availability": (
            "availability is cut off from the bus, and nobody hears it",
            lambda c: _cut(c, "availability"),
        ),
        "cut billing": (
            "billing is cut off from the bus, and hears nothing",
            lambda c: _cut(c, "billing"),
        ),
    }
)
STORIES = (
    ("reserve", "ride", "dock"),
    ("reserve", "wait"),
    ("reserve", "cut availability", "wait"),
    ("fault", "workshop", "repair"),
    ("reserve", "fault", "repair"),
    ("jam", "mend"),
    ("reserve", "jam"),
    ("lift", "load"),
    ("suspend", "reinstate"),
    ("poor", "reserve", "ride", "wait"),
    ("other reserves", "other rides", "other docks"),
    ("reserve", "ride", "fault", "dock"),
    ("reserve", "ride", "cut rides", "dock"),
    ("reserve", "ride", "beside"),
    ("reserve", "wait", "ride"),
    ("buy", "reserve", "suspend"),
    ("reserve", "wait less"),
    ("reserve", "ride", "cut billing", "dock"),
)
ASIDES = (
    ("fault", "repair"),
    ("jam", "mend"),
    ("lift", "load"),
    ("suspend", "reinstate"),
    ("other reserves", "other rides", "other docks"),
)


def story(seed: int) -> tuple[str, ...]:
    """Return the steps of a seed: a story, later ones with other things before it."""
    if seed < len(STORIES):
        return STORIES[seed]
    draw = stream(seed, "story")
    before = draw.sample(ASIDES, 2)
    return (*before[0], *before[1], *draw.choice(STORIES))


# --- a story, lived through -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a story: what was told until then, and what each context answers.

    `size` is the number of messages so far, `phrase` says what has happened last.
    """

    seed: int
    size: int
    phrase: str
    events: Told
    now: datetime
    true: Mapping[str, bool]


async def lived(
    world: Any, seed: int, without: Collection[str] = ()
) -> AsyncIterator[tuple[City, Moment]]:
    """Live through a story, and stop at its beginning and after each of its steps.

    `without` has keys of steps that are left out.
    """
    city = await opened(world, seed)
    phrase = "Nothing has happened yet"
    for number, name in enumerate(("", *story(seed))):
        key = f"step {number}: {name}"
        if key in without:
            continue
        if name:
            phrase, act = STEPS[name]
            city.done.append(key)
            await act(city)
            await world.clock.sleep(SETTLE)
        events, now = city.concerning(), world.clock.now()
        size, true = len(world.recording.messages), await city.asked()
        yield city, Moment(seed, size, phrase, events, now, true)


@lru_cache(maxsize=64)
def moments_of(seed: int) -> tuple[Moment, ...]:
    """Return the moments of a story; it is lived through once."""
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> list[Moment]:
        return [moment async for _, moment in lived(world, seed)]

    new_run()  # each story has its own time on the alarm
    with untraced():
        return tuple(simulate(scenario, seed=seed).result)
