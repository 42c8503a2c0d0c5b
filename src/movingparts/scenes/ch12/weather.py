"""Three gateways of a weather API, and the store that they share; for exercise 12.5.

Source: chapter 12. Leaves out: a store that answers, but too late.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from movingparts.world.simulated import SimulatedWorld

RATE, BURST, GATEWAYS = 2, 6, 3  # requests a second of each client, at once, and doors

Take = Callable[["Gateway", str], Awaitable[bool]]


class StoreAway(Exception):
    """The store can't be reached: nothing was read or changed."""


class Store:
    """Values by key; each call takes a moment, in which others come first."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._values: dict[Any, Any] = {}
        self.away = False

    async def get(self, key: Any) -> Any:
        """Return the value of a key, or None."""
        await self._moment()
        return copy.deepcopy(self._values.get(key))

    async def set(self, key: Any, value: Any) -> None:
        """Set a value, whatever it was."""
        await self._moment()
        self._values[key] = copy.deepcopy(value)

    async def replace(self, key: Any, old: Any, new: Any) -> bool:
        """Set a value if it still equals `old`, None for no value; say whether."""
        await self._moment()
        if self._values.get(key) != old:
            return False
        self._values[key] = copy.deepcopy(new)
        return True

    async def _moment(self) -> None:
        await self._world.clock.sleep(0.001 + 0.003 * self._world.random.random())
        if self.away:
            raise StoreAway("the store can't be reached")


@dataclass(frozen=True)
class Gateway:
    """One of three; `memory` is its own."""

    store: Store
    now: Callable[[], float]
    memory: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """When a client asked, when `take` had decided, and what it answered."""

    client: str
    asked: float
    ended: float
    passed: bool


def worst(requests: Sequence[Request]) -> tuple[int, int, float]:
    """Return the stretch of time that had most too many: how many, allowed, seconds."""
    passed = [each for each in requests if each.passed]
    found = (0, BURST, 0.0)
    for first, begin in enumerate(passed):
        ended = begin.ended
        for count, each in enumerate(passed[first:], 1):
            ended = max(ended, each.ended)
            allowed = int(BURST + RATE * (ended - begin.asked) + 1e-6)
            if count - allowed > found[0] - found[1]:
                found = (count, allowed, round(ended - begin.asked, 2))
    return found
