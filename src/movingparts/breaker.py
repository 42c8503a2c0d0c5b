"""A circuit breaker: stop asking a service that keeps failing, and try again later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

T = TypeVar("T")
State = Literal["closed", "open", "half-open"]


class CircuitOpen(Exception):
    """The breaker let nothing through: nothing was sent, so nothing was done."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the circuit is open for {seconds:.2f} s more")
        self.seconds = seconds


class Breaker:
    """Counts failures in a row; after `failures` of them, it lets nothing through.

    After `seconds`, it is half-open: one call goes through as a probe, and decides
    whether the breaker closes or opens again.

    Source: chapter 12; Nygard 2018. Leaves out: failure rates, slow calls that
    succeed, more than one probe, and a probe that never ends: give the work a timeout.

    >>> breaker = Breaker(lambda: 0.0, failures=2)
    >>> breaker.state, breaker.ready
    ('closed', True)
    """

    def __init__(
        self, now: Callable[[], float], *, failures: int = 5, seconds: float = 5.0
    ) -> None:
        self._now, self._most, self._seconds = now, failures, seconds
        self.state: State = "closed"
        self._failed = 0  # in a row
        self._until = 0.0  # while open
        self._period = 0  # one more with each change of the state

    def __repr__(self) -> str:
        return f"<Breaker: {self.state}, {self._failed} failures in a row>"

    @property
    def ready(self) -> bool:
        """Whether it would let a call through now."""
        return self.state != "half-open" and self.left == 0

    @property
    def left(self) -> float:
        """The seconds until a call is let through; 0 if one is let through now."""
        waits = self.state == "open"
        return max(0.0, self._until - self._now()) if waits else 0.0

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work, or raise `CircuitOpen`; any exception is a failure."""
        period = self._enter()
        try:
            value = await work()
        except BaseException as error:
            # What was cancelled says nothing about the service, except of a probe:
            # without an answer to it, the breaker must not close, nor wait for ever.
            if isinstance(error, Exception) or self.state == "half-open":
                self._count(period, failed=True)
            raise
        self._count(period, failed=False)
        return value

    def _enter(self) -> int:
        """Let a call through; return the period that it belongs to."""
        if not self.ready:  # in half-open, one probe is enough
            raise CircuitOpen(self.left)
        if self.state == "open":
            self._become("half-open")
        return self._period

    def _count(self, period: int, *, failed: bool) -> None:
        if period != self._period:  # the answer to a call from before: too old
            return
        self._failed = self._failed + 1 if failed else 0
        if failed and (self.state == "half-open" or self._failed >= self._most):
            self._until = self._now() + self._seconds
            self._become("open")
        elif self.state == "half-open":
            self._become("closed")

    def _become(self, state: State) -> None:
        self.state = state
        self._period += 1
