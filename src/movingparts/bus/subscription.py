"""A subscription in memory, and the inbox of any: what has arrived, and its task."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from movingparts.bus.router import Answer, Arrive, Settle
from movingparts.bus.streams import Durable, Envelope
from movingparts.bus.trace import Trace
from movingparts.core.bus import Handler
from movingparts.core.event import Event
from movingparts.core.node import Tasks, current_span, ended, summary
from movingparts.core.recording import Fate, Message, MessageKind

if TYPE_CHECKING:
    from movingparts.bus.memory import MemoryBus


@dataclass(slots=True)
class Delivery:
    """An event that has arrived, and what to call when it has been handled.

    `settle(None)` acknowledges, a reason refuses.
    """

    subject: str
    event: Event
    settle: Callable[[str | None], None] | None = None
    answer: Callable[[Event], None] | None = None


class Inbox:
    """What has arrived for a handler, which takes one event at a time, in order.

    The task that handles belongs to the node and lives while there is something to
    do. What the handler raises goes to the node's log, in one line.

    >>> async def scenario():
    ...     async def handler(event):
    ...         print(event.type)
    ...     context, silent = contextvars.copy_context(), Trace("", "", None, int, None)
    ...     inbox = Inbox("rides.*", handler, Tasks(print), context, silent)
    ...     inbox.put(Delivery("rides.ended", Event("1", "/rides", "RideEnded")))
    ...     await inbox.empty()
    >>> with asyncio.Runner() as runner:
    ...     runner.run(scenario())
    RideEnded
    """

    def __init__(
        self,
        subject: str,
        handler: Handler,
        tasks: Tasks,
        context: contextvars.Context,
        trace: Trace,
    ) -> None:
        self._subject, self._handler, self._tasks = subject, handler, tasks
        self._context, self._trace = context, trace
        self._waiting: deque[Delivery] = deque()
        self._working = self._handling = False
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being handled."""
        return not self._waiting and not self._handling

    def put(self, delivery: Delivery) -> None:
        """Take what arrived, and have it handled; after the node's end, drop it."""
        if self._tasks.closed:
            return
        self._waiting.append(delivery)
        if not self._working:
            self._working = True
            self._task = self._tasks.create_task(
                self._work(), name=self._subject, context=self._context.copy()
            )

    async def empty(self) -> None:
        """Wait until the task has nothing to do, unless that task is the caller."""
        if self._working and self._task not in (None, asyncio.current_task()):
            await ended(self._task)

    def close(self) -> list[Delivery]:
        """Drop and return what has not been begun."""
        left = list(self._waiting)
        self._waiting.clear()
        return left

    async def _work(self) -> None:
        try:
            while self._waiting:
                delivery = self._waiting.popleft()
                reason = await self.handle(delivery)
                if delivery.settle is not None:
                    delivery.settle(reason)
        finally:
            self._working = False

    async def handle(self, delivery: Delivery) -> str | None:
        """Call the handler; return nothing, or in one line what it raised."""
        event = delivery.event
        failure: Exception | None = None
        span = self._trace.handling(delivery.subject, event)
        self._handling = True
        try:
            answer = await self._handler(event)
            if delivery.answer is not None and answer is not None:
                delivery.answer(_checked(answer))
        except Exception as error:  # noqa: BLE001  # a handler may raise anything
            failure = error
            self._tasks.report(f"{self._subject} {event.type}", error)
        finally:
            self._handling = False
        if span is not None:
            self._trace.ended(span, failure)
            current_span.set(None)
        return None if failure is None else summary(failure)


def _checked(answer: object) -> Event:
    """Return what a handler returned to the one who asked, if it is an event."""
    if not isinstance(answer, Event):
        what = type(answer).__name__
        raise TypeError(f"a request is answered with an Event or None, not {what}")
    return answer


class MemorySubscription:
    """A handler bound to a subject, on one node."""

    def __init__(
        self,
        bus: MemoryBus,
        subject: str,
        inbox: Inbox,
        queue: str | None,
        durable: Durable | None,
    ) -> None:
        self.subject, self.queue = subject, queue
        self.node, self.context = bus.name, bus.context
        self._bus, self._inbox, self._durable = bus, inbox, durable
        self._open = True

    def __repr__(self) -> str:
        how = f" as {self._durable.name}" if self._durable is not None else ""
        state = "" if self._open else ", stopped"
        return f"<Subscription of {self.node} to {self.subject}{how}{state}>"

    async def stop(self) -> None:
        """Take no more events; what has not been begun goes back, or is gone."""
        self.close()
        for left in self._inbox.close():
            if left.settle is not None:
                left.settle("the subscription was stopped before its turn")

    def close(self) -> None:
        """Leave the broker's tables."""
        self._open = False
        self._bus.subscriptions.pop(self, None)
        self._bus.router.remove(self)
        if self._durable is not None:
            self._durable.leave(self)

    def ready(self) -> bool:
        """Return whether it would take an event now."""
        return self._open and self._inbox.idle

    def deliver(self, envelope: Envelope, settle: Callable[[str | None], None]) -> None:
        """Bring an event of the durable here, and the acknowledgment back."""
        router, durable = self._bus.router, self._durable

        def settled(delivery: Message | None, reason: str | None) -> None:
            def arrive(_: Message | None) -> Fate:
                settle(reason)
                return "delivered"

            if not self._bus.alive or durable is None:
                return
            label = envelope.event.type + (" refused" if reason else "")
            self.send("ack", envelope, arrive, label=label, answers=delivery)
            durable.retry_later()

        router.dispatch("event", self, envelope, settled)

    def receive(
        self,
        envelope: Envelope,
        settle: Settle | None,
        answer: Answer | None,
        message: Message | None,
    ) -> Fate:
        """Put what has arrived into the inbox."""
        if not self._open:
            return "refused"
        delivery = Delivery(envelope.subject, envelope.opened())
        if settle is not None:
            delivery.settle = partial(settle, message)
        if answer is not None:
            delivery.answer = partial(answer, message)
        self._inbox.put(delivery)
        return "delivered"

    def send(
        self, kind: MessageKind, envelope: Envelope, arrive: Arrive, **recorded: Any
    ) -> None:
        """Send something to the broker, unless this life of the node has ended."""
        if self._bus.alive:
            wire, link = self._bus.router.wire, self._bus.out
            wire.send(kind, link, envelope, arrive, **recorded)
