"""The bus: the few verbs with which services exchange events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from movingparts.core.event import Event

# What a handler returns answers a request; for a plain event it is ignored.
Handler = Callable[[Event], Awaitable[Event | None]]


class BusError(RuntimeError):
    """The bus could not do what was asked; its kind says what may have been sent."""


class NoResponders(BusError):
    """Nobody listens to this subject: definite, the request was not handled."""


class BusTimeout(BusError):
    """No answer in time: indefinite, the event or request may have arrived."""


class Subscription(Protocol):
    """A handler that is bound to a subject until it is stopped."""

    @property
    def subject(self) -> str:
        """The subject, with its wildcards."""
        ...

    async def stop(self) -> None:
        """Take no more events; a durable subscription keeps its place."""
        ...


class Bus(Protocol):
    """Events by subject; memory and NATS behave alike.

    Subjects are words with dots between; when subscribing, `*` stands for one word
    and `>` for one or more at the end. Subjects that begin with `dead.` carry dead
    letters. Those that begin with `$` or `_` are the bus' own: no service publishes
    there, and no wildcard matches there. What breaks the rules of events or subjects
    is refused before anything is sent: `EventError`, `SubjectError`. So is, with a
    `BusError`, an event of more than 1,024,000 bytes as JSON: NATS takes messages of
    1 MiB, of which headers and the envelope of a dead letter need some.

    Source: chapter 05; NATS and JetStream. Leaves out: removal of duplicates (an event
    that is published twice is there twice), limits of a stream, permissions.
    """

    async def publish(self, subject: str, event: Event) -> None:
        """Publish an event.

        Where a stream captures the subject, return after the stream has it, or raise
        `BusTimeout` if that could not be learned: publish the same event again, and
        let its id tell consumers. (A broker may have it in memory only: by default,
        JetStream syncs to disk every two minutes.) Elsewhere delivery is at most once,
        and that nobody listens is no error. Events of one publisher arrive in the order
        of publishing.
        """
        ...

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
        """Call `handler` with each event of a subject.

        A handler takes one event at a time. Members of the same `queue` share the
        events. What the handler raises goes into the node's log, in one line.

        A `durable` subscription reads the stream that captures the subject, from the
        stream's first event; it keeps its place by name, and subscribers of the same
        name share it (the latest says `ack_wait` and `max_deliver`). It delivers at
        least once: a handler's return acknowledges, its exception refuses. What is
        refused comes again after a short while, which doubles each time; what is not
        acknowledged within `ack_wait` seconds is delivered again as well. Order holds
        but for what is delivered again, which others may have passed.

        After `max_deliver` deliveries the event is published on `dead.<durable>`,
        wrapped in an event that has the reason and the number of deliveries; a stream
        named `dead` keeps these unless another does. An event that does not fit in a
        dead letter stays in its stream: the letter has the `stream` and the `sequence`
        number instead. A dead letter that cannot be handled either stays in its stream.

        Raises `BusError` where no stream captures the whole subject.
        """
        ...

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait `timeout` seconds for one answer: what a handler returns.

        Raises `NoResponders` at once where nobody listens, `BusTimeout` when no answer
        came (the handler may have raised, or not be done), and `BusError` on a subject
        that a stream captures: nobody waits there.
        """
        ...

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects; repeatable.

        A subject may hold wildcards after its first word. Raises `BusError` if the name
        or one of the subjects is taken otherwise.
        """
        ...
