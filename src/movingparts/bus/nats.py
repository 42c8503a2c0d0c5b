"""A bus on a real broker: NATS, with JetStream for what must not be lost."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from movingparts.bus.jetstream import (
    CLOSE_TIMEOUT,
    JetStream,
    connect,
    translated,
    translation,
)
from movingparts.bus.nats_subscriptions import NatsDurable, NatsSubscription
from movingparts.bus.subjects import (
    check_event,
    check_size,
    check_subject,
    check_subscription,
    kept_not_answered,
    no_answer,
    nobody_listens,
)
from movingparts.bus.subscription import Inbox
from movingparts.bus.trace import Trace
from movingparts.core.bus import BusError, BusTimeout, Handler, Subscription
from movingparts.core.event import Event
from movingparts.core.node import Tasks, current_span
from movingparts.core.random import Random
from movingparts.core.recording import Recorder
from movingparts.core.rules import EventError

__all__ = ["NatsBus", "connect"]


class NatsBus:
    """One node's bus over a connection of its own.

    With a `recorder` it records what it sends and gets, in microseconds of `time_us`;
    a message from the broker is recorded when it arrives, for the broker does not say
    when it sent it.

    Source: chapter 05; NATS 2.11 and JetStream. Leaves out: clusters, permissions,
    limits of a stream's age and size.
    """

    def __init__(
        self,
        connection: Client,
        name: str,
        tasks: Tasks,
        *,
        recorder: Recorder | None = None,
        time_us: Callable[[], int] = int,
        ids: Random | None = None,
        broker: str = "bus",
    ) -> None:
        self.connection, self.name, self.tasks = connection, name, tasks
        self.subscriptions: dict[Any, None] = {}
        self.trace = Trace(name, broker, recorder, time_us, ids or random.Random())
        self.context = contextvars.copy_context()
        self.context.run(current_span.set, None)
        self._jetstream = JetStream(connection)
        self.open = True

    def __repr__(self) -> str:
        state = "connected" if self.open and self.connection.is_connected else "cut off"
        return f"<NatsBus {self.name} {state}: {len(self.subscriptions)} subscriptions>"

    async def publish(self, subject: str, event: Event) -> None:
        """Publish an event; where a stream keeps it, wait until the stream has it."""
        check_event("publish", event)
        self._must_be_connected()
        span, event = self.trace.publishing("publish", subject, event)
        with self.trace.during(span):
            await self.send(subject, event, self.encoded(event))

    def encoded(self, event: Event) -> bytes:
        """Return an event as it travels; raise `BusError` if it is too large for it."""
        payload = event.to_json()
        check_size(event, payload, self.connection.max_payload)
        return payload

    async def send(self, subject: str, event: Event, payload: bytes) -> None:
        """Send an event without a span of its own."""
        stream = self._jetstream.known(subject)
        if stream is None:
            check_subject(subject)
            stream = await self._jetstream.stream_of(subject)
        sent = self.trace.sent("event", event, len(payload))
        while stream:
            if await self._jetstream.publish(stream, subject, payload):
                self.trace.reached(sent)
                self.trace.arrived("ack", event, 0, sent)
                return
            stream = await self._jetstream.stream_of(subject)
        try:
            await self.connection.publish(subject, payload)
        except nats.errors.Error as error:
            raise translation(f"publish on {subject}", error) from error
        self.trace.reached(sent)

    async def subscribe(
        self,
        subject: str,
        handler: Handler,
        *,
        queue: str | None = None,
        durable: str | None = None,
        ack_wait: float = 5.0,
        max_deliver: int = 5,
    ) -> Subscription:
        """Call `handler` with each event of a subject."""
        check_subscription(subject, queue, ack_wait, max_deliver)
        self._must_be_connected()
        subscription: NatsSubscription | NatsDurable
        inbox = Inbox(subject, handler, self.tasks, self.context, self.trace)
        with translated(f"subscribe to {subject}"):
            if durable is None:
                subscription = NatsSubscription(self, subject, inbox)
                await subscription.start(queue)
            else:
                limits = (ack_wait, max_deliver)
                source = await self._jetstream.pull(subject, durable, ack_wait)
                subscription = NatsDurable(self, subject, inbox, source, limits)
                subscription.start()
        self.subscriptions[subscription] = None
        return subscription

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait `timeout` seconds for one answer."""
        check_event("request", event)
        check_subject(subject)
        self._must_be_connected()
        stream = await self._jetstream.stream_of(subject)
        if stream:
            raise kept_not_answered(subject, stream)
        span, event = self.trace.publishing("request", subject, event)
        with self.trace.during(span):
            return await self._request(subject, event, timeout)

    async def _request(self, subject: str, event: Event, timeout: float) -> Event:
        payload = self.encoded(event)
        sent = self.trace.sent("request", event, len(payload))
        try:
            with translated(f"request on {subject}"):
                reply = await self.connection.request(subject, payload, timeout)
        except nats.errors.NoRespondersError:
            self.trace.reached(sent, "refused")
            raise nobody_listens(subject) from None
        except BusTimeout:
            raise no_answer(subject, timeout) from None
        self.trace.reached(sent)
        try:
            answer = Event.from_json(reply.data)
        except EventError as error:
            raise EventError(f"the answer on {subject} is no event: {error}") from None
        self.trace.arrived("reply", answer, len(reply.data), sent)
        return answer

    async def answer(self, asked: Msg, reply: Event, payload: bytes) -> None:
        """Send the answer to a request."""
        sent = self.trace.sent("reply", reply, len(payload))
        with translated(f"answer on {asked.subject}"):
            await self.connection.publish(asked.reply, payload)
        self.trace.reached(sent)

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects; repeatable."""
        self._must_be_connected()
        await self._jetstream.declare(name, subjects)

    def disconnect(self) -> None:
        """Be gone for the node's code: every verb is refused from now on."""
        self.open = False

    async def close(self) -> None:
        """Take no more, let what has begun finish, flush, and close the connection."""
        self.open = False
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                for subscription in list(self.subscriptions):
                    await subscription.stop()
                    await subscription.ended()
                if self.connection.is_connected:
                    await self.connection.drain()
        except TimeoutError:
            late = f"a handler took more than {CLOSE_TIMEOUT:g} s more, and was cut off"
            self.tasks.report("closing the bus", TimeoutError(late))
        except nats.errors.Error as error:
            self.tasks.report("closing the bus", error)
        finally:
            if not self.connection.is_closed:
                await self.connection.close()

    def _must_be_connected(self) -> None:
        if self.open and self.connection.is_connected:
            return
        if not self.open or self.connection.is_closed:
            raise BusError(f"the bus of {self.name} is closed: nothing was sent")
        raise BusError(
            "the broker has gone; nothing was sent. The bus reconnects by itself:"
            " try again when the broker is back, or start the world anew"
        )
