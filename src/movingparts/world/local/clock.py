"""The clock of a world whose time is real."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class RealClock:
    """Wall time, and seconds since the world began.

    `origin_ns` is the reading of the machine's monotonic clock when it began; the
    processes of one world share it, and so agree on what "since" means.

    >>> 0 <= RealClock().monotonic() < 1
    True
    """

    def __init__(self, origin_ns: int | None = None) -> None:
        self.origin_ns = time.monotonic_ns() if origin_ns is None else origin_ns

    def __repr__(self) -> str:
        return "<RealClock>"

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since the world began."""
        return self.time_us() / 1_000_000

    def time_us(self) -> int:
        """Return the microseconds since the world began."""
        return (time.monotonic_ns() - self.origin_ns) // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait for real."""
        await asyncio.sleep(seconds)
