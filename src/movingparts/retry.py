"""Retries: ask again after a growing, random pause, and only while there is budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from movingparts.core.clock import Clock
from movingparts.core.random import Random

T = TypeVar("T")
# Whether asking again after this exception is safe, and may help.
Again = Callable[[Exception], bool]

# Asked twice, these do no more than asked once (RFC 9110).
IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}


class Budget:
    """How many retries there may be: a share of all requests, and a few at once.

    A request pays in `ratio`, a retry takes out 1. When most requests fail, there are
    few retries: the callers together ask 1 + `ratio` times as often, not three times.

    >>> budget = Budget(ratio=0.1, reserve=1)
    >>> budget.withdraw(), budget.withdraw()
    (True, False)

    With a `reserve` below 1, there is never a retry.

    Source: chapter 12; Finagle's retry budget. Leaves out: deposits that expire.
    """

    def __init__(self, *, ratio: float = 0.1, reserve: float = 10.0) -> None:
        self._ratio, self._most = ratio, reserve
        self.tokens = reserve

    def deposit(self) -> None:
        """Count a request."""
        tokens = round(self.tokens + self._ratio, 9)  # ten times 0.1 is 1
        self.tokens = min(self._most, tokens)

    def withdraw(self) -> bool:
        """Take a retry out, if there is one left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a retry: any time up to a limit that doubles.

    `base` and `most` are seconds. With `jitter=False`, it is the limit itself.

    >>> [Backoff(base=0.1, jitter=False).seconds(n, Random(1)) for n in (0, 1, 2)]
    [0.1, 0.2, 0.4]

    Source: chapter 12; Brooker 2015 (full jitter).
    """

    base: float = 0.1
    most: float = 5.0
    jitter: bool = True

    def seconds(self, retries: int, random: Random) -> float:
        """Return the pause after so many retries."""
        limit = min(self.most, self.base * 2.0**retries)
        return random.uniform(0, limit) if self.jitter else limit


class Retry:
    """Does work again when it fails, at most `attempts` times in all.

    Source: chapter 12. Leaves out: `Retry-After`, a limit on the time of all attempts
    together, and hedging (asking a second copy before the first has failed).
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        *,
        attempts: int = 3,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._clock, self._random = clock, random
        self._attempts = attempts
        self._backoff = backoff or Backoff()
        self._budget = budget

    async def call(
        self, work: Callable[[], Awaitable[T]], *, again: Again | None = None
    ) -> T:
        """Return what the work returns; raise what its last attempt raised.

        Without `again`, it repeats after any exception.
        """
        if self._budget is not None:
            self._budget.deposit()
        retries = 0
        while True:
            try:
                return await work()
            except Exception as error:
                if again is not None and not again(error):
                    raise
                if not self._may(retries):
                    raise
            await self._clock.sleep(self._backoff.seconds(retries, self._random))
            retries += 1

    def _may(self, retries: int) -> bool:
        """Check whether there is one more attempt, and budget for it."""
        if retries + 1 >= self._attempts:
            return False
        return self._budget is None or self._budget.withdraw()


def safe_to_repeat(method: str, error: Exception) -> bool:
    """Check whether a request may be sent again after this error.

    Without a connection nothing was sent. After any other error, the request may have
    been done, so only a method that is idempotent is repeated. After an answer from 400
    to 499, asking again would not help, or only later (429).

    >>> safe_to_repeat("POST", httpx.ReadTimeout("no answer in time"))
    False
    >>> safe_to_repeat("POST", httpx.ConnectError("nobody listens"))
    True
    """
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return True
    if isinstance(error, httpx.HTTPStatusError) and not error.response.is_server_error:
        return False
    failed = isinstance(error, (httpx.HTTPError, TimeoutError))
    return failed and method.upper() in IDEMPOTENT
