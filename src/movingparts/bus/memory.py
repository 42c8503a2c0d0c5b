"""A bus in memory: NATS' semantics, over a simulated network or one without delay."""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial
from typing import Any, TypeVar

from movingparts.bus.inbox import Answer, Delivery, Inbox, Settle
from movingparts.bus.router import Arrive, Direct, Router, Subscriber, Wire
from movingparts.bus.streams import Durable, Envelope
from movingparts.bus.subjects import (
    check_event,
    check_subscription,
    kept_not_answered,
    no_answer,
    nobody_listens,
    stored_or_not,
)
from movingparts.bus.trace import Trace
from movingparts.core.bus import BusError, BusTimeout, Handler
from movingparts.core.event import Event
from movingparts.core.network import Network
from movingparts.core.node import Tasks, current_span
from movingparts.core.random import Random, stream
from movingparts.core.recording import Fate, Message, MessageKind

__all__ = ["MemoryBroker", "MemoryBus"]

ACK_TIMEOUT = 5.0  # seconds that a publisher waits for the stream's acknowledgment
T = TypeVar("T")


class MemoryBroker:
    """The broker that the buses of one world connect to.

    With a network, each event, acknowledgment and answer is a message on a link
    between a node and the broker, and shares the link's latency and faults. Without
    one, subscribers get the very object that was published, at once.

    >>> MemoryBroker()
    <MemoryBroker bus: 0 subscriptions, 0 streams>

    Source: chapter 05; NATS and JetStream. Leaves out: all that a broker does to
    outlive its own crash; the messages that subscribing and declaring take.
    """

    def __init__(self, network: Network | None = None, *, name: str = "bus") -> None:
        self.network, self.name = network, name
        self.router = Router(name, Direct() if network is None else Wire(network))
        self._lives: dict[str, int] = {}

    def __repr__(self) -> str:
        router = self.router
        return (
            f"<MemoryBroker {self.name}: {len(router.subscribers)} subscriptions,"
            f" {len(router.streams)} streams>"
        )

    def connect(
        self,
        node: str,
        tasks: Tasks,
        *,
        context: contextvars.Context | None = None,
        ids: Random | None = None,
    ) -> MemoryBus:
        """Return the bus of one life of a node; handlers run in its `tasks`.

        Handlers see the context variables of `context`; the ids of spans come from
        `ids`.
        """
        life = self._lives[node] = self._lives.get(node, 0) + 1
        if context is None:
            context = contextvars.copy_context()
            context.run(current_span.set, None)
        ids = ids or stream(0, "bus", node, life)
        if self.network is None:
            trace = Trace(node, self.name, None, int, ids)
        else:
            recorder, clock = self.network.recorder, self.network.clock
            trace = Trace(node, self.name, recorder, clock.time_us, ids)
        return MemoryBus(self.router, node, tasks, context, trace)


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
        router: Router,
        name: str,
        tasks: Tasks,
        context: contextvars.Context,
        trace: Trace,
    ) -> None:
        self.router, self.name, self.context = router, name, context
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
        check_event("publish", event)
        route = self.router.route(subject)
        span, event = self._trace.publishing(f"publish {subject}", event)
        with self._trace.during(span):
            envelope = self.router.wire.pack(subject, event)
            if route.stream is None:
                self.send("event", envelope, lambda _: self.router.accept(envelope))
            else:
                await self._store(envelope, route.stream.name)

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
        consumer = None
        if durable is not None:
            consumer = self.router.durable(durable, subject)
            consumer.ack_wait, consumer.max_deliver = ack_wait, max_deliver
        inbox = Inbox(subject, handler, self._tasks, self.context, self._trace)
        subscription = MemorySubscription(self, subject, inbox, queue, consumer)
        self.subscriptions[subscription] = None
        if consumer is None:
            self.router.add(subscription)
        else:
            consumer.join(subscription)
        return subscription

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait `timeout` seconds for one answer."""
        self._fence()
        check_event("request", event)
        route = self.router.route(subject)
        if route.stream is not None:
            raise kept_not_answered(subject, route.stream.name)
        span, event = self._trace.publishing(f"request {subject}", event)
        with self._trace.during(span):
            envelope = self.router.wire.pack(subject, event)
            return await self._request(envelope, timeout)

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects; repeatable."""
        self._fence()
        self.router.declare(name, subjects)

    def disconnect(self) -> None:
        """Be gone, as in a crash: what waits ends, durable consumers stay."""
        self.alive = False
        for subscription in list(self.subscriptions):
            subscription.close()
        for waiting in list(self._waiting):
            waiting.cancel()

    def send(
        self, kind: MessageKind, envelope: Envelope, arrive: Arrive, **recorded: Any
    ) -> None:
        """Send something from this node to the broker."""
        link = (self.name, self.router.name)
        self.router.wire.send(kind, link, envelope, arrive, **recorded)

    def _fence(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError(f"this life of {self.name} has ended")

    async def _store(self, envelope: Envelope, stream: str) -> None:
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def arrive(message: Message | None) -> Fate:
            acknowledge = partial(
                self._receive, "ack", envelope, acknowledged, answers=message
            )
            return self.router.accept(envelope, acknowledge)

        def acknowledged(_: Message | None) -> Fate:
            return self._resolve(stored, None)

        self.send("event", envelope, arrive)
        late = stored_or_not(stream, envelope.subject, ACK_TIMEOUT)
        await self._wait(stored, ACK_TIMEOUT, late)

    async def _request(self, envelope: Envelope, timeout: float) -> Event:
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        router, subject = self.router, envelope.subject

        def arrive(message: Message | None) -> Fate:
            recipients = router.recipients(router.route(subject))
            for responder in recipients:
                respond = partial(answered, responder)
                router.dispatch("request", responder, envelope, answer=respond)
            if recipients:
                return "delivered"
            self._receive("reply", envelope, refused, answers=message, status=503)
            return "refused"

        def refused(_: Message | None) -> Fate:
            return self._resolve(answer, nobody_listens(subject))

        def answered(
            responder: Subscriber, request: Message | None, event: Event
        ) -> None:
            reply = router.wire.pack(subject, event)
            responder.send("reply", reply, partial(forward, reply), answers=request)

        def forward(reply: Envelope, message: Message | None) -> Fate:
            self._receive("reply", reply, partial(received, reply), answers=message)
            return "delivered"

        def received(reply: Envelope, _: Message | None) -> Fate:
            return self._resolve(answer, reply.opened())

        self.send("request", envelope, arrive)
        return await self._wait(answer, timeout, no_answer(subject, timeout))

    def _receive(
        self, kind: MessageKind, envelope: Envelope, arrive: Arrive, **recorded: Any
    ) -> None:
        """Send something from the broker to this node."""
        link = (self.router.name, self.name)
        self.router.wire.send(kind, link, envelope, arrive, **recorded)

    def _resolve(self, waiting: asyncio.Future[T], result: T | BusError) -> Fate:
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

    def deliver(self, envelope: Envelope, settle: Settle) -> None:
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

        router.dispatch("event", self, envelope, settle=settled)

    def receive(
        self, envelope: Envelope, settle: Settle | None, answer: Answer | None
    ) -> Fate:
        """Put what has arrived into the inbox."""
        if not self._open:
            return "refused"
        event = envelope.opened()
        self._inbox.put(Delivery(envelope.subject, event, settle, answer))
        return "delivered"

    def send(
        self, kind: MessageKind, envelope: Envelope, arrive: Arrive, **recorded: Any
    ) -> None:
        """Send something to the broker, unless this life of the node has ended."""
        if self._bus.alive:
            self._bus.send(kind, envelope, arrive, **recorded)
