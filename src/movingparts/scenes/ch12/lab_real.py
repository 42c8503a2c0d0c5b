"""The lab's mesh as processes: three copies, a sidecar for each, and a control plane.

Source: chapter 12's lab. Leaves out: starting what has died (chapter 13).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.control_plane import CONTROL_PLANE, Policy, control_plane
from movingparts.core import Node
from movingparts.scenes.ch12.beside import beside
from movingparts.service import service
from movingparts.sidecar import through
from movingparts.world import LocalWorld

COPIES = ("availability-1", "availability-2", "availability-3")
ASKED = 30
# One attempt, and a breaker that stays open: riders see the same in each run.
ONE_ATTEMPT = Policy(balancer="round robin", open_seconds=60)
# A breaker that opens at once, so that the second attempt goes to another copy.
TWO_ATTEMPTS = Policy(
    balancer="round robin", attempts=2, failures=1, open_seconds=1, retry_ratio=1
)
EVERY = 0.1  # seconds from one question to the control plane to the next


def availability(node: Node) -> FastAPI:
    """Serve a station's bikes, and say which copy it is that answers."""
    app = service(node, title=node.name)

    @app.get("/stations/{station}")
    async def bikes(station: str) -> dict[str, object]:
        return {"station": station, "bikes": len(station), "copy": node.name}

    return app


def rides(node: Node) -> FastAPI:
    """Ask `availability` once; there is no code for when it doesn't answer."""
    app = service(node, title="rides")

    @app.get("/stations/{station}")
    async def bikes(station: str) -> object:
        answer = await node.client.get(f"http://availability/stations/{station}")
        return answer.raise_for_status().json()

    return app


def sidecar(node: Node) -> FastAPI:
    """Serve the sidecar that its name says."""
    return beside(node, every=EVERY)


async def start(world: LocalWorld, *names: str) -> dict[str, Any]:
    """Start processes by their names; return each once it listens."""
    factories = {"control-plane": control_plane, **dict.fromkeys(COPIES, availability)}
    starting = (world.spawn(name, factories.get(name, sidecar)) for name in names)
    return dict(zip(names, await asyncio.gather(*starting), strict=True))


async def larkhaven(world: LocalWorld) -> dict[str, Any]:
    """Start everything; return the processes once the sidecars know all copies."""
    parts = await start(world, "control-plane")
    await change(world, ONE_ATTEMPT)
    await world.serve("rides", through(rides, "http://rides-sidecar"))
    sidecars = [f"{name}-sidecar" for name in (*COPIES, "rides")]
    parts |= await start(world, *COPIES, *sidecars)
    await until_listed(world, 3)
    return parts


async def until_listed(world: LocalWorld, count: int) -> None:
    """Return once the control plane lists so many copies, and sidecars know it."""
    client = world.client("team")
    async with asyncio.timeout(20):
        while True:
            answer = await client.get(f"{CONTROL_PLANE}/services/availability")
            if len(answer.raise_for_status().json()) == count:
                break
            await asyncio.sleep(EVERY)
    await asyncio.sleep(4 * EVERY)


async def change(world: LocalWorld, policy: Policy) -> str:
    """Change the policy of `availability`; return what came of it."""
    try:
        answer = await world.client("team").put(
            f"{CONTROL_PLANE}/policies/availability", json=policy.model_dump()
        )
    except httpx.TransportError:
        return "the control plane doesn't answer"
    await asyncio.sleep(4 * EVERY)
    return "changed" if answer.is_success else "refused"


@dataclass
class Answers:
    """What riders got, one after the other: from which copy, or no answer."""

    copies: Counter[str] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """How many got an answer."""
        return self.copies.total()

    def __repr__(self) -> str:
        return f"{self.answered} of {ASKED}, by {len(self.copies)} copies"


async def asked(world: LocalWorld) -> Answers:
    """Have riders ask `rides`, one after the other."""
    client, found = world.client("riders"), Answers()
    for _ in range(ASKED):
        try:
            answer = await client.get("http://rides-sidecar/stations/harbor")
        except httpx.TransportError:
            continue
        if answer.is_success:
            found.copies[answer.json()["copy"]] += 1
    return found
