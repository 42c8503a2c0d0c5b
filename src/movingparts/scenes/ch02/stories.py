"""Short stories played by Larkhaven's six services, for exercise 2.1.

Each story has its own bike, rider and ride. After each of its steps the six
services are asked whether the bike is *available*.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from string import Template
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.city.larkhaven import CONTEXTS, serve_city
from movingparts.core import Node, Recording
from movingparts.published_language import ensure_stream

WORDS = ("stations", "rides", "fleet", "availability", "riders", "billing")
SETTLE = 2.0  # seconds until everyone has received what a step led to
ACTORS = {"rider", "mechanic", "truck", "operator", "you"}
Published = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a story, and what each service answered then.

    `step` counts the steps so far, and `phrase` says what the last one was.
    """

    story: int
    step: int
    phrase: str
    events: Published
    answers: Mapping[str, bool]


class Story:
    """One bike, one rider and one ride in a city, and what was published of them."""

    def __init__(self, world: Any, number: int, published: Published) -> None:
        self.world, self.number, self._published = world, number, published
        self.bike, self.rider = f"B{212 + number:04d}", f"R{17 + number:04d}"
        self.ride, self.here = f"ride-{40 + number}", f"S{number + 1:02d}"
        self.there = f"S{number + 51}"

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
        """Install a station with the bike in its first dock, and sign up the rider."""
        await self.send("operator", "PUT", f"fleet/bikes/{self.bike}", bike_type="city")
        docks, bikes = [f"{self.here}-01", f"{self.here}-02"], {1: self.bike}
        await self.send(
            "operator", "PUT", f"stations/stations/{self.here}", docks=docks
        )
        hub = f"docklink/hubs/{self.here}"
        await self.send("operator", "PUT", hub, slots=2, vehicles=bikes)
        at, email = f"riders/riders/{self.rider}", "rider@larkhaven.example"
        await self.send("operator", "PUT", at, name=self.rider, email=email)
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

    async def play(self, step: str) -> None:
        """Let a step happen, and wait until everyone has received what it led to."""
        lines = Template("\n".join(STEPS[step][1:])).substitute(vars(self))
        for line in lines.splitlines():
            match line.split():
                case ["cut", context]:
                    self.world.network.partition(context, "bus")
                case ["wait", seconds]:
                    await self.world.clock.sleep(float(seconds))
                case [who, method, where, *parts]:
                    body: dict[str, Any] = dict(part.split("=") for part in parts)
                    if "vehs" in body:
                        body["vehs"] = [body["vehs"]]
                    await self.send(who, method, where, **body)
        await self.world.clock.sleep(SETTLE)


# Each step: its name and what it is called, then what happens. `$` names a part of the
# story; a service can be cut off from the bus, and time can pass (in seconds).
STORYBOARD = """
reserve: The rider reserved the bike
    rider PUT availability/reservations/$ride rider_id=$rider station_id=$here
ride: The rider came to the dock and asked for the bike
    rider PUT rides/rides/$ride rider_id=$rider station_id=$here \
        bike_id=$bike reservation_id=$ride
    wait 240
dock: The rider brought the bike back
    rider POST docklink/hubs/$here/insert veh=$bike
wait: More than ten minutes passed
    wait 601
fault: The bike was flagged for repair
    mechanic POST fleet/bikes/$bike/faults what=brakes
workshop: The bike was taken into the workshop
    mechanic PUT fleet/bikes/$bike/workshop
repair: The bike was repaired
    mechanic DELETE fleet/bikes/$bike/faults
jam: The dock that holds the bike jammed
    operator PUT docklink/hubs/$here/alarm slot=1 jammed=true
clear: The bike's dock works again
    operator PUT docklink/hubs/$here/alarm slot=1 jammed=false
lift: A truck took the bike away
    truck POST docklink/hubs/$here/lift vehs=$bike
load: A truck brought the bike back
    truck POST docklink/hubs/$here/load vehs=$bike
appear: The bike turned up in a dock that nobody had announced
    operator PUT docklink/hubs/$there slots=1
    truck POST docklink/hubs/$there/load vehs=$bike
suspend: The rider was suspended
    operator PUT riders/riders/$rider/standing standing=suspended reason=complaint
reinstate: The rider may ride again
    operator PUT riders/riders/$rider/standing standing=good reason=mistake
poor: The rider's card ran dry
    operator PUT billing/accounts/$rider/limit amount=5.00
cut rides: The network cut rides off from the bus
    cut rides
cut billing: The network cut billing off from the bus
    cut billing
"""
STEPS = {  # by name: the phrase, and what happens
    name: [line.strip() for line in lines.splitlines()]
    for name, lines in re.findall(r"^(\S.*): (.*(?:\n .*)+)", STORYBOARD, re.MULTILINE)
}
STORIES = (
    "fault, workshop, repair",
    "jam, clear",
    "lift, load",
    "appear",
    "suspend, reinstate",
    "reserve, wait",
    "reserve, ride, dock",
    "reserve, fault, repair",
    "reserve, jam",
    "reserve, suspend",
    "poor, reserve, ride, wait",
    "reserve, ride, fault, dock",
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
                await ensure_stream(node, context)
                durable = f"you-{context}"
                await node.bus.subscribe(f"{context}.*", receive, durable=durable)
            yield

        return FastAPI(title="you", lifespan=lifespan)

    await serve_city(world)
    await world.serve("you", you)
    return published


async def played(story: Story) -> AsyncIterator[tuple[int, str]]:
    """Play a story; yield each step's number and phrase after it."""
    await story.open()
    yield 0, "Nothing has happened yet"
    for step, name in enumerate(STORIES[story.number].split(", "), start=1):
        await story.play(name)
        yield step, STEPS[name][0]


@cache
def moments() -> tuple[Moment, ...]:
    """Return the moments of all stories, which happen once, one after another."""
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> list[Moment]:
        published, found = await opened(world), []
        for number in range(len(STORIES)):
            story = Story(world, number, published)
            async for step, phrase in played(story):
                events, answers = story.events(), await story.ask()
                found.append(Moment(number, step, phrase, events, answers))
            world.network.heal()
        return sorted(found, key=lambda moment: (moment.step, moment.story))

    return tuple(simulate(scenario, seed=0).result)


def filmed(moment: Moment, contexts: Sequence[str]) -> Recording:
    """Record a story up to a moment, and what some services answer then."""
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> int:
        story, begun = Story(world, moment.story, await opened(world)), 0
        async for step, _ in played(story):
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
