"""A client that sends its requests one after another, at a pace that a library sets.

Source: chapter 12.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from movingparts.scenes.ch12.riders import Ask, Asked, Riders
from movingparts.world.simulated import SimulatedWorld


async def send(
    world: SimulatedWorld,
    ask: Ask,
    count: int,
    pace: AbstractAsyncContextManager[None],
    *,
    into: Riders,
) -> None:
    """Ask so often, as soon as `pace` lets each request in; wait for all answers.

    aiolimiter waits until a moment in fractions of a second, and a simulated clock has
    whole microseconds: give it a rate whose period is a whole number of them and a
    power of two, such as 32 a second. With others it would try again for ever.
    """
    now, running = world.clock.monotonic, []

    async def one() -> None:
        begun, error = now(), ""
        try:
            await ask()
        except Exception as failure:  # noqa: BLE001 - whatever it is, the client sees it
            error = type(failure).__name__
        into.asked.append(Asked(begun, now() - begun, error))

    for _ in range(count):
        async with pace:
            running.append(world.node("partner").tasks.create_task(one()))
    for task in running:
        await task
