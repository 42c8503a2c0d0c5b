"""Clocks, and the event loop whose time is virtual."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import async_solipsism
from async_solipsism import SleepForeverError
from async_solipsism.selector import Selector

# Every simulated world begins at six on a Monday morning.
EPOCH = datetime(2031, 5, 5, 6, 0, tzinfo=UTC)
T = TypeVar("T")


class Clock(Protocol):
    """The only source of time that a service may use."""

    def now(self) -> datetime:
        """Return the time of day, an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return the seconds since the world began; it never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a simulated second costs no real one."""
        ...


class _Timer(asyncio.TimerHandle):
    """A timer that, among timers of the same microsecond, runs in order of making.

    A heap of bare TimerHandles compares times only and so is not stable.
    """

    __slots__ = ("order",)
    order: int  # the microsecond, and then the number of its making: one comparison

    def __lt__(self, other: Any) -> bool:
        return self.order < other.order  # type: ignore[no-any-return]  # asked most of all


class _Selector(Selector):  # type: ignore[misc]  # the library is untyped
    """A selector that waits as long as it is asked to, and at once.

    The library's takes a wait of a day, the most that asyncio asks for, for one
    without end.
    """

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise SleepForeverError("nothing is left that could happen")
        if timeout > 0:
            self.clock.advance(timeout)
        return []


class VirtualLoop(async_solipsism.EventLoop):  # type: ignore[misc]  # the library is untyped
    """An event loop that skips from one event to the next; a tick is a microsecond.

    Source: async-solipsism (Bruce Merry). Leaves out: sockets, threads, signals.
    """

    _selector: Any
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        clock: Any = self._selector.clock
        self._ticking = clock
        self._selector.close()
        self._selector = _Selector(clock)
        # Two timers are due together only if they are of the same microsecond.
        self._clock_resolution = 1e-9
        self._timers_made = 0

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback at a virtual time, rounded to whole microseconds."""
        at_us = round(when * 1_000_000)
        return self.call_at_us(at_us, callback, *args, context=context)

    def call_at_us(
        self,
        at_us: int,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback at a virtual time in whole microseconds."""
        self._check_closed()
        timer = _Timer(at_us * 1e-6, callback, args, self, context)
        timer.order = (at_us << 48) + self._timers_made
        self._timers_made += 1
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]  # asyncio's own mark
        return timer

    def time(self) -> float:
        """Return the virtual time in seconds; asked very often, so at first hand."""
        seconds: float = self._ticking._ticks * 1e-6
        return seconds

    def time_us(self) -> int:
        """Return the virtual time in whole microseconds: the clock's ticks."""
        ticks: int = self._ticking._ticks
        return ticks


class VirtualClock:
    """The clock of a simulated world.

    >>> loop = VirtualLoop()
    >>> clock = VirtualClock(loop)
    >>> loop.run_until_complete(clock.sleep(600))
    >>> clock.monotonic(), str(clock.now())
    (600.0, '2031-05-05 06:10:00+00:00')
    >>> loop.close()
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop

    def now(self) -> datetime:
        """Return the virtual time of day, in UTC."""
        return EPOCH + timedelta(microseconds=self.loop.time_us())

    def monotonic(self) -> float:
        """Return the virtual seconds since the world began."""
        return self.loop.time_us() / 1_000_000

    def time_us(self) -> int:
        """Return the virtual microseconds since the world began."""
        ticks: int = self.loop._ticking._ticks
        return ticks

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def at(
        self,
        at_us: int,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at a virtual time in microseconds."""
        return self.loop.call_at_us(at_us, callback, *args, context=context)


def run_nested(loop: asyncio.AbstractEventLoop, main: Awaitable[T]) -> T:
    """Run `main` to its end on `loop`, also from a cell of a running loop.

    The outer loop stands still meanwhile, as it does during any computation. No
    thread is needed, so it works in a browser tab too.
    """
    outer = asyncio.events._get_running_loop()
    task = asyncio.current_task(outer) if outer is not None else None
    if outer is not None and task is not None:
        asyncio.tasks._leave_task(outer, task)
    asyncio.events._set_running_loop(None)
    try:
        return loop.run_until_complete(main)
    finally:
        asyncio.events._set_running_loop(outer)
        if outer is not None and task is not None:
            asyncio.tasks._enter_task(outer, task)
