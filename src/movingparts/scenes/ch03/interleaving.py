"""Handlers for the last bike, run in an order that someone chose: exercise 3.6."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.scenes.ch03.refusal import Refused

Turn = Callable[[str], Awaitable[None]]  # waits until a step is due

STEP = 0.004  # seconds from step to step
NEVER = 1_000_000  # the number of a step that isn't scheduled

ASKS_FIRST = ("ask", "take")
LOOKS_FIRST = ("look", "ask", "decide", "save")
ASKS_TWICE = ("look", "ask", "ask", "decide", "save")
EVENINGS: Mapping[str, Mapping[str, Sequence[str]]] = {  # who comes, with which steps
    "two": {"ada": LOOKS_FIRST, "bob": LOOKS_FIRST},
    "three": {"ada": LOOKS_FIRST, "bob": ASKS_FIRST, "cleo": ASKS_TWICE},
}


class Stand:
    """The rider of each bike, and everything that happened to riders, in order.

    >>> Stand().free()
    ['B7']
    """

    def __init__(self) -> None:
        self.rider_of: dict[str, str | None] = {"B7": None}
        self.given: list[str] = []  # who was given a bike
        self.refused: list[str] = []

    def free(self) -> list[str]:
        """Return the bikes that nobody has."""
        return [bike for bike, rider in self.rider_of.items() if rider is None]


async def look_first(node: Node, stand: Stand, rider: str, turn: Turn) -> str:
    """Look before asking, as the app does."""
    await turn("look")
    free = stand.free()
    for _ in range(2 if rider == "cleo" else 1):
        await turn("ask")
        await node.client.post("http://riders/checks")
    await turn("decide")
    if not free:
        raise Refused("no bike is left")
    await turn("save")
    stand.rider_of[free[0]] = rider
    return free[0]


async def ask_first(node: Node, stand: Stand, rider: str, turn: Turn) -> str:
    """Ask first; then look and save with nothing in between."""
    await turn("ask")
    await node.client.post("http://riders/checks")
    await turn("take")
    free = stand.free()
    if not free:
        raise Refused("no bike is left")
    stand.rider_of[free[0]] = rider
    return free[0]


async def play(world: Any, evening: str, schedule: Sequence[str]) -> Stand:
    """Run the steps in this order, and return what came of it."""
    stand, plans = Stand(), EVENINGS[evening]
    riders = FastAPI()
    riders.post("/checks")(_agree)

    def availability(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/bikes/{rider}")
        async def handle(rider: str) -> str:
            mine = (n for n, entry in enumerate(schedule) if entry.startswith(rider))

            async def turn(step: str) -> None:
                due = STEP * (1 + next(mine, NEVER))
                await node.clock.sleep(due - node.clock.monotonic())
                world.note(node.name, f"{rider}: {step}")

            handler = ask_first if plans[rider] == ASKS_FIRST else look_first
            try:
                bike = await handler(node, stand, rider, turn)
            except Refused as refused:
                stand.refused.append(rider)
                raise HTTPException(409, str(refused)) from None
            stand.given.append(rider)
            return bike

        return app

    await world.serve("riders", lambda _: riders)
    await world.serve("availability", availability)
    for rider in plans:
        if any(entry.startswith(rider) for entry in schedule):
            world.node(rider).tasks.create_task(_post(world, rider))
    await world.clock.sleep(STEP * (len(schedule) + 1))
    return stand


async def _agree() -> bool:
    return True


async def _post(world: Any, rider: str) -> None:
    with suppress(httpx.HTTPError):
        await world.client(rider, timeout=None).post(
            f"http://availability/bikes/{rider}"
        )
