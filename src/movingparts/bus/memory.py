"""A bus in memory: NATS' semantics, over a simulated network or over none."""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial
from typing import Any, TypeVar

from movingparts.bus.broker import Arrive, MemoryBroker
from movingparts.bus.inbox import Inbox
from movingparts.bus.refusals import (
    check_size,
    check_subscription,
    kept_not_answered,
    no_answer,
    nobody_listens,
    stored_or_not,
)
from movingparts.bus.streams import Kept
from movingparts.bus.subscription import MemorySubscription
from movingparts.bus.trace import Trace
from movingparts.core.bus import BusError, BusTimeout, Handler
from movingparts.core.event import Event
from movingparts.core.node import Tasks
from movingparts.core.recording import Fate, Message, MessageKind
from movingparts.core.rules import EventError

__all__ = ["MemoryBroker", "MemoryBus"]

ACK_TIMEOUT = 5.0  # seconds that a publisher waits for the stream's word
T = TypeVar("T")


class MemoryBus:
    """One node's way to the broker, for one of its lives.

    >>> async def scenario():
    ...     bus = MemoryBroker().connect("rides", Tasks(print))
    ...     async def seen(event):
    ...         print(event.type, event.subject)
    ...     await bus.subscribe("rides.>", seen)
    ...     await bus.publish("rides.ended", Event("1", "/rides", "RideEnded", 7, "b7"))
    ...     await asyncio.sleep(0)
    >>> asyncio.run(scenario())
    RideEnded b7

    Source: chapter 05. Leaves out: the wire protocol, flow control, permissions.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        name: str,
        tasks: Tasks,
        context: contextvars.Context,
        trace: Trace | None,
    ) -> None:
        self.broker, self.name, self.context = broker, name, context
        self.alive = True
        self.subscriptions: dict[MemorySubscription, None] = {}
        self._tasks, self._trace = tasks, trace
        self._waiting: dict[asyncio.Future[Any], None] = {}

    def __repr__(self) -> str:
        state = "connected" if self.alive else "gone"
        return (
            f"<MemoryBus {self.name} {state}: {len(self.subscriptions)} subscriptions>"
        )

    async def publish(self, subject: str, event: Event) -> None:
        """Publish an event; where a stream keeps it, wait until the stream has it."""
        self._fence()
        if not isinstance(event, Event):
            raise EventError(f"publish takes an Event, not {type(event).__name__}")
        route = self.broker.router.route(subject)
        if self._trace is None:
            if route.stream is None and not route.queues:
                for subscription in route.everyone:
                    subscription.offer(event)
            else:
                self.broker.accept(Kept(subject, event, b""))
            return
        span, event = self._trace.publishing(f"publish {subject}", event)
        with self._trace.during(span):
            kept = _as_bytes(subject, event)
            if route.stream is None:
                self._send("event", kept, lambda _: self.broker.accept(kept))
            else:
                await self._stored(kept, route.streamed())

    async def subscribe(
        self,
        subject: str,
        handler: Handler,
        *,
        queue: str | None = None,
        durable: str | None = None,
        ack_wait: float = 5.0,
        max_deliver: int = 5,
    ) -> MemorySubscription:
        """Call `handler` with each event of a subject."""
        self._fence()
        check_subscription(subject, queue, ack_wait, max_deliver)
        place = None
        if durable is not None:
            router = self.broker.router
            place = router.place(durable, subject, self.broker.bury)
            place.ack_wait, place.max_deliver = ack_wait, max_deliver
        inbox = Inbox(subject, handler, self._tasks, self.context, self._trace)
        subscription = MemorySubscription(self, subject, inbox, queue, place)
        self.subscriptions[subscription] = None
        if place is None:
            self.broker.router.add(subscription)
        else:
            place.join(subscription)
        return subscription

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait `timeout` seconds for one answer."""
        self._fence()
        if not isinstance(event, Event):
            raise EventError(f"request takes an Event, not {type(event).__name__}")
        route = self.broker.router.route(subject)
        if route.stream is not None:
            raise kept_not_answered(subject, route.streamed())
        if self._trace is None:
            return await self._asked(Kept(subject, event, b""), timeout)
        span, event = self._trace.publishing(f"request {subject}", event)
        with self._trace.during(span):
            return await self._asked(_as_bytes(subject, event), timeout)

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects; repeatable."""
        self._fence()
        self.broker.router.declare(name, subjects)

    def disconnect(self) -> None:
        """Be gone, as in a crash: what waits ends, durable places stay."""
        self.alive = False
        for subscription in list(self.subscriptions):
            subscription.close()
        for waiting in list(self._waiting):
            waiting.cancel()

    def _fence(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError(f"this life of {self.name} has ended")

    def _send(self, kind: MessageKind, kept: Kept, arrive: Arrive) -> None:
        self.broker.carry(kind, (self.name, self.broker.name), kept, arrive)

    async def _stored(self, kept: Kept, stream: str) -> None:
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        link = (self.broker.name, self.name)

        def arrive(message: Message | None) -> Fate:
            return self.broker.accept(
                kept,
                lambda: self.broker.carry(
                    "ack", link, kept, acknowledged, answers=message
                ),
            )

        def acknowledged(_: Message | None) -> Fate:
            return self._arrived(stored, None)

        self._send("event", kept, arrive)
        late = stored_or_not(stream, kept.subject, ACK_TIMEOUT)
        await self._wait(stored, ACK_TIMEOUT, late)

    async def _asked(self, kept: Kept, timeout: float) -> Event:
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        broker, link = self.broker, (self.broker.name, self.name)

        def refused(_: Message | None) -> Fate:
            return self._arrived(answer, nobody_listens(kept.subject))

        def asked(message: Message | None) -> Fate:
            targets = broker.router.targets(broker.router.route(kept.subject))
            for target in targets:
                broker.hand("request", target, kept, answer=partial(answered, target))
            if targets:
                return "delivered"
            broker.carry("reply", link, kept, refused, answers=message, status=503)
            return "refused"

        def answered(
            target: MemorySubscription, asked: Message | None, event: Event
        ) -> None:
            if not target.bus.alive:
                return
            reply = Kept(kept.subject, event, b"")
            if self._trace is not None:
                reply = _as_bytes(kept.subject, event)

            def arrive(message: Message | None) -> Fate:
                broker.carry("reply", link, reply, here, answers=message)
                return "delivered"

            def here(_: Message | None) -> Fate:
                arrived = Event.from_json(reply.payload) if reply.payload else event
                return self._arrived(answer, arrived)

            back = (target.bus.name, broker.name)
            broker.carry("reply", back, reply, arrive, answers=asked)

        self._send("request", kept, asked)
        return await self._wait(answer, timeout, no_answer(kept.subject, timeout))

    def _arrived(self, waiting: asyncio.Future[T], result: T | BusError) -> Fate:
        if not self.alive:
            return "refused"
        if waiting.done():
            return "late"
        if isinstance(result, BusError):
            waiting.set_exception(result)
        else:
            waiting.set_result(result)
        return "delivered"

    async def _wait(
        self, waiting: asyncio.Future[T], seconds: float, late: BusTimeout
    ) -> T:
        self._waiting[waiting] = None
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            raise late from None
        finally:
            self._waiting.pop(waiting)


def _as_bytes(subject: str, event: Event) -> Kept:
    """Return an event as it travels; raise `BusError` if it is too large for it."""
    payload = event.to_json()
    check_size(event, payload)
    return Kept(subject, event, payload)
