"""An evening on which bikes are docked, and every service reacts to what it receives.

Each service has handlers, by the subject that they subscribe to; billing's come from
the page.

Source: chapter 05. Leaves out: databases, and copies of an event (the pages before).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node, Recording, Table
from movingparts.core.asgi import at_start
from movingparts.core.event import Event
from movingparts.core.random import Uniform
from movingparts.world.simulated import SimulatedWorld, simulate

RIDES = 12
EVERY = 10.0  # seconds from one docked bike to the next
STREAMS = ("stations", "rides", "billing", "riders")
DONE = {
    "rides": "rides ended",
    "billing": "rides charged",
    "fleet": "wear added",
    "availability": "bikes offered",
}


@dataclass
class Service:
    """A service in this evening: its node, its log, and what it has done."""

    node: Node
    note: Callable[[str], None]
    done: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def do(self, ride: dict[str, Any], what: str) -> None:
        """Do this service's work for a ride, and mark it in the recording."""
        self.done.append(str(ride["ride"]))
        self.note(what)

    async def publish(self, subject: str, ride: dict[str, Any]) -> None:
        """Publish that something has happened to a ride."""
        name = subject.partition(".")[2]
        kind = name.title().replace("-", "")
        event = Event(f"{ride['ride']}/{name}", f"/{self.node.name}", kind, ride)
        await self.node.bus.publish(subject, event)


React = Callable[[Service, dict[str, Any]], Awaitable[None]]
Handlers = Mapping[str, React]


async def end_ride(rides: Service, ride: dict[str, Any]) -> None:
    """End the ride of a bike that was docked."""
    rides.do(ride, "ends the ride")
    await rides.publish("rides.ride-ended", ride)


async def add_wear(fleet: Service, ride: dict[str, Any]) -> None:
    """Add the minutes of a ride to the wear of its bike."""
    fleet.do(ride, f"adds {ride['minutes']} min to {ride['bike']}")


async def offer(availability: Service, ride: dict[str, Any]) -> None:
    """Offer a bike that was docked to the next rider."""
    availability.do(ride, f"offers {ride['bike']}")


async def void(billing: Service, ride: dict[str, Any]) -> None:
    """Give back what was held for a ride that was canceled."""
    billing.note(f"voids {ride['ride']}")


async def add_pass(billing: Service, bought: dict[str, Any]) -> None:
    """Remember who rides for free."""
    billing.note("adds a pass")


OTHERS: Mapping[str, Handlers] = {
    "rides": {"stations.bike-docked": end_ride},
    "fleet": {"rides.ride-ended": add_wear},
    "availability": {"stations.bike-docked": offer},
}


def evening(billing: Handlers, *, seed: int = 1) -> Recording:
    """Dock twelve bikes, one every ten seconds; return what each service did.

    The result is a table; the first ride's trace is the first in the recording.
    """

    async def scenario(world: SimulatedWorld) -> Table:
        world.network.everywhere(latency=Uniform(0.002, 0.008))
        docks = world.node("stations")
        for name in STREAMS:
            await docks.bus.stream(name, f"{name}.>")
        all_ = {**OTHERS, "billing": billing}
        services = {name: await _serve(world, name, all_[name]) for name in DONE}
        stations = await _serve(world, "stations", {})
        for n in range(1, RIDES + 1):
            ride = {"ride": f"R{n}", "bike": f"B{n}", "minutes": 5 + n}
            stations.do(ride, f"holds {ride['bike']} again")
            await stations.publish("stations.bike-docked", ride)
            await world.clock.sleep(EVERY)
        await world.clock.sleep(60.0)
        rows = [(DONE[name], str(len(each.done))) for name, each in services.items()]
        errors = sum(len(each.log) for each in services.values())
        rows = [*rows, ("errors logged", str(errors))]
        return Table(("that evening", "how many"), [*rows])

    return simulate(scenario, seed=seed)


def first_ride(run: Recording) -> Recording:
    """Return the part of an evening that the first docked bike has caused."""
    trace = run.trace(run.messages[0].trace_id)
    trace.moments = [each for each in run.moments if each.at_us < EVERY * 1_000_000]
    return trace


async def _serve(world: SimulatedWorld, name: str, handlers: Handlers) -> Service:
    service = Service(world.node(name), lambda text: world.note(name, text))

    def subscriber(react: React) -> Callable[[Event], Awaitable[None]]:
        async def handle(event: Event) -> None:
            await react(service, event.data)

        return handle

    def make(node: Node) -> FastAPI:
        service.node = node

        async def begin() -> None:
            for subject, react in handlers.items():
                durable = f"{name}-{subject.replace('.', '-')}"
                await node.bus.subscribe(subject, subscriber(react), durable=durable)

        return FastAPI(lifespan=at_start(begin))

    service.log = (await world.serve(name, make)).logs
    return service
