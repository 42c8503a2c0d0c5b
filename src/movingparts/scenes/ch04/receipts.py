"""The two services that a receipt needs, in exercise 4.2. All times are in ms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from movingparts.core import World

WRITE = 40  # how long it takes to write a receipt
REFUSES = 60  # how long it takes to refuse


class TooLate(Exception):
    """Nobody waits for the answer any more, or won't by the time it is there."""


class Services:
    """The services rides and billing as a handler reaches them, and its own work.

    `plan` says for each of the two when its answer comes, and how often it refuses
    before. `see` gets each call.
    """

    def __init__(
        self,
        world: World,
        timeout: int,
        plan: Sequence[tuple[int, int]],
        see: Callable[..., None],
    ) -> None:
        self._world, self._see = world, see
        self._plan = {
            name: (takes + world.random.randrange(0, 10), refusals)
            for name, (takes, refusals) in zip(("rides", "billing"), plan, strict=True)
        }
        self._tries = dict.fromkeys(self._plan, 0)
        self._deadline = self.clock() + timeout
        self.gave_up = False  # whether a call has run out of time

    def clock(self) -> int:
        """Return what time it is."""
        return round(self._world.clock.monotonic() * 1000)

    @property
    def left(self) -> int:
        """How long the caller still waits."""
        return self._deadline - self.clock()

    async def call(self, name: str, ms: float) -> str:
        """Ask a service. Raises `ConnectionError` or `TimeoutError`."""
        if not isinstance(ms, int | float):
            raise TypeError(f"call({name!r}, …) needs a number of ms, not {ms!r}")
        takes, refusals = self._plan[name]
        refuses = self._tries[name] < refusals
        self._see(name=name, given=ms, tries=self._tries[name])
        self._tries[name] += 1
        takes = REFUSES if refuses else takes
        await self._world.clock.sleep(max(0.0, min(takes, ms)) / 1000)
        if takes > ms:
            self.gave_up = True
            raise TimeoutError(f"{name} did not answer in {ms:g} ms")
        if refuses:
            raise ConnectionError(f"{name} refused")
        return f"the answer of {name}"

    async def write(self, ride: str, fare: str) -> str:
        """Write the receipt."""
        await self._world.clock.sleep(WRITE / 1000)
        return f"a receipt: {ride}, {fare}"
