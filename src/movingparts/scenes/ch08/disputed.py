"""A rider disputes a fare: what she did, what support did, and what is left of it.

Source: chapter 08. Leaves out: the call to support.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.core.node import Factory
from movingparts.repository import RecordedEvent
from movingparts.world.simulated import SimulatedWorld, simulate

MINUTE = 60.0
RIDE = "http://rides/rides/17"


@dataclass
class Case:
    """What Ada's app shows, and what is on the disk of `rides`: all rows of a query."""

    shown: dict[str, object]
    saved: list[tuple[Any, ...]]


# The damaged bike was another one, B18.
WRONG = {"cents": 1900, "why": "bike damaged", "by": "support-4"}


def dispute(
    made: Factory, query: str, *, undo: dict[str, object] | None = None
) -> Recording:
    """Let Ada ride for 20 minutes, support correct her fare, and Ada look at it.

    `undo` is another correction, before she looks. The result is a `Case`.
    """
    kept: list[Any] = []

    async def scenario(world: SimulatedWorld) -> Case:
        def begin(node: Node) -> FastAPI:
            app: FastAPI = made(node)
            kept.append(app.state.kept)
            kept[0].save = lambda new: world.note("rides", summary(kept[0].db, new))
            return app

        async def put(who: str, path: str, **body: object) -> None:
            answer = await world.node(who).client.put(f"{RIDE}{path}", json=body)
            answer.raise_for_status()

        await world.serve("rides", begin)
        await put("ada", "", rider="ada", bike="B17", station="S01")
        await world.clock.sleep(20 * MINUTE)
        await put("ada", "/end", station="S07", seconds=20 * 60)
        for correction in (WRONG, *([undo] if undo else [])):
            await world.clock.sleep(30 * MINUTE)
            await put("support", "/fare", **correction)
        shown = (await world.node("ada").client.get(RIDE)).json()
        world.note("ada", f"sees {shown['cents']} cents")
        return Case(shown, [tuple(row) for row in kept[0].db.execute(query)])

    return simulate(scenario, seed=1)


def summary(db: Connection, new: Sequence[RecordedEvent]) -> str:
    """Return what has become of the disk: the row's fare, or the events' types."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'events'").fetchone():
        return ", ".join(type(each.event).__name__ for each in new)
    (cents,) = db.execute("SELECT state ->> 'cents' FROM aggregates").fetchone()
    return f"row: {cents} cents"
