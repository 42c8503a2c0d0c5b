"""What a storm of connections did: to receipts, to refunds, and to their database.

Source: chapter 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from movingparts.function import Invocation
from movingparts.measure.latency import percentile
from movingparts.scenes.ch11.database import Database
from movingparts.world import Table

BEFORE = 30  # seconds from the world's beginning until the storm
SHOWN = range(41)  # the seconds in a chart; 0 is when the storm begins


@dataclass(frozen=True, slots=True)
class Damage:
    """What became of receipts and refunds, and of their database's connections.

    `sent` is when each receipt was asked for, by ride, and `open` how many connections
    there were, at each second of the world.
    """

    invocations: tuple[Invocation, ...]
    sent: Mapping[str, float]
    open: tuple[tuple[int, int], ...]
    database: Database

    def count(self, status: str, function: str = "receipts") -> int:
        """Return how many invocations of a function have ended like this."""
        of = [each for each in self.invocations if each.function == function]
        return sum(each.status == status for each in of)

    def refused(self, function: str = "receipts") -> int:
        """Return how many of its invocations got no connection."""
        return self.count("init", function) + self.count("error", function)

    @property
    def waits(self) -> dict[str, float]:
        """How many seconds each ride waited for its receipt, if it was made."""
        made = [each for each in self.invocations if each.status == "ok"]
        ended = {each.id: each.began + each.took for each in made}
        return {
            ride: ended[ride] - at for ride, at in self.sent.items() if ride in ended
        }

    @property
    def p99(self) -> float:
        """What 99 of 100 receipts took at most, in seconds."""
        return percentile([*self.waits.values()], 99)

    @property
    def lost(self) -> int:
        """How many receipts were given up."""
        return len(self.sent) - len(self.waits)

    @property
    def connections(self) -> list[tuple[float, float]]:
        """How many connections were open at each second shown."""
        return [(t - BEFORE, count) for t, count in self.open if t - BEFORE in SHOWN]

    @property
    def unmade(self) -> list[tuple[float, float]]:
        """How many receipts were asked for and not made yet, at each second shown."""
        waits, found = self.waits, []
        until = [(at, at + waits.get(ride, inf)) for ride, at in self.sent.items()]
        for t in SHOWN:
            now = t + BEFORE
            found.append((float(t), float(sum(at <= now < end for at, end in until))))
        return found


def table(storms: Mapping[str, Damage]) -> Table:
    """Return what became of some storms, by their names."""
    head = ("design", "most open", "refused", "throttled", "lost", "wait, p99")
    rows: list[tuple[str, ...]] = []
    for name, each in storms.items():
        counts = each.database.most, each.refused(), each.count("throttled"), each.lost
        p99, refunds = f"{each.p99:.1f} s", str(each.refused("refunds"))
        rows.append((name, *map(str, counts), p99, refunds))
    return Table((*head, "refunds refused"), rows)
