"""A registry of kitchens for exercise 12.2, which may be away or know nobody.

Source: chapter 12. Leaves out: leases.
"""

from __future__ import annotations

from movingparts.core.clock import Clock


class Registry:
    """Takes a moment to answer, and notes when it was asked."""

    def __init__(self, clock: Clock, answer: list[str]) -> None:
        self._clock, self._answer, self._away = clock, answer, False
        self._answers: list[tuple[float, list[str]]] = [(clock.monotonic(), answer)]
        self.asked: list[float] = []

    async def copies(self) -> list[str]:
        """Return the kitchens; raise `ConnectionError` while it is away."""
        self.asked.append(self._clock.monotonic())
        answer = list(self._answer)
        await self._clock.sleep(1.0 if self._away else 0.1)
        if self._away:
            raise ConnectionError("the registry is away")
        return answer

    def change(self, answer: list[str], *, away: bool = False) -> None:
        """Answer something else from now on, or not at all."""
        self._answer, self._away = answer, away
        self._answers.append((self._clock.monotonic(), [] if away else answer))

    def lists(self, seconds: float) -> list[list[str]]:
        """Return its answers of so many seconds; of silence, the answer before.

        Whoever asked often enough has one of these.
        """
        found: list[list[str]] = []
        last: list[str] = []
        for at, answer in self._answers:
            if at <= self._clock.monotonic() - seconds:
                found = []
            last = answer or last
            found += [last] if last not in found else []
        return found
