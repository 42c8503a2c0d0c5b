"""A service that is slow for three seconds, and a caller who asks again.

Source: chapter 12. Leaves out: more than one copy of the service, or of the caller.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from movingparts.core import Node, Recording
from movingparts.core.random import Constant, Latency, Uniform
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.riders import Asked, Riders, come
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

WORK = Uniform(0.05, 0.15)  # seconds for an answer, one after another
CAPACITY = 10  # so many answers a second
SLOW = Constant(1.0)  # seconds for an answer during the slow spell
BEGINS, ENDS, UNTIL = 5, 8, 25  # seconds
PATIENCE = 1.0  # seconds that the caller waits for an answer
HEAD = ("app asks", "requests", "answered, 0-5 s", "5-15 s", "15-25 s")

Ask = Callable[[], Awaitable[object]]
# Asks for one rider, as often as it likes.
Call = Callable[[Ask], Awaitable[object]]


async def once(ask: Ask) -> object:
    """Ask once, whatever comes of it."""
    return await ask()


def slow_spell(
    caller: Callable[[Node], Call],
    *,
    rate: float = 6,
    slow: Latency = SLOW,
    loss: float = 0.0,
    seed: int = 5,
) -> Recording:
    """Let riders come, `rate` a second; the result is what they saw.

    `caller` makes, for the node that calls `availability`, what asks for each rider.
    `slow` is how long an answer takes in the slow spell; `loss` is the share of
    messages that get lost.
    """

    async def scenario(world: SimulatedWorld) -> Riders:
        world.network.everywhere(loss=loss)
        copy = Copy(work=WORK, at_once=1)
        await world.serve("availability", copy)
        world.after(BEGINS, setattr, copy, "work", slow)
        world.after(ENDS, setattr, copy, "work", WORK)
        app, riders = world.node("app"), Riders()
        call = caller(app)

        async def ask() -> None:
            url = "http://availability/stations/harbor"
            reply = await app.client.get(url, timeout=PATIENCE)
            reply.raise_for_status()

        await come(world, lambda: call(ask), rate=rate, seconds=UNTIL, into=riders)
        return riders

    return simulate(scenario, seed=seed)


def requests(run: Recording, start: float = 0, end: float = UNTIL) -> int:
    """Count the requests that were sent to `availability` from `start` to `end`."""
    times = (m.sent_us / 1e6 for m in run.messages if m.kind == "request")
    return sum(start <= at < end for at in times)


def in_time(run: Recording, start: float = 0, end: float = UNTIL) -> int:
    """Count the answers that came from `start` to `end`, and weren't too late."""
    riders = run.result.asked
    times = (each.at + each.took for each in riders if not each.error)
    return sum(start <= at < end for at in times)


def share(run: Recording, start: float, end: float) -> str:
    """Return how many of the riders who came then were answered, as text."""
    return f"{run.result.share(start, end):.0%}"


def table(runs: Mapping[str, Recording]) -> Table:
    """Return for each run its requests, and the share of riders who were answered."""
    spans = ((0, BEGINS), (BEGINS, 15), (15, UNTIL))
    rows = [
        (name, f"{requests(run):,}", *(share(run, *span) for span in spans))
        for name, run in runs.items()
    ]
    return Table(HEAD, rows)


def each_second(run: Recording, step: int = 2) -> dict[str, list[tuple[float, float]]]:
    """Return requests and answers in time a second, each a mean over `step` seconds."""
    starts = range(0, UNTIL - step + 1, step)
    return {
        "requests": [(at, requests(run, at, at + step) / step) for at in starts],
        "answers": [(at, in_time(run, at, at + step) / step) for at in starts],
    }


def refused_at_once(run: Recording) -> list[Asked]:
    """Return the riders whose first request a breaker refused."""
    asked = run.result.asked
    return [each for each in asked if each.error == "CircuitOpen" and not each.took]


def back(run: Recording) -> int | None:
    """Return the second from which on 19 of 20 riders are answered, or None."""
    for second in range(ENDS, UNTIL - 4):
        if run.result.share(second, UNTIL) >= 0.95:
            return second
    return None
