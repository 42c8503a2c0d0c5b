"""Ada's ride over two services, whose coordinator dies before its last message.

Source: chapter 06; Gray and Lamport 2006. Leaves out: the coordinator's log, and
participants that ask each other what was decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.world.simulated import SimulatedWorld, simulate

HOLDS = {"availability": "B7", "billing": "9 euros"}
PATIENCE = 10.0  # seconds until a rider gives up
LATENCY = 0.005  # seconds, of each message
SOON = 0.001  # seconds from billing's work to the crash; its reply comes later

# What starts a ride: it gets a client, the ride, and the names of the others.
Coordinator = Callable[
    [httpx.AsyncClient, str, tuple[str, ...]], Coroutine[Any, Any, None]
]


def participant(
    node: Node, note: Callable[[str], None], crash: Callable[[], object] | None
) -> FastAPI:
    """Return a service that has one thing, locks it, and gives it to one ride."""
    app, lock, what = FastAPI(title=node.name), asyncio.Lock(), HOLDS[node.name]
    given: list[str] = []

    @app.put("/prepare/{ride}")
    async def prepare(ride: str) -> bool:
        await lock.acquire()
        return await last(f"{what}: locked")

    @app.put("/commit/{ride}")
    async def commit(ride: str) -> None:
        given.append(ride)
        lock.release()

    @app.put("/abort/{ride}")
    async def abort(ride: str) -> None:
        lock.release()

    @app.put("/do/{ride}")
    async def do(ride: str) -> str:
        async with lock:
            if given:
                return f"{what} is taken"
            given.append(ride)
            await last(f"{what}: committed")
            return f"{what} is yours"

    async def last(done: str) -> bool:
        note(done)
        if crash:
            crash()
            await node.clock.sleep(2 * SOON)
        return True

    return app


def one_bike(coordinate: Coordinator, *, crash: bool = True) -> Recording:
    """Start Ada's ride; a second later Bob wants her bike. Return Bob's answer."""

    async def scenario(world: SimulatedWorld) -> str:
        world.network.everywhere(latency=LATENCY)
        dies = partial(world.after, SOON, world.crash, "rides")
        for name in HOLDS:
            last = dies if crash and name == "billing" else None
            note = partial(world.note, name)
            await world.serve(name, partial(participant, note=note, crash=last))
        await world.serve("rides", lambda _: FastAPI())
        rides = world.node("rides")
        rides.tasks.create_task(coordinate(rides.client, "ride-ada", tuple(HOLDS)))
        await world.clock.sleep(1.0)
        return await bob(world)

    return simulate(scenario, seed=1)


async def bob(world: SimulatedWorld) -> str:
    """Ask for the bike until there is an answer, or until he has waited enough."""
    began, client = world.clock.monotonic(), world.client("bob", timeout=PATIENCE)
    try:
        reply = await client.put("http://availability/do/ride-bob")
        answer: str = reply.json()
    except httpx.TimeoutException:
        answer = "no answer"
        world.note("bob", "gives up")
    return f"{answer}, after {world.clock.monotonic() - began:.2f} s"
