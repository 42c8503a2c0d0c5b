"""Clients of very different size, who all come through gateways to one service.

Source: chapter 12. Leaves out: how a client proves who it is (chapter 16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import cycle

from fastapi import FastAPI
from starlette.requests import Request

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.gateway import Route, gateway
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.paced import send
from movingparts.scenes.ch12.riders import Ask, Riders, come
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

CLIENTS = {"riders": 20, "partner": 100}  # requests a second
ONE_DOOR = {"kiosks"}  # all their calls come through the first gateway
PATIENCE = 1.0  # seconds that a client waits
SECONDS = 4
HEAD = ("client", "asked", "answered", "refused", "too late", "p99")

Before = Callable[[SimulatedWorld, Copy], Awaitable[None]]


def door(node: Node) -> FastAPI:
    """Return chapter 04's gateway, with one route."""
    return gateway(node, routes=[Route("/availability", "availability")])


def api_key(request: Request) -> str:
    """Return who asks: the key that the client sends along."""
    return request.headers.get("api-key", "nobody")


class Refused(Exception):
    """The answer was a 429 or a 503: nothing was done."""


@dataclass
class Crowd:
    """What each client saw."""

    seen: dict[str, Riders]

    def table(self) -> Table:
        """Return a row for each client."""
        return Table(HEAD, [_row(name, seen) for name, seen in self.seen.items()])

    def share(self, client: str) -> float:
        """Return which share of a client's requests was answered."""
        return self.seen[client].answered / len(self.seen[client].asked)


def _row(name: str, seen: Riders) -> tuple[str, ...]:
    refused = seen.errors["Refused"]
    late = len(seen.asked) - seen.answered - refused
    counts = (len(seen.asked), seen.answered, refused, late)
    return (name, *(f"{n:,}" for n in counts), f"{seen.at(99):,.0f} ms")


def rush(
    factory: Factory,
    clients: Mapping[str, int] = CLIENTS,
    *,
    gateways: int = 1,
    before: Before | None = None,
    pace: AbstractAsyncContextManager[None] | None = None,
    seed: int = 1,
) -> Recording:
    """Have all clients ask for 4 seconds through so many gateways; return a `Crowd`.

    `availability` answers some 90 requests a second. `before` may serve others, or
    plan what happens to this copy. With `pace`, the partner sends as many requests one
    after another, and enters `pace` before each.
    """
    doors = [f"gateway-{n}" for n in range(1, gateways + 1)]

    async def scenario(world: SimulatedWorld) -> Crowd:
        copy, crowd = Copy(at_once=2), Crowd({name: Riders() for name in clients})
        await world.serve("availability", copy)
        if before is not None:
            await before(world, copy)
        for name in doors:
            await world.serve(name, factory)
        tasks, coming = world.node("city").tasks, []
        for name, rate in clients.items():
            ask = _asks(world, name, doors[:1] if name in ONE_DOOR else doors)
            into = crowd.seen[name]
            if pace is not None and name == "partner":
                work = send(world, ask, rate * SECONDS, pace, into=into)
            else:
                work = come(world, ask, rate=rate, seconds=SECONDS, into=into)
            coming.append(tasks.create_task(work))
        for each in coming:
            await each
        return crowd

    return simulate(scenario, seed=seed)


def _asks(world: SimulatedWorld, name: str, doors: Sequence[str]) -> Ask:
    client, turns = world.client(name, timeout=PATIENCE), cycle(doors)

    async def ask() -> None:
        url = f"http://{next(turns)}/availability/stations/harbor"
        answer = await client.get(url, headers={"api-key": name})
        if answer.status_code in {429, 503}:
            raise Refused
        answer.raise_for_status()

    return ask
