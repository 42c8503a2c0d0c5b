"""Where an event goes: the broker's streams, subscriptions and queues."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from movingparts.bus.streams import Durable, Envelope, Stream
from movingparts.bus.subjects import (
    check_declaration,
    check_name,
    check_size,
    check_subject,
    covers,
    declared_otherwise,
    follows_otherwise,
    matches,
    no_stream,
    refuse_overlap,
)
from movingparts.bus.trace import record
from movingparts.core.event import Event
from movingparts.core.network import Network
from movingparts.core.recording import Fate, Message, MessageKind

# What is called when something has arrived: with the message that carried it, if any.
Arrive = Callable[[Message | None], Fate]
Settle = Callable[[Message | None, str | None], None]
Answer = Callable[[Message | None, Event], None]


class Direct:
    """A network without delay: what is sent is there at once, the very object."""

    def pack(self, subject: str, event: Event) -> Envelope:
        """Return an event as it travels."""
        return Envelope(subject, event)

    def send(
        self,
        kind: MessageKind,
        link: tuple[str, str],
        envelope: Envelope,
        arrive: Arrive,
        context: contextvars.Context | None = None,
        **recorded: Any,
    ) -> None:
        """Deliver at once."""
        arrive(None)

    def pack_dead_letter(self, subject: str, letter: Event, broker: str) -> Envelope:
        """Return a dead letter as it travels."""
        return Envelope(subject, letter)


class Wire:
    """A simulated network: what is sent is bytes, takes time, and is recorded."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._context = contextvars.Context()  # what the broker does is no node's work

    def pack(self, subject: str, event: Event) -> Envelope:
        """Return an event as it travels; raise `BusError` if it is too large."""
        payload = event.to_json()
        check_size(event, payload)
        return Envelope(subject, event, payload)

    def send(
        self,
        kind: MessageKind,
        link: tuple[str, str],
        envelope: Envelope,
        arrive: Arrive,
        context: contextvars.Context | None = None,
        **recorded: Any,
    ) -> None:
        """Send between a node and the broker; what arrives runs in `context`."""
        message = record(
            self._network.recorder,
            kind,
            link,
            envelope.event,
            sent_us=self._network.clock.time_us(),
            size=0 if kind == "ack" else len(envelope.payload),
            **recorded,
        )
        context = context or self._context
        self._network.send(message, arrive, ordered=True, context=context)

    def pack_dead_letter(self, subject: str, letter: Event, broker: str) -> Envelope:
        """Return a dead letter as it travels, and record it."""
        event = letter.data["event"]
        text = f"{event.get('type', 'an event')}: {letter.data['reason']}"
        now = self._network.clock.time_us()
        self._network.recorder.moment(now, "dead letter", (broker,), text)
        return Envelope(subject, letter, letter.to_json())


class Subscriber(Protocol):
    """A subscription, as far as the router knows it."""

    subject: str
    queue: str | None
    node: str
    context: contextvars.Context

    def receive(
        self,
        envelope: Envelope,
        settle: Settle | None,
        answer: Answer | None,
        message: Message | None,
    ) -> Fate:
        """Take what has arrived at its node."""
        ...

    def send(
        self, kind: MessageKind, envelope: Envelope, arrive: Arrive, **recorded: Any
    ) -> None:
        """Send something back to the broker."""
        ...


@dataclass(slots=True)
class Route:
    """Who gets the events of one subject."""

    stream: Stream | None = None
    everyone: list[Subscriber] = field(default_factory=list)
    queues: dict[str, list[Subscriber]] = field(default_factory=dict)


class Router:
    """What the broker knows, and how it passes events on.

    >>> router = Router("bus", Direct())
    >>> router.declare("rides", ("rides.>",))
    >>> router.route("rides.ended").stream.name, router.route("docks.full").stream
    ('rides', None)

    Source: chapter 05. Leaves out: the tree that NATS finds subscriptions in; here a
    subject's route is looked up once and remembered until a table changes.
    """

    def __init__(self, name: str, wire: Direct | Wire) -> None:
        self.name, self.wire = name, wire
        self.streams: dict[str, Stream] = {}
        self.subscribers: list[Subscriber] = []
        self._routes: dict[str, Route] = {}
        self._turns: dict[str, int] = {}

    def declare(self, name: str, subjects: tuple[str, ...]) -> None:
        """Begin to keep the events of these subjects; raise `BusError` if it cannot."""
        check_declaration(name, subjects)
        present = self.streams.get(name)
        if present is None:
            for other in self.streams.values():
                refuse_overlap(subjects, other.name, other.subjects)
            self.streams[name] = Stream(name, subjects)
            self._routes.clear()
        elif present.subjects != subjects:
            raise declared_otherwise(name, present.subjects)

    def durable(self, name: str, pattern: str) -> Durable:
        """Return the durable of that name; a new one begins at its stream's start."""
        check_name("durable", name)
        for stream in self.streams.values():
            if any(covers(subject, pattern) for subject in stream.subjects):
                break
        else:
            raise no_stream(name, pattern)
        if self.route(f"dead.{name}").stream is None:
            self.declare("dead", ("dead.>",))
        durable = stream.durables.get(name)
        if durable is None:
            durable = Durable(name, stream, pattern, self.dead_letter)
            stream.durables[name] = durable
        if durable.pattern != pattern:
            raise follows_otherwise(name, durable.pattern, pattern)
        return durable

    def add(self, subscriber: Subscriber) -> None:
        """Take a subscription that is not durable."""
        self.subscribers.append(subscriber)
        self._routes.clear()

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscription; nothing happens if it is not known."""
        if subscriber in self.subscribers:
            self.subscribers.remove(subscriber)
            self._routes.clear()

    def route(self, subject: str) -> Route:
        """Return who gets a subject's events; raise `SubjectError` for a bad one."""
        route = self._routes.get(subject)
        if route is not None:
            return route
        check_subject(subject)
        route = Route()
        for stream in self.streams.values():
            if any(matches(pattern, subject) for pattern in stream.subjects):
                route.stream = stream
        for subscriber in self.subscribers:
            if not matches(subscriber.subject, subject):
                continue
            if subscriber.queue is None:
                route.everyone.append(subscriber)
            else:
                route.queues.setdefault(subscriber.queue, []).append(subscriber)
        self._routes[subject] = route
        return route

    def recipients(self, route: Route) -> list[Subscriber]:
        """Return everyone, and of each queue the member whose turn it is."""
        recipients = list(route.everyone)
        for queue, members in route.queues.items():
            turn = self._turns[queue] = self._turns.get(queue, -1) + 1
            recipients.append(members[turn % len(members)])
        return recipients

    def accept(
        self,
        envelope: Envelope,
        acknowledge: Callable[[Message | None], None] | None,
        message: Message | None,
    ) -> Fate:
        """Take an event that has arrived: keep it, acknowledge it, and pass it on."""
        route = self.route(envelope.subject)
        recipients = self.recipients(route) if route.queues else route.everyone
        stream = route.stream
        if stream is not None:
            stream.log.append(envelope)
            if acknowledge is not None:
                acknowledge(message)
        for subscriber in recipients:
            self.dispatch("event", subscriber, envelope)
        if stream is not None:
            stream.pump()
        return "delivered" if recipients or stream is not None else "refused"

    def dispatch(
        self,
        kind: MessageKind,
        subscriber: Subscriber,
        envelope: Envelope,
        settle: Settle | None = None,
        answer: Answer | None = None,
    ) -> None:
        """Send an event to a subscriber, which calls `settle` or `answer` once done."""
        arrive = partial(subscriber.receive, envelope, settle, answer)
        link, context = (self.name, subscriber.node), subscriber.context
        self.wire.send(kind, link, envelope, arrive, context)

    def dead_letter(self, subject: str, letter: Event) -> None:
        """Publish a dead letter."""
        self.accept(self.wire.pack_dead_letter(subject, letter, self.name), None, None)
