"""Fares that a function charges, sent asynchronously, while instances are killed.

Source: chapter 11. Leaves out: the network between function and bank.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from movingparts.core.clock import Clock
from movingparts.core.event import Event
from movingparts.core.random import Constant, LogNormal
from movingparts.core.recording import Member, Moment, Recording
from movingparts.function import (
    Invocation,
    Platform,
    Profile,
    Retry,
    SimulatedBackend,
    recorded,
)
from movingparts.function.recorded import named
from movingparts.scenes.ch11.day import End, between
from movingparts.scenes.ch11.functions import HERE
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

CHARGE, KEYED = HERE / "charge.py", HERE / "charge_keyed.py"
REMEMBERING = HERE / "charge_remembering.py"
START = 8 * 3600.0  # seconds since midnight: the peak begins
LETTERS = "charges.given-up"
COLUMNS = ("the handler", "events", "charges", "charged twice", "events lost")


class Bank:
    """Charges riders; a charge whose key it has already seen is not done again."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._keys = clock, set[str]()
        self.charges: list[tuple[float, str, int]] = []

    def charge(self, rider: str, ride: str, cents: int, key: str = "") -> None:
        """Take money from a rider."""
        if key and key in self._keys:
            return
        self._keys.add(key)
        self.charges.append((self._clock.monotonic(), ride, cents))


@dataclass
class Charged:
    """What was sent, what the bank did, and what was given up."""

    events: list[dict[str, Any]]
    charges: list[tuple[float, str, int]]
    invocations: list[Invocation]
    letters: list[Event] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    @property
    def times(self) -> Counter[str]:
        """How often each ride was charged."""
        return Counter(ride for _, ride, _ in self.charges)

    @property
    def twice(self) -> list[str]:
        """The rides that were charged more than once, in order."""
        return [ride for ride, times in self.times.items() if times > 1]

    @property
    def given_up(self) -> list[str]:
        """The rides whose events are dead letters."""
        return [each.data["event"]["id"] for each in self.letters]

    @property
    def lost(self) -> int:
        """How many events neither succeeded nor are dead letters."""
        done = {each.id for each in self.invocations if each.status == "ok"}
        return len(self.events) - len(done) - len(self.letters)

    def row(self, name: str) -> tuple[str, ...]:
        """Return the numbers as text."""
        found = (len(self.events), len(self.charges), len(self.twice), self.lost)
        return (name, *(f"{each:,}" for each in found))

    def table(self, name: str) -> Table:
        """Return one row under its header."""
        return Table(COLUMNS, [self.row(name)])

    def tries(self, ride: str) -> Recording:
        """Return what became of one event: its tries, and what the bank did."""
        own = [each for each in self.invocations if each.id == ride]
        sent = min(each.began for each in own)
        own = [replace(each, began=round(each.began - sent, 6)) for each in own]
        run = recorded(own, caller="queue", label="run")
        run.nodes[0].kind = "service"
        killed = {named(each): each for each in own if each.status == "killed"}
        run.messages = [m for m in run.messages if m.source not in killed]
        for name, done in killed.items():
            at = round((done.began + done.took) * 1e6)
            run.moments.append(Moment(at, "crash", (name,), f"{name} is killed"))
        run.nodes.append(Member("bank", "service"))
        for at_s, charged, amount in self.charges:
            if charged == ride:
                text, at = f"charges {amount / 100:.2f}", round((at_s - sent) * 1e6)
                run.moments.append(Moment(at, "note", ("bank",), text))
        return run


def fares(count: int) -> list[tuple[float, dict[str, Any]]]:
    """Return the fares of the rides that end from 08:00 on, and when each is due."""
    return [
        (end.at - START, fare_due(end.ride.ride_id, end.ride.rider_id, cents(end)))
        for end in between(START, START + 7200, rides=3_000)[:count]
    ]


def cents(end: End) -> int:
    """Return what a ride costs: 1.00, and 0.15 for each minute that has begun."""
    seconds = (end.ride.ended_at - end.ride.started_at).total_seconds()
    return 100 + 15 * -int(-seconds // 60)


def fare_due(ride: str, rider: str, amount: int) -> dict[str, Any]:
    """Return an event that asks for a charge, as a CloudEvent."""
    data = {"ride": ride, "rider": rider, "cents": amount}
    return Event(ride, "/rides", "FareDue", data).to_body()


def charge_all(
    source: Path,
    *,
    events: int = 400,
    dies: float = 0.05,
    retry: Retry | None = None,
    seed: int = 1,
) -> Charged:
    """Send each fare to a function, of whose invocations the share `dies` is killed."""

    async def scenario(world: SimulatedWorld) -> Charged:
        node = world.node("functions")
        bank, due = Bank(node.clock), fares(events)
        found = Charged([event for _, event in due], bank.charges, [])

        async def keep(letter: Event) -> None:
            found.letters.append(letter)

        profile = Profile(Constant(0.1), Constant(0.3), LogNormal(0.02, 0.1), dies=dies)
        backend = SimulatedBackend(
            node.clock, node.random, {"charge": profile}, {"bank": bank}
        )
        platform = Platform(node, backend)
        await node.bus.subscribe(LETTERS, keep)
        await platform.deploy(
            "charge", source, memory_mb=1769, retry=retry, dead_letter=LETTERS
        )
        for at, event in due:
            await node.clock.sleep(at - node.clock.monotonic())
            platform.send("charge", event, request_id=event["id"])
        while len(platform.queue):
            await node.clock.sleep(1.0)
        await node.clock.sleep(1.0)  # until the last letter has arrived
        found.invocations.extend(platform.invocations)
        return found

    result: Charged = simulate(scenario, seed=seed).result
    return result
