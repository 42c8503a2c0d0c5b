"""The evening of exercise 12.1: copies sell tickets, one of them slowly or badly.

Source: chapter 12. Leaves out: seats.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from movingparts.world.simulated import SimulatedWorld

QUICK, SLOW = 0.02, 0.2  # seconds for a ticket, on average
NAMES = tuple(f"tickets-{number}" for number in range(1, 7))


@dataclass
class Sale:
    """One buyer: who could be asked, who was, what they said, and what came of it."""

    buyer: str
    copies: list[str]
    asked: list[str] = field(default_factory=list)
    outcome: Any = None
    value: Any = None


@dataclass
class Evening:
    """How many buyers each copy had once all were well, and what it was like before."""

    kind: str
    copies: list[str]
    asked: Counter[str]
    odd: str
    longest: int
    median: float

    @property
    def few(self) -> str:
        """The copy with the fewest buyers."""
        return min(self.copies, key=lambda copy: self.asked[copy])

    @property
    def count(self) -> int:
        """How many buyers that copy had."""
        return self.asked[self.few]

    @property
    def total(self) -> int:
        """How many buyers all copies had."""
        return self.asked.total()

    @property
    def even(self) -> bool:
        """Whether no copy had less than 40 % of an equal share."""
        return self.count >= 0.4 * self.total / len(self.copies)

    @property
    def ms(self) -> str:
        """How long half of the buyers waited at most."""
        return f"{1000 * self.median:.0f} ms"


class BoxOffice:
    """Copies that sell one ticket at a time; `kind` says what is odd about one."""

    def __init__(self, world: SimulatedWorld, kind: str) -> None:
        self.clock, self.random, self.kind = world.clock, world.random, kind
        self.copies = [*NAMES[:4]]
        self.odd = self.copies[self.random.randrange(4)]
        self.trouble, self.longest = True, 0
        self.asked: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()
        self.took: list[float] = []
        self._locks = {copy: asyncio.Lock() for copy in NAMES}

    async def send(self, sale: Sale, copy: str) -> object:
        """Sell a ticket at a copy, or fail as the evening has it."""
        sale.asked.append(copy)
        self.asked[copy] += 1
        if copy not in self._locks:
            raise ConnectionError(f"there is no copy {copy!r}")
        self.waiting[copy] += 1
        if self.trouble and copy == self.odd:
            self.longest = max(self.longest, self.waiting[copy])
        async with self._locks[copy]:
            await self.clock.sleep(self._seconds(copy))
        self.waiting[copy] -= 1
        sale.outcome = self._error(copy) or f"a ticket for {sale.buyer}"
        if isinstance(sale.outcome, BaseException):
            raise sale.outcome
        return sale.outcome

    def well(self) -> None:
        """End all trouble; a new evening may have other copies."""
        self.trouble = False
        self.asked = Counter()
        if self.kind == "new":
            self.copies = [*NAMES[1:]]

    def seen(self) -> Evening:
        """Return what the evening was like."""
        median = sorted(self.took)[len(self.took) // 2]
        now = self.copies, self.asked, self.odd, self.longest
        return Evening(self.kind, *now, median)

    def _seconds(self, copy: str) -> float:
        slow = self.kind == "slow" and self.trouble and copy == self.odd
        return (SLOW if slow else QUICK) * (0.5 + self.random.random())

    def _error(self, copy: str) -> BaseException | None:
        if not self.trouble or copy != self.odd:
            return None
        if self.kind == "errors":
            return ConnectionError("the copy closed the connection")
        return asyncio.CancelledError() if self.kind == "hang-ups" else None
