"""Monthly passes, all due at once, and a bank that does ten charges a second.

Source: chapter 11. Leaves out: a bank that refuses what it can't do in time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.core.random import Constant
from movingparts.function import Platform, Profile, Retry, SimulatedBackend
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

RATE = 10  # charges a second that the bank can do
PATIENCE = 2.0  # seconds that a caller waits for the bank
LETTERS = "passes.given-up"
COLUMNS = (
    "passes are charged by",
    "calls to the bank",
    "answered",
    "given up",
    "last answer",
)


class SlowBank:
    """Does one charge after another, in the order of the calls.

    It is down until `up`. A caller that stops waiting doesn't take its call back.
    """

    def __init__(self, clock: Clock, up: float = 0.0) -> None:
        self._clock, self._free = clock, up
        self.calls: list[float] = []
        self.answers: list[float] = []

    async def charge(self, key: str) -> None:
        """Charge once for each key; a known key is as much work as a new one."""
        now = self._clock.monotonic()
        self.calls.append(now)
        self._free = max(self._free, now) + 1 / RATE
        if self._free - now > PATIENCE:
            await self._clock.sleep(PATIENCE)
            raise TimeoutError(f"the bank didn't answer within {PATIENCE:g} s")
        await self._clock.sleep(self._free - now)
        self.answers.append(self._clock.monotonic())


@dataclass
class Storm:
    """The calls to the bank and its answers in time, and which passes were given up."""

    passes: int
    calls: list[float]
    answers: list[float]
    given_up: list[str] = field(default_factory=list)
    done: dict[str, float] = field(default_factory=dict)

    def row(self, name: str) -> tuple[str, ...]:
        """Return the numbers as text."""
        last = f"{max(self.done.values(), default=0.0):,.0f} s"
        numbers = (self.calls, self.answers, self.given_up)
        return (name, *(f"{len(each):,}" for each in numbers), last)

    def each(self, seconds: int, until: int) -> dict[str, list[tuple[float, float]]]:
        """Return calls and answers a second, by minute, each a mean over `seconds`."""
        found = {}
        for name, times in (("calls", self.calls), ("answered", self.answers)):
            count = Counter(int(at) // seconds for at in times)
            found[name] = [
                (at / 60, count[at // seconds] / seconds)
                for at in range(0, until, seconds)
            ]
        return found


def storm(
    source: str,
    *,
    passes: int = 300,
    down: float = 0.0,
    retry: Retry | None = None,
    seed: int = 1,
    **config: Any,
) -> Storm:
    """Send all passes at once to a function; the bank is down for `down` seconds."""

    async def scenario(world: SimulatedWorld) -> Storm:
        node = world.node("functions")
        bank = SlowBank(node.clock, down)
        found = Storm(passes, bank.calls, bank.answers)

        async def keep(letter: Event) -> None:
            found.given_up.append(letter.data["event"]["id"])

        fast = Profile(Constant(0.0), run=Constant(0.001))
        profiles, layers = {"renew": fast}, {"bank": bank}
        backend = SimulatedBackend(node.clock, node.random, profiles, layers)
        platform = Platform(node, backend)
        await node.bus.subscribe(LETTERS, keep)
        await platform.deploy(
            "renew", source, timeout=30.0, retry=retry, dead_letter=LETTERS, **config
        )
        for number in range(passes):
            event = Event(f"pass-{number}", "/passes", "PassDue", {}).to_body()
            platform.send("renew", event, request_id=event["id"])
        while len(platform.queue):
            await node.clock.sleep(1.0)
        await node.clock.sleep(1.0)  # until the last letter has arrived
        found.done = {
            each.id: each.began + each.took
            for each in platform.invocations
            if each.status == "ok"
        }
        return found

    result: Storm = simulate(scenario, seed=seed).result
    return result


def table(found: dict[str, Storm]) -> Table:
    """Return the numbers of several runs, a row each."""
    return Table(COLUMNS, [run.row(name) for name, run in found.items()])
