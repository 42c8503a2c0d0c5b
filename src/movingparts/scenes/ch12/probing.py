"""A breaker over time: a service fails for a while, and riders keep coming.

Source: chapter 12. Leaves out: answers that are slow.
"""

from __future__ import annotations

from collections.abc import Callable

from movingparts.breaker import Breaker, CircuitOpen
from movingparts.core import Node, Recording
from movingparts.core.random import Constant
from movingparts.scenes.ch12.copies import Copy
from movingparts.world.simulated import SimulatedWorld, simulate

HOP, WORK, GAP = 0.02, 0.02, 0.04  # seconds: on the way, for an answer, between riders
READY = 0.01  # seconds from the breaker's consent to the request
ENDS, UNTIL = 0.37, 0.5  # seconds; until the first, it answers 500


def probing(breaker: Callable[[Node], Breaker]) -> Recording:
    """Let riders ask one after another; the result is how many the breaker refused."""

    async def scenario(world: SimulatedWorld) -> int:
        fails = lambda _: world.clock.monotonic() < ENDS  # noqa: E731 - one use
        world.network.everywhere(latency=HOP)
        await world.serve("availability", Copy(work=Constant(WORK), failing=fails))
        app = world.node("app")
        guard, known, refused = breaker(app), "closed", 0

        def note() -> None:
            nonlocal known
            if guard.state != known:
                known = guard.state
                world.note("app", known)

        async def ask() -> None:
            note()  # a probe makes it half-open
            await world.clock.sleep(READY)
            reply = await app.client.get("http://availability/stations/harbor")
            reply.raise_for_status()

        while world.clock.monotonic() < UNTIL:
            try:
                await guard.call(ask)
            except CircuitOpen:
                refused += 1
                world.note("app", "refused")
            except Exception:  # noqa: BLE001, S110 - the recording has the 500
                pass
            note()
            await world.clock.sleep(GAP)
        return refused

    return simulate(scenario, seed=1)
