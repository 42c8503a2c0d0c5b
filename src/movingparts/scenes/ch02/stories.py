"""Short stories that Larkhaven's six services live through, for exercise 2.1.

Each story has a bike, a rider and a ride of its own. After each of its steps the six
services are asked whether the bike is *available*.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.city.larkhaven import CONTEXTS, serve_city
from movingparts.published import keep
from movingparts.world.core import Node, Recording

WORDS = ("stations", "rides", "fleet", "availability", "riders", "billing")
SETTLE = 2.0  # seconds until everyone has received what a step led to
ACTORS = {"rider", "another rider", "mechanic", "truck", "operator", "you"}
Published = list[tuple[str, dict[str, Any]]]
LATE = "A report from a minute ago arrived late"  # the step that finds an anomaly


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a story, and what each service answered then.

    `step` counts the steps so far, and `phrase` says what the last one was.
    """

    story: int
    step: int
    phrase: str
    events: Published
    now: datetime
    answers: Mapping[str, bool]


class Story:
    """One bike, one rider and one ride in a city, and what was published of them."""

    def __init__(self, world: Any, number: int, published: Published) -> None:
        self.world, self.number, self._published = world, number, published
        self.bike, self.rider = f"B{212 + number:04d}", f"R{17 + number:04d}"
        self.ride, self.other = f"ride-{40 + number}", f"R{500 + number:04d}"
        self.here, self.there = f"S{2 * number + 1:02d}", f"S{2 * number + 2:02d}"

    def events(self) -> Published:
        """Return what was published of this bike, this rider and this ride."""
        return [(name, data) for name, data in self._published if self._owns(data)]

    def _owns(self, data: Mapping[str, Any]) -> bool:
        if data.get("ride_id") == self.ride or data.get("bike_id") == self.bike:
            return True
        return "bike_id" not in data and data.get("rider_id") == self.rider

    async def send(self, who: str, method: str, where: str, **body: Any) -> Any:
        """Let someone call a service, whatever it answers."""
        client = self.world.client(who, timeout=60.0)
        return await client.request(method, f"http://{where}", json=body or None)

    async def open(self) -> None:
        """Install two stations, the bike in one of them, and sign up two riders."""
        await self.send("operator", "PUT", f"fleet/bikes/{self.bike}", bike_type="city")
        for station, slots, bike in (
            (self.here, 2, self.bike),
            (self.there, 1, f"{self.bike}-other"),
        ):
            docks = [f"{station}-{n:02d}" for n in range(1, slots + 1)]
            at = f"stations/stations/{station}"
            await self.send("operator", "PUT", at, docks=docks)
            hub = f"docklink/hubs/{station}"
            await self.send("operator", "PUT", hub, slots=slots, vehicles={1: bike})
        for rider in (self.rider, self.other):
            email = f"{rider}@larkhaven.example"
            at = f"riders/riders/{rider}"
            await self.send("operator", "PUT", at, name=rider, email=email)
        await self.world.clock.sleep(SETTLE)

    async def ask(self, contexts: Sequence[str] = WORDS) -> dict[str, bool]:
        """Return what services answer now."""
        answers = {}
        for context in contexts:
            path = {
                "riders": f"riders/{self.rider}",
                "billing": f"authorizations/{self.ride}",
            }.get(context, f"bikes/{self.bike}")
            reply = await self.send("you", "GET", f"{context}/{path}")
            found = reply.status_code == 200  # billing knows of no payment at first
            answers[context] = found and reply.json()["available"] is True
        return answers

    # --- what may happen ------------------------------------------------------------

    async def reserve(self, who: str = "rider") -> None:
        """Reserve the bike."""
        rider, ride = self._of(who)
        at = f"availability/reservations/{ride}"
        await self.send(who, "PUT", at, rider_id=rider, station_id=self.here)

    async def begin(self, who: str = "rider") -> None:
        """Come to the dock, ask for the bike, and ride for four minutes."""
        rider, ride = self._of(who)
        asked = {"rider_id": rider, "station_id": self.here, "bike_id": self.bike}
        await self.send(who, "PUT", f"rides/rides/{ride}", **asked, reservation_id=ride)
        await self.world.clock.sleep(240)

    async def dock(self, who: str = "rider") -> None:
        """Bring the bike back."""
        await self.send(who, "POST", f"docklink/hubs/{self.here}/insert", veh=self.bike)

    async def report(self, station: str, ago: float = 0.0) -> None:
        """Report the bike at a station, in no dock that anyone knows."""
        at = (self.world.clock.now() - timedelta(seconds=ago)).isoformat()
        said = {"what": "docked", "bike_id": self.bike, "station_id": station}
        await self.send("rider", "POST", "stations/reports", **said, at=at)

    async def alarm(self, jammed: bool) -> None:
        """Have the bike's dock jam, or work again."""
        hub = f"docklink/hubs/{self.here}/alarm"
        await self.send("operator", "PUT", hub, slot=1, jammed=jammed)

    async def truck(self, what: str) -> None:
        """Lift the bike onto a truck, or unload it."""
        hub = f"docklink/hubs/{self.here}/{what}"
        await self.send("truck", "POST", hub, vehs=[self.bike])

    async def mechanic(self, method: str, path: str, **body: Any) -> None:
        """Flag the bike, take it in, or repair it."""
        await self.send("mechanic", method, f"fleet/bikes/{self.bike}/{path}", **body)

    async def stand(self, standing: str) -> None:
        """Change the rider's standing."""
        at = f"riders/riders/{self.rider}/standing"
        await self.send("operator", "PUT", at, standing=standing, reason="a complaint")

    async def buy(self) -> None:
        """Buy a pass."""
        at = f"riders/riders/{self.rider}/passes/{self.rider}-1"
        await self.send("rider", "PUT", at, kind="day")

    async def limit(self) -> None:
        """Leave hardly any money on the rider's card."""
        at = f"billing/accounts/{self.rider}/limit"
        await self.send("operator", "PUT", at, amount="5.00")

    async def cut(self, context: str) -> None:
        """Cut a service off from the bus."""
        self.world.network.partition(context, "bus")

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await self.world.clock.sleep(seconds)

    def _of(self, who: str) -> tuple[str, str]:
        if who == "rider":
            return self.rider, self.ride
        return self.other, f"{self.ride}-other"


Act = Callable[[Story], Awaitable[None]]
OTHER = "another rider"
STEPS: Mapping[str, tuple[str, Act]] = {
    "reserve": ("The rider reserved the bike", lambda s: s.reserve()),
    "ride": ("The rider came to the dock and asked for the bike", lambda s: s.begin()),
    "dock": ("The rider brought the bike back", lambda s: s.dock()),
    "beside": (
        "The rider left the bike beside a station that was full",
        lambda s: s.report(s.there),
    ),
    "late": (LATE, lambda s: s.report(s.there, ago=60.0)),
    "wait": ("More than ten minutes passed", lambda s: s.wait(601.0)),
    "wait less": ("Nearly seven minutes passed", lambda s: s.wait(400.0)),
    "other reserves": ("Another rider reserved the bike", lambda s: s.reserve(OTHER)),
    "other rides": ("Another rider took the bike", lambda s: s.begin(OTHER)),
    "other docks": ("Another rider brought the bike back", lambda s: s.dock(OTHER)),
    "fault": (
        "The bike was flagged for repair",
        lambda s: s.mechanic("POST", "faults", what="the brakes are gone"),
    ),
    "workshop": (
        "The bike was taken into the workshop",
        lambda s: s.mechanic("PUT", "workshop"),
    ),
    "repair": ("The bike was repaired", lambda s: s.mechanic("DELETE", "faults")),
    "jam": ("The dock that holds the bike jammed", lambda s: s.alarm(True)),
    "mend": ("The bike's dock works again", lambda s: s.alarm(False)),
    "lift": ("A truck took the bike away", lambda s: s.truck("lift")),
    "load": ("A truck brought the bike back", lambda s: s.truck("load")),
    "suspend": ("The rider was suspended", lambda s: s.stand("suspended")),
    "reinstate": ("The rider may ride again", lambda s: s.stand("good")),
    "buy": ("The rider bought a pass", lambda s: s.buy()),
    "poor": ("The rider's card ran dry", lambda s: s.limit()),
    "cut rides": ("The network cut rides off from the bus", lambda s: s.cut("rides")),
    "cut availability": (
        "The network cut availability off from the bus",
        lambda s: s.cut("availability"),
    ),
    "cut billing": (
        "The network cut billing off from the bus",
        lambda s: s.cut("billing"),
    ),
}
STORIES = (
    "fault, workshop, repair",
    "jam, mend",
    "lift, load",
    "suspend, reinstate",
    "reserve, wait less",
    "reserve, wait",
    "late",
    "reserve, ride, dock",
    "reserve, ride, beside",
    "reserve, fault, repair",
    "reserve, jam",
    "buy, reserve, suspend",
    "poor, reserve, ride, wait",
    "other reserves, other rides, other docks",
    "reserve, ride, fault, dock",
    "reserve, wait, ride",
    "jam, mend, fault, repair, reserve, ride, dock, other reserves, wait",
    "reserve, cut availability, wait",
    "reserve, ride, cut rides, dock",
    "reserve, ride, cut billing, dock",
)


async def opened(world: Any) -> Published:
    """Start the city, and return a list that fills with all that it publishes."""
    published: Published = []

    def you(node: Node) -> FastAPI:
        async def receive(event: Event) -> None:
            published.append((event.type.removeprefix("city.larkhaven."), event.data))

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            for context in CONTEXTS:
                await keep(node, context)
                durable = f"you-{context}"
                await node.bus.subscribe(f"{context}.*", receive, durable=durable)
            yield

        return FastAPI(title="you", lifespan=lifespan)

    await serve_city(world)
    await world.serve("you", you)
    return published


async def lived(story: Story) -> AsyncIterator[tuple[int, str]]:
    """Live through a story; yield each step's number and phrase after it."""
    await story.open()
    yield 0, "Nothing has happened yet"
    for step, name in enumerate(STORIES[story.number].split(", "), start=1):
        phrase, act = STEPS[name]
        await act(story)
        await story.world.clock.sleep(SETTLE)
        yield step, phrase


@cache
def moments() -> tuple[Moment, ...]:
    """Return the moments of all stories, which happen once, one after another."""
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> list[Moment]:
        published, found = await opened(world), []
        for number in range(len(STORIES)):
            story = Story(world, number, published)
            async for step, phrase in lived(story):
                events, now = story.events(), world.clock.now()
                answers = await story.ask()
                found.append(Moment(number, step, phrase, events, now, answers))
            world.network.heal()
        return sorted(found, key=lambda moment: (moment.step, moment.story))

    return tuple(simulate(scenario, seed=0).result)


def filmed(moment: Moment, contexts: Sequence[str]) -> Recording:
    """Record a story up to a moment, and what some services answer then."""
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> int:
        story, begun = Story(world, moment.story, await opened(world)), 0
        async for step, _ in lived(story):
            begun = begun or len(world.recording.messages)
            if step == moment.step:
                break
        await story.ask(contexts)
        return begun

    run = simulate(scenario, seed=0)
    begun_us = run.messages[run.result - 1].sent_us
    kept = [
        each
        for each in run.messages[run.result :]
        if {each.source, each.target} & ACTORS and each.kind != "ack"
    ]
    names = {name for each in kept for name in (each.source, each.target)}
    return replace(
        run,
        messages=kept,
        nodes=[each for each in run.nodes if each.name in names],
        spans=[s for s in run.spans if s.node in names and s.start_us > begun_us],
    )
