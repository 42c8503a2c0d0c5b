"""The lab's morning: riders ask three copies of a service, through one caller.

Source: chapter 12's lab.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from movingparts.core import Node, Recording
from movingparts.discovery import registered, registry
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.lab_trouble import Ask, Morning, Seen, come_and_ask, opened
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

PATIENCE = 1.0  # seconds that a caller waits for an answer

Caller = Callable[[Node], Ask]


def table(what: str, runs: Mapping[str, Recording]) -> Table:
    """Return a row for each run."""
    head = (what, "answered", "from 10 s on", "p50", "p99", "requests")
    return Table(head, [run.result.row(name) for name, run in runs.items()])


async def get(node: Node, copy: str) -> None:
    """Ask a copy for the bikes at a station; raise if there is no good answer."""
    url = f"{copy}/stations/harbor"
    (await node.client.get(url, timeout=PATIENCE)).raise_for_status()


def morning(caller: Caller, what: Morning | None = None, *, seed: int = 1) -> Recording:
    """Have `app` ask for riders as `caller` says; the result is what was seen."""
    what = what or Morning()

    async def scenario(world: SimulatedWorld) -> Seen:
        await world.serve("registry", registry)
        seen = await opened(world, what, partial(leased, seconds=what.lease))
        ask = caller(world.node("app"))
        await come_and_ask(world, what, seen, ask)
        return seen

    return simulate(scenario, seed=seed)


async def leased(
    world: SimulatedWorld, name: str, copy: Copy, *, seconds: float
) -> Sequence[str]:
    """Start a copy that keeps its lease for as long as it runs."""
    await world.serve(name, copy)
    node, url = world.node(name), f"http://{name}"

    async def live() -> None:
        async with registered(node, "availability", url, seconds=seconds):
            await asyncio.Event().wait()

    node.tasks.create_task(live(), name=f"lease of {name}")
    return [name]
