"""A travel agency calls an airline, through a reader's retries.

Source: exercise 12.4. Leaves out: seats, prices and the network.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from movingparts.world.simulated import SimulatedWorld

ATTEMPTS = 3
TOOK = 0.05  # seconds until an answer, or an error
WINDOW = 0.1  # seconds in which retries count as a crowd
FEW = 20  # retries in all, below which there is no crowd


@dataclass
class Call:
    """One call of the agency: when it was sent to the airline, and how it ended."""

    number: int
    how: str  # how the airline is then
    sent: list[float] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)
    again_after_timeout: bool = False
    result: object = None

    @property
    def honest(self) -> bool:
        """Whether its result is what its last attempt came to."""
        if len(self.failed) < len(self.sent):
            return self.result == "done"
        kinds = [type(each) for each in self.failed[-1:]]
        return kinds == [type(self.result)]

    @property
    def longest(self) -> float:
        """Its longest pause, in seconds."""
        pairs = zip(self.sent, self.sent[1:], strict=False)
        return max((later - at - TOOK for at, later in pairs), default=0.0)


class Airline:
    """Is well, shaky or down; it notes each request.

    `error` is "timeout" or "refused"; `most` is what the agency's budget can hold.
    """

    def __init__(self, world: SimulatedWorld, kind: str, error: str, most: int) -> None:
        self.world, self.kind, self.error = world, kind, error
        self.budget = SimpleNamespace(tokens=float(most), most=float(most))
        self.calls: list[Call] = []

    async def send(self, call: Call) -> str:
        """Do one attempt of a call."""
        clock = self.world.clock
        timed_out = [each for each in call.failed if isinstance(each, TimeoutError)]
        call.again_after_timeout |= self.kind == "book" and bool(timed_out)
        first = not call.sent
        call.sent.append(clock.monotonic())
        await clock.sleep(TOOK)
        unlucky = call.how == "shaky" and first and call.number % 20 == 0
        if call.how == "down" or unlucky:
            error = TimeoutError if self.error == "timeout" else ConnectionError
            call.failed.append(error("the airline doesn't answer"))
            raise call.failed[-1]
        return "done"

    def crowd(self) -> float:
        """Return the largest share of the first retries that came within 0.1 s."""
        at = [each.sent[1] for each in self.calls if len(each.sent) > 1]
        if len(at) < FEW or at[-1] - at[0] > 10:
            return 0.0
        return max(Counter(int(each / WINDOW) for each in at).values()) / len(at)


async def play(
    world: SimulatedWorld,
    answer: Any,
    airline: Airline,
    rate: float,
    phases: list[tuple[float, str]],
) -> None:
    """Let calls come, `rate` a second, while the airline goes through its phases."""
    node, running = world.node("agency"), []

    async def one(call: Call) -> None:
        async def send() -> str:
            return await airline.send(call)

        arguments = (send, airline.kind, airline.budget, node.clock, node.random)
        call.result = await answer.awaited(*arguments)

    for seconds, how in phases:
        for _ in range(round(seconds * rate)):
            call = Call(len(airline.calls) + 1, how)
            airline.calls.append(call)
            running.append(node.tasks.create_task(one(call)))
            await world.clock.sleep(1 / rate)
    for task in running:
        await task
