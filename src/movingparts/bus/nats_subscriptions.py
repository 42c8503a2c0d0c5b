"""Subscriptions at a NATS broker: at most once, and durable."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import nats.errors
from nats.aio.msg import Msg

from movingparts.bus.jetstream import ACK_TIMEOUT, EXPECTED_STREAM, processed
from movingparts.bus.streams import Position, backoff, dead_letter
from movingparts.bus.subjects import is_internal
from movingparts.bus.subscription import Delivery, Inbox
from movingparts.core.bus import BusError
from movingparts.core.event import Event
from movingparts.core.node import ended
from movingparts.core.recording import Message, MessageKind
from movingparts.core.rules import EventError

if TYPE_CHECKING:
    from movingparts.bus.nats import NatsBus

ACKNOWLEDGE = "$JS.ACK."  # where JetStream takes acknowledgments of its deliveries
AWAY = 0.05  # seconds between checks whether the broker is back
PULL_FOR = 1.0  # seconds that one request for the next event stands at the broker


class NatsSubscription:
    """A handler bound to a subject, at most once."""

    def __init__(self, bus: NatsBus, subject: str, inbox: Inbox) -> None:
        self.subject = subject
        self._bus, self._inbox = bus, inbox
        self._sub: Any = None

    def __repr__(self) -> str:
        return f"<Subscription of {self._bus.name} to {self.subject}>"

    async def start(self, queue: str | None) -> None:
        """Ask the broker for the subject's events, and wait until it sends them."""
        connection = self._bus.connection
        self._sub = await connection.subscribe(
            self.subject, queue=queue or "", cb=self._take
        )
        await processed(connection)

    async def stop(self) -> None:
        """Take no more events; what has not been begun is gone."""
        self._bus.subscriptions.pop(self, None)
        self._inbox.close()
        sub, self._sub = self._sub, None
        if sub is not None and not self._bus.connection.is_closed:
            await sub.unsubscribe()

    async def ended(self) -> None:
        """Wait for the event that is being handled."""
        await self._inbox.empty()

    async def _take(self, message: Msg) -> None:
        if self._sub is None or not self._bus.open or _is_internal(message):
            return
        try:
            event = Event.from_json(message.data)
        except EventError as error:
            self._bus.tasks.report(f"refused on {message.subject}", error)
            return
        request = message.reply and EXPECTED_STREAM not in (message.headers or {})
        kind: MessageKind = "request" if request else "event"
        self._bus.trace.arrived(kind, event, len(message.data))
        if request:

            def answer(reply: Event) -> None:
                payload = self._bus.encoded(reply)
                self._bus.tasks.create_task(self._bus.answer(message, reply, payload))

            self._inbox.put(Delivery(message.subject, event, None, answer))
        else:
            self._inbox.put(Delivery(message.subject, event))


def _is_internal(message: Msg) -> bool:
    """Return whether a wildcard matched what the bus sends itself.

    The broker matches wildcards with inboxes too, and so with the deliveries that a
    durable subscription pulls into one. Such a delivery shows the event's own subject,
    and is known by where it is acknowledged.
    """
    return is_internal(message.subject) or message.reply.startswith(ACKNOWLEDGE)


class NatsDurable:
    """A durable subscription: it pulls one event at a time and acknowledges it."""

    def __init__(
        self,
        bus: NatsBus,
        subject: str,
        inbox: Inbox,
        source: Any,
        limits: tuple[float, int],
    ) -> None:
        self.subject = subject
        self._bus, self._inbox, self._source = bus, inbox, source
        self._ack_wait, self._max_deliver = limits
        self._durable = str(source._consumer)  # noqa: SLF001  # nats-py keeps it so
        self._open, self._handling = True, False
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return (
            f"<Subscription of {self._bus.name} to {self.subject} as {self._durable}>"
        )

    def start(self) -> None:
        """Begin to pull, in a task of the node's."""
        self._task = self._bus.tasks.create_task(
            self._pull(), name=self.subject, context=self._bus.context.copy()
        )

    async def stop(self) -> None:
        """Take no more events, keep the place; what has begun goes on."""
        self._open = False
        self._bus.subscriptions.pop(self, None)
        if self._task is not None and not self._handling:
            self._task.cancel()
            await self.ended()

    async def ended(self) -> None:
        """Wait for the event that is being handled."""
        if self._task is not None and self._task is not asyncio.current_task():
            await ended(self._task)

    async def _pull(self) -> None:
        try:
            while self._open:
                message = await self._next()
                if message is not None:
                    self._handling = True
                    await self._take(message)
                    self._handling = False
        finally:
            self._handling = False
            await self._give_back()

    async def _give_back(self) -> None:
        """Withdraw what was asked for, and refuse what has come in answer."""
        connection, left = self._bus.connection, self._source._sub._pending_queue  # noqa: SLF001  # nats-py has no other way to it
        try:
            await self._source.unsubscribe()
            await processed(connection)
            while not left.empty():
                message = left.get_nowait()
                if message.reply:
                    await message.nak()
        except (nats.errors.Error, TimeoutError, OSError):
            return  # without a connection, the broker gives up waiting on its own

    async def _next(self) -> Msg | None:
        message: Msg
        if not self._bus.connection.is_connected:  # requests would pile up until it is
            await asyncio.sleep(AWAY)
            return None
        try:
            [message] = await self._source.fetch(1, PULL_FOR)
        except (nats.errors.TimeoutError, TimeoutError):
            return None
        except nats.errors.Error as error:
            if self._bus.connection.is_connected:
                self._bus.tasks.report(f"{self.subject} as {self._durable}", error)
            await asyncio.sleep(PULL_FOR)
            return None
        return message

    async def _take(self, message: Msg) -> None:
        number = message.metadata.num_delivered or 1
        try:
            event = Event.from_json(message.data)
        except EventError as error:
            self._bus.tasks.report(f"refused on {message.subject}", error)
            await self._dead_letter(message, _raw(message.data), (str(error), number))
            return
        if number > self._max_deliver:
            why = ("no delivery was acknowledged in time", number - 1)
            await self._dead_letter(message, event.to_body(), why)
            return
        delivery = self._bus.trace.arrived("event", event, len(message.data))
        loop = asyncio.get_running_loop()
        late = loop.time() + self._ack_wait
        reason = await self._inbox.handle(Delivery(message.subject, event))
        if reason is None and (delivery is not None or loop.time() > late):
            await self._acknowledge(message, event, delivery)
        elif reason is None:
            await message.ack()
        elif number < self._max_deliver:
            await message.nak(backoff(number, self._ack_wait))
            self._refused(event, delivery)
        else:
            self._refused(event, delivery)
            await self._dead_letter(message, event.to_body(), (reason, number))

    def _refused(self, event: Event, delivery: Message | None) -> None:
        trace, label = self._bus.trace, f"{event.type} refused"
        trace.reached(trace.sent("ack", event, 0, delivery, label))

    async def _acknowledge(
        self, message: Msg, event: Event, delivery: Message | None
    ) -> None:
        """Acknowledge and wait for the broker's confirmation.

        A late acknowledgment needs it, or the next pull would overtake it and get the
        same event; a recording needs it to know the acknowledgment's fate.
        """
        ack = self._bus.trace.sent("ack", event, 0, delivery)
        try:
            await message.ack_sync(ACK_TIMEOUT)
        except (nats.errors.Error, TimeoutError):
            return  # the event comes again; the recording shows the ack on its way
        self._bus.trace.reached(ack)

    async def _dead_letter(
        self, message: Msg, event: object, why: tuple[str, int]
    ) -> None:
        """Publish a dead letter; only when that is stored, let go of the event."""
        if message.subject.startswith("dead."):
            await message.term()  # it stays in its stream: no letter about a letter
            return
        stream, sequence = message.metadata.stream, message.metadata.sequence.stream
        subject = message.subject
        if not subject.isprintable():  # as others may publish, and no event may say
            subject = ascii(subject)[1:-1]
        position = Position(stream, sequence, subject)
        most = self._bus.connection.max_payload
        letter = dead_letter(self._durable, position, event, why, most)
        try:
            await self._bus.send(f"dead.{self._durable}", letter, letter.to_json())
        except BusError as error:
            self._bus.tasks.report(f"dead letter of {self.subject}", error)
            await message.nak(self._ack_wait)
        else:
            self._bus.trace.dead_letter(letter)
            await message.term()


def _raw(data: bytes) -> object:
    try:
        return {"raw": data.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(data).decode()}
