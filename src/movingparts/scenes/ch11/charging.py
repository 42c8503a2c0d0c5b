"""Fares that a function charges, sent asynchronously, while instances are killed.

Source: chapter 11. Leaves out: the network between function and bank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.core.node import Node
from movingparts.core.random import Constant, LogNormal
from movingparts.function import Invocation, Platform, Profile, Retry, SimulatedBackend
from movingparts.scenes.ch11.due import as_before, fares
from movingparts.world.simulated import SimulatedWorld, simulate

LETTERS = "charges.given-up"
START, INIT, RUN = Constant(0.1), Constant(0.3), LogNormal(0.006, 0.02)  # seconds


class Bank:
    """Charges riders; a charge whose key it has already seen is not done again."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.keys = clock, set[str]()
        self.charges: list[tuple[float, str, int]] = []

    def charge(self, rider: str, ride: str, cents: int, key: str = "") -> None:
        """Take money from a rider, unless that has been done under this key."""
        if key and key in self.keys:
            return
        self.keys.add(key)
        self.charges.append((self.clock.monotonic(), ride, cents))


@dataclass
class Charged:
    """What was sent, what the bank did, what the platform ran, and what it gave up."""

    events: list[dict[str, Any]]
    charges: list[tuple[float, str, int]] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    letters: list[Event] = field(default_factory=list)

    @property
    def twice(self) -> list[str]:
        """The rides that were charged more than once, in order."""
        times = Counter(ride for _, ride, _ in self.charges)
        return [ride for ride, count in times.items() if count > 1]

    @property
    def given_up(self) -> list[str]:
        """The rides whose events became dead letters."""
        return [letter.data["event"]["id"] for letter in self.letters]

    @property
    def lost(self) -> list[str]:
        """The rides whose events neither succeeded nor became dead letters."""
        kept = {done.id for done in self.invocations if done.status == "ok"}
        kept.update(self.given_up)
        return [event["id"] for event in self.events if event["id"] not in kept]

    def row(self, name: str) -> tuple[str, ...]:
        """Return the numbers as text: events, charges, charged twice, lost."""
        found = (self.events, self.charges, self.twice, self.lost)
        return (name, *(f"{len(each):,}" for each in found))


def charge_all(
    source: str,
    *,
    dies: float = 0.05,
    retry: Retry | None = None,
    poison: int | None = None,
    fixed: str = "",
    seed: int = 1,
) -> Charged:
    """Send 400 fares to a function, of whose invocations the share `dies` is killed.

    The event with the number `poison` is one as rides wrote it last year. At the end,
    `fixed` is deployed, and the events of all dead letters are sent again.
    """

    async def scenario(world: SimulatedWorld) -> Charged:
        node = world.node("functions")
        due = fares(400)
        if poison is not None:
            due[poison] = due[poison][0], as_before(due[poison][1])
        bank = Bank(node.clock)
        found = Charged([event for _, event in due], bank.charges)
        profiles = {"charge": Profile(START, INIT, RUN, dies=dies)}
        backend = SimulatedBackend(node.clock, node.random, profiles, {"bank": bank})
        platform = Platform(node, backend)
        how: dict[str, Any] = {"memory_mb": 1769, "dead_letter": LETTERS}

        async def keep(letter: Event) -> None:
            found.letters.append(letter)

        await node.bus.subscribe(LETTERS, keep)
        await platform.deploy("charge", source, retry=retry, **how)
        await send(node, platform, due)
        if fixed:
            await platform.deploy("charge", fixed, **how)
            now = node.clock.monotonic()
            again = [(now, letter.data["event"]) for letter in found.letters]
            await send(node, platform, again)
        found.invocations.extend(platform.invocations)
        return found

    result: Charged = simulate(scenario, seed=seed).result
    return result


async def send(
    node: Node, platform: Platform, due: Iterable[tuple[float, dict[str, Any]]]
) -> None:
    """Send each event when it is due; wait until the platform is done with all."""
    for at, event in due:
        await node.clock.sleep(at - node.clock.monotonic())
        platform.send("charge", event, request_id=event["id"])
    while len(platform.queue):
        await node.clock.sleep(1.0)
    await node.clock.sleep(1.0)  # until the last letter has arrived
