"""Chapter 06's sagas in front of functions: a service waits for them, at no charge.

Source: chapter 11. Leaves out: who goes on with unfinished sagas after a crash.
"""

from __future__ import annotations

from typing import Any

from movingparts.core.event import Event
from movingparts.function import Platform
from movingparts.saga import Act, Progress, Refused, Sagas, Step


def by(platform: Platform, function: str) -> Act:
    """Return what a step does: it invokes a function, under the step's key.

    The function gets what the step before it returned. A rider without an address is
    a refusal; whatever else goes wrong is tried again.
    """

    async def do(key: str, data: dict[str, Any]) -> Any:
        event = {"id": key, "data": data.get("fares", data)}
        done = await platform.invoke(function, event, request_id=key)
        if "NoAddress" in done.error:
            raise Refused(done.error)
        if done.status != "ok":
            raise RuntimeError(f"{function}: {done.status} {done.error}")
        return done.value

    return do


async def orchestrate(platform: Platform, *steps: Step) -> None:
    """Have a service run a saga for each ride that ends."""
    node = platform.node
    sagas = Sagas(node.disk.connect("sagas.sqlite"), node.clock, steps, stuck)

    async def begin(event: Event) -> None:
        sagas.begin(event.id, event.data)
        node.tasks.create_task(sagas.run(event.id), name=event.id)

    await node.bus.subscribe("rides.ended", begin, durable="sagas")


def stuck(saga: Progress) -> None:
    """Page a person."""
    raise RuntimeError(f"{saga.saga} is stuck: {saga.reason}")
