"""A chain of services, each of which waits for the next, in exercise 1.4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.core.random import stream
from movingparts.world.simulated import SimulatedWorld

WORK = 0.040  # seconds that a service works before it calls the next
HOP = 0.010  # seconds that a message is under way
STEP = WORK + 2 * HOP  # what one more service adds to a price
SPARE = 0.102  # seconds that are left when a price arrives: a bit over the 0.1 asked
KINDS = ("just in time", "stuck", "a lost request", "a lost reply")


@dataclass(frozen=True, slots=True)
class Chain:
    """A rider's `budget` in seconds, `depth` services, and what goes wrong, if any.

    All work and all messages take as long as they can.

    >>> Chain.of(3)
    Chain(depth=5, budget=1.1, kind='just in time')
    """

    depth: int
    budget: float
    kind: str

    @classmethod
    def of(cls, seed: int) -> Chain:
        """Return the chain of that number: all depths first, then the next kind."""
        budget = round(0.6 + stream(seed, "budget").random(), 1)
        return cls(2 + seed % 4, budget, KINDS[seed // 4 % len(KINDS)])

    @property
    def last(self) -> float:
        """How long the last service takes after its work, in seconds."""
        spared = self.budget - SPARE - self.depth * STEP
        return 60.0 if self.kind == "stuck" else spared


def hop(number: int, chain: Chain, timeouts: Sequence[float]) -> Factory:
    """Make one service of a chain; it calls the next with the timeout of that call."""

    def make(node: Node) -> FastAPI:
        app = FastAPI(title=f"hop {number}")

        @app.get("/price")
        async def price() -> dict[str, int]:
            await node.clock.sleep(WORK)
            if number == chain.depth:
                await node.clock.sleep(chain.last)
                return {"cents": 280}
            url = f"http://hop-{number + 1}/price"
            try:
                reply = await node.client.get(url, timeout=timeouts[number])
                return {"cents": reply.raise_for_status().json()["cents"]}
            except httpx.HTTPError:
                raise HTTPException(504, "no price in time") from None

        return app

    return make


async def ask(world: SimulatedWorld, chain: Chain, timeouts: Sequence[float]) -> bool:
    """Send a rider's request down a chain; return whether the price arrived."""
    world.network.everywhere(latency=HOP)
    for number in range(1, chain.depth + 1):
        await world.serve(f"hop-{number}", hop(number, chain, timeouts))
    middle = f"hop-{1 + (chain.depth + 1) // 2}"
    if chain.kind == "a lost request":
        world.network.lose(target=middle, kind="request")
    elif chain.kind == "a lost reply":
        world.network.lose(source=middle, kind="reply")
    try:
        rider = world.client("rider", timeout=timeouts[0])
        arrived = (await rider.get("http://hop-1/price")).status_code == 200
    except httpx.TimeoutException:
        arrived = False
    await world.clock.sleep(5)  # by then, those who work for nobody have been seen
    return arrived


def overrun(recording: Recording, chain: Chain) -> str:
    """Return who worked on for a caller who had given up, in words; "" for nobody.

    The last service waits for nobody, so it can't know, and doesn't count. Neither does
    what rounding can explain.
    """
    calls = {span.span_id: span for span in recording.spans if span.kind == "client"}
    for span in recording.spans:
        call = calls.get(span.parent_id)
        if span.kind != "server" or call is None or call.note != "read timeout":
            continue
        end_us = recording.duration_us if span.end_us is None else span.end_us
        late_us = end_us - (call.end_us or 0)
        if late_us > 100 and span.node != f"hop-{chain.depth}":
            caller = "the rider" if call.node == "rider" else call.node
            late = f"{late_us / 1000:,.0f} ms"
            return f"{span.node} worked on for {late} after {caller} had given up"
    return ""
