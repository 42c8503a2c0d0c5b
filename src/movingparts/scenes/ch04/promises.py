"""What riders were promised a ride would cost, and what it cost.

Source: chapter 04.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from movingparts.world import Table

GATEWAYS = {"app-gateway": "app", "kiosk-gateway": "kiosk"}


@dataclass(frozen=True, slots=True)
class Promise:
    """A ride that ended: what it was, what its rider was promised, and what it cost."""

    gateway: str
    day: int
    minutes: int
    with_pass: bool
    promised: int  # cents
    charged: int

    @property
    def week(self) -> int:
        """Its week, from 1 on."""
        return self.day // 7 + 1


@dataclass(slots=True)
class Month:
    """All promises of some weeks."""

    promises: list[Promise] = field(default_factory=list)

    def wrong(self, gateway: str, week: int | None = None) -> list[Promise]:
        """Return those that billing didn't keep, of all weeks or of one."""
        return [
            each
            for each in self.promises
            if each.gateway == gateway and each.promised != each.charged
            if week in (None, each.week)
        ]

    def table(self, weeks: int = 4) -> Table:
        """Return for each week how many rides ended, and how many promises broke."""
        rows = []
        for week in range(1, weeks + 1):
            rides = sum(each.week == week for each in self.promises)
            wrong = [str(len(self.wrong(name, week))) for name in GATEWAYS]
            rows.append((str(week), str(rides), *wrong))
        head = ("week", "rides", "wrong in the app", "wrong at the kiosk")
        return Table(head, rows)

    def broken_in(self, week: int) -> Table:
        """Return the promises of a week that billing didn't keep."""
        rows: list[tuple[str, ...]] = [
            (
                GATEWAYS[each.gateway],
                f"{each.minutes} min",
                "yes" if each.with_pass else "no",
                f"{each.promised / 100:.2f}",
                f"{each.charged / 100:.2f}",
            )
            for name in GATEWAYS
            for each in self.wrong(name, week)
        ]
        return Table(("gateway", "ride", "pass", "promised", "charged"), rows)

    def adding_up(self, gateway: str) -> list[tuple[int, int]]:
        """Return how many promises had broken by the end of each day."""
        days = [each.day for each in self.wrong(gateway)]
        last = max(each.day for each in self.promises)
        return [(d, sum(day < d for day in days)) for d in range(last + 2)]
