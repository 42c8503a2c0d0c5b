"""Rides that end, and the functions that charge them and send receipts.

Source: chapter 11. Leaves out: riders; how long functions take is assumed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from movingparts.core import Node, Table
from movingparts.core.event import Event
from movingparts.function import Invocation, Platform, Profile, SimulatedBackend
from movingparts.scenes.ch11.fakes import TABLES, TIMES, Bank, Mail
from movingparts.world.simulated import SimulatedWorld, simulate

Deploy = Callable[[Platform], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What ran. `waits` are seconds from a ride's end to its receipt.

    `asked` says how often the bank was asked to charge, `charged` what it has charged
    and `revenue` what the view has, both in cents. `unsent` counts rides that are
    charged and have no receipt.
    """

    invocations: tuple[Invocation, ...]
    waits: tuple[float, ...]
    asked: int
    charged: int
    revenue: int
    unsent: int

    @property
    def billed(self) -> float:
        """All seconds on the bill."""
        return math.fsum(done.took for done in self.invocations)

    @property
    def waiting(self) -> float:
        """Of these, the seconds in which a function waited for another."""
        return math.fsum(done.took for done in self.invocations if done.parent)

    @property
    def wait(self) -> float:
        """The median wait for a receipt."""
        return median(self.waits)

    def count(self, status: str, function: str = "") -> int:
        """Return how many invocations ended so, of one function or of all."""
        found = [d for d in self.invocations if function in ("", d.function)]
        return sum(done.status == status for done in found)

    def table(self) -> Table:
        """Return the seconds that each function is billed for."""
        names = dict.fromkeys(done.function for done in self.invocations)
        rows = [self._row(name) for name in reversed(names)]
        total = f"{self.billed:.0f} s", f"{self.waiting:.0f} s"
        rows.append(("all", str(len(self.invocations)), *total))
        return Table(("function", "invocations", "billed", "waiting for another"), rows)

    def _row(self, name: str) -> tuple[str, ...]:
        mine = {done.id: done for done in self.invocations if done.function == name}
        billed = math.fsum(done.took for done in mine.values())
        waits = [done.took for done in self.invocations if done.parent in mine]
        return name, str(len(mine)), f"{billed:.0f} s", f"{math.fsum(waits):.0f} s"


def rides_end(
    deploy: Deploy,
    *,
    at: Sequence[float] = range(100),
    limit: int = 1_000,
    mail_down: float = 0.0,
    unknown: int = 0,
    times: Mapping[str, Profile] = TIMES,
    seed: int = 1,
) -> Settled:
    """End rides at these seconds, on functions that `deploy` deploys.

    `limit` is the platform's; the mail server is down for the first `mail_down`
    seconds, and knows no address for `unknown` of every ten rides. Sources find
    `bank`, `mail` and `db`, a database.
    """

    async def scenario(world: SimulatedWorld) -> Settled:
        node = world.node("functions")
        for name in ("rides", "billing"):
            await node.bus.stream(name, f"{name}.>")
        bank, mail = Bank(), Mail(node.clock, mail_down, unknown)
        db = node.disk.connect("view.sqlite")
        db.executescript(TABLES)
        layers = {"bank": bank, "mail": mail, "db": db}
        backend = SimulatedBackend(node.clock, node.random, times, layers)
        platform = Platform(node, backend, limit=limit)
        await deploy(platform)
        ended = await _publish(world.node("rides"), at)
        await node.clock.sleep(1_000.0)  # until the last retry
        (revenue,) = db.execute("SELECT cents FROM revenue").fetchone()
        return Settled(
            tuple(platform.invocations),
            tuple(sent - ended[ride] for ride, sent in mail.sent.items()),
            bank.asked,
            sum(bank.charged.values()),
            revenue,
            len(bank.charged.keys() - mail.sent.keys()),
        )

    settled: Settled = simulate(scenario, seed=seed).result
    return settled


async def _publish(node: Node, at: Sequence[float]) -> dict[str, float]:
    """Publish each ride at its time, and return when each of them ended."""
    ended, begun = {}, node.clock.monotonic()
    async with asyncio.TaskGroup() as publishing:
        for number, second in enumerate(at, 1):
            wait = begun + second - node.clock.monotonic()
            await node.clock.sleep(max(0.0, wait))
            ended[f"R{number}"] = node.clock.monotonic()
            data = {"ride_id": f"R{number}", "minutes": 5 + number % 30}
            event = Event(f"R{number}", "/rides", "RideEnded", data)
            publishing.create_task(node.bus.publish("rides.ended", event))
    return ended
