"""A bus in memory: NATS' semantics, over a simulated network or one without delay."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from movingparts.bus.router import Direct, Router, Subscriber, Wire
from movingparts.bus.streams import Envelope
from movingparts.bus.subjects import (
    check_event,
    check_subscription,
    kept_not_answered,
    no_answer,
    nobody_listens,
    stored_or_not,
)
from movingparts.bus.subscription import Inbox, MemorySubscription
from movingparts.bus.trace import Trace
from movingparts.core.bus import BusError, BusTimeout, Handler
from movingparts.core.event import Event
from movingparts.core.network import Network
from movingparts.core.node import Tasks, current_span
from movingparts.core.random import Random, stream
from movingparts.core.recording import Fate, Message

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
    >>> with asyncio.Runner() as runner:
    ...     runner.run(scenario())
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
        self.out, self._back = (name, router.name), (router.name, name)
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
        span, event = self._trace.publishing("publish", subject, event)
        with self._trace.during(span):
            envelope = self.router.wire.pack(subject, event)
            if route.stream is None:
                arrive = partial(self.router.accept, envelope, None)
                self.router.wire.send("event", self.out, envelope, arrive)
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
        span, event = self._trace.publishing("request", subject, event)
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

    def _fence(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError(f"this life of {self.name} has ended")

    async def _store(self, envelope: Envelope, stream: str) -> None:
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wire = self.router.wire

        def acknowledge(message: Message | None) -> None:
            wire.send("ack", self._back, envelope, acknowledged, answers=message)

        def acknowledged(_: Message | None) -> Fate:
            return self._resolve(stored, None)

        arrive = partial(self.router.accept, envelope, acknowledge)
        wire.send("event", self.out, envelope, arrive)
        late = partial(stored_or_not, stream, envelope.subject)
        await self._wait(stored, ACK_TIMEOUT, late)

    async def _request(self, envelope: Envelope, timeout: float) -> Event:
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        router, subject = self.router, envelope.subject

        def arrive(message: Message | None) -> Fate:
            recipients = router.recipients(router.route(subject))
            for responder in recipients:
                respond = partial(answered, responder)
                router.dispatch("request", responder, envelope, None, respond)
            if recipients:
                return "delivered"
            details: dict[str, Any] = {"answers": message, "status": 503}
            router.wire.send("reply", self._back, envelope, refused, **details)
            return "refused"

        def refused(_: Message | None) -> Fate:
            return self._resolve(answer, nobody_listens(subject))

        def answered(
            responder: Subscriber, request: Message | None, event: Event
        ) -> None:
            reply = router.wire.pack(subject, event)
            responder.send("reply", reply, partial(forward, reply), answers=request)

        def forward(reply: Envelope, message: Message | None) -> Fate:
            arrive = partial(received, reply)
            router.wire.send("reply", self._back, reply, arrive, answers=message)
            return "delivered"

        def received(reply: Envelope, _: Message | None) -> Fate:
            return self._resolve(answer, reply.opened())

        router.wire.send("request", self.out, envelope, arrive)
        return await self._wait(answer, timeout, partial(no_answer, subject))

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
        self,
        waiting: asyncio.Future[T],
        seconds: float,
        late: Callable[[float], BusTimeout],
    ) -> T:
        if waiting.done():
            return waiting.result()
        self._waiting[waiting] = None
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            raise late(seconds) from None
        finally:
            self._waiting.pop(waiting)
