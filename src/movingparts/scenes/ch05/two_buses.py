"""The same rides for several consumers on a real broker; one ride can't be read.

Source: chapter 05. Leaves out: an inbox, so what is delivered twice is charged twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from movingparts.core.bus import Bus
from movingparts.core.event import Event

ENDED = "rides.ride-ended"
BAD = "R7"
RIDES: dict[str, Any] = {f"R{n}": 10 + n for n in range(1, 14)} | {BAD: "17"}
MANY = 100  # tries: more are not counted

Charge = Callable[[str, Any], None]


class Seen:
    """What each consumer has tried and charged, and which dead letters came.

    >>> seen = Seen()
    >>> seen.charge("ours")("R1", 11)
    >>> seen.rows({"ours": "our bus"})
    [('our bus', '1 of 12', '0', '0')]
    """

    def __init__(self) -> None:
        self.tries: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.charged: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.letters: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def charge(self, consumer: str) -> Charge:
        """Return what charges a ride for a consumer; it raises on minutes as text."""

        def charge(ride: str, minutes: Any) -> None:
            self.tries[consumer][ride] += 1
            self._changed.set()
            self.charged[consumer][ride] = 100 + 15 * minutes

        return charge

    async def save(self, letter: Event) -> None:
        """Count a dead letter, whose id begins with the name of its consumer."""
        self.letters[letter.id.partition(":")[0]] += 1
        self._changed.set()

    async def until(self, done: Callable[[Seen], bool]) -> None:
        """Wait until it is so, at most 20 s."""
        async with asyncio.timeout(20):
            while not done(self):
                self._changed.clear()
                await self._changed.wait()

    def rows(self, titles: dict[str, str]) -> list[tuple[str, ...]]:
        """Return a row for each consumer, with nothing in it that varies."""
        good = len(RIDES) - 1
        return [
            (
                title,
                f"{len(self.charged[name])} of {good}",
                _number(self.tries[name][BAD]),
                str(self.letters[name]),
            )
            for name, title in titles.items()
        ]


def settled(seen: Seen, consumers: dict[str, str], endless: str) -> bool:
    """Return whether all have charged what can be, and the endless one tried often."""
    good = len(RIDES) - 1
    charged = all(len(seen.charged[name]) == good for name in consumers)
    tried = seen.tries[endless][BAD] > MANY
    return charged and tried and bool(seen.letters)


async def publish(bus: Bus) -> None:
    """Publish that the rides have ended; their stream keeps them."""
    await bus.stream("rides", "rides.>")
    for ride, minutes in RIDES.items():
        await bus.publish(
            ENDED, Event(ride, "/rides", "RideEnded", {"minutes": minutes})
        )


def _number(count: int) -> str:
    return f"more than {MANY}" if count > MANY else str(count)
