"""A subscription's inbox: what has arrived, and the task that handles it."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from movingparts.bus.trace import Trace
from movingparts.core.bus import Handler
from movingparts.core.event import Event
from movingparts.core.node import Tasks, current_span, ended, summary

Settle = Callable[[str | None], None]
Answer = Callable[[Event], None]


@dataclass(slots=True)
class Delivery:
    """An event that somebody waits for: a durable place, or who sent a request."""

    subject: str
    event: Event
    settle: Settle | None = None  # None acknowledges, a reason refuses
    answer: Answer | None = None


class Inbox:
    """What has arrived for a handler, which takes one event at a time, in order.

    The task that handles belongs to the node and lives while there is something to
    do. What the handler raises is told to the node's log in one line.

    >>> async def scenario():
    ...     async def handler(event):
    ...         print(event.type)
    ...     context = contextvars.copy_context()
    ...     inbox = Inbox("rides.*", handler, Tasks(print), context, None)
    ...     inbox.put(Event("1", "/rides", "RideEnded"))
    ...     await inbox.empty()
    >>> asyncio.run(scenario())
    RideEnded
    """

    def __init__(
        self,
        subject: str,
        handler: Handler,
        tasks: Tasks,
        context: contextvars.Context,
        trace: Trace | None,
    ) -> None:
        self._subject, self._handler, self._tasks = subject, handler, tasks
        self._context, self._trace = context, trace
        self._waiting: deque[Delivery | Event] = deque()
        self._working = self._handling = False
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being handled."""
        return not self._waiting and not self._handling

    def put(self, arrived: Delivery | Event) -> None:
        """Take what arrived, and see that it is handled; not after the node's end."""
        if self._tasks.closed:
            return
        self._waiting.append(arrived)
        if not self._working:
            self._working = True
            self._task = self._tasks.create_task(
                self._work(), name=self._subject, context=self._context.copy()
            )

    async def empty(self) -> None:
        """Wait until the task has nothing to do, unless it is the one that waits."""
        if self._working and self._task not in (None, asyncio.current_task()):
            await ended(self._task)

    def close(self) -> list[Delivery]:
        """Forget what has not been begun; return those that somebody waits for."""
        left = [one for one in self._waiting if isinstance(one, Delivery)]
        self._waiting.clear()
        return left

    async def _work(self) -> None:
        try:
            while self._waiting:
                arrived = self._waiting.popleft()
                if self._trace is None and type(arrived) is Event:
                    try:
                        await self._handler(arrived)
                    except Exception as error:  # noqa: BLE001  # a handler may raise anything
                        self._tasks.report(self._subject, error)
                else:
                    await self._handle(arrived)
        finally:
            self._working = False

    async def _handle(self, arrived: Delivery | Event) -> None:
        if isinstance(arrived, Event):
            arrived = Delivery(self._subject, arrived)
        span = None
        if self._trace is not None:
            span = self._trace.handling(f"process {arrived.subject}", arrived.event)
        failure: Exception | None = None
        self._handling = True
        try:
            _answer(arrived, await self._handler(arrived.event))
        except Exception as error:  # noqa: BLE001  # a handler may raise anything
            failure = error
            self._tasks.report(f"{self._subject} {arrived.event.type}", error)
        finally:
            self._handling = False
        if self._trace is not None and span is not None:
            self._trace.ended(span, failure)
        if arrived.settle is not None:
            arrived.settle(summary(failure) if failure else None)
        current_span.set(None)


def _answer(asked: Delivery, answer: object) -> None:
    """Send what a handler returned to the one who waits for it, if anyone does."""
    if asked.answer is None or answer is None:
        return
    if not isinstance(answer, Event):
        what = type(answer).__name__
        raise TypeError(f"a request is answered with an Event or None, not {what}")
    asked.answer(answer)
