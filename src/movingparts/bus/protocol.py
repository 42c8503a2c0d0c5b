"""The bus: the few verbs with which services exchange events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from movingparts.bus.event import Event

# What a handler returns answers a request; for a plain event it is ignored.
Handler = Callable[[Event], Awaitable[Event | None]]


class BusError(RuntimeError):
    """The bus could not do what was asked; nothing was published."""


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
    and `>` for the rest.
    """

    async def publish(self, subject: str, event: Event) -> None:
        """Publish an event.

        Where a stream captures the subject, return after the stream has it, or raise
        `BusTimeout` if that could not be learned. Elsewhere delivery is at most once.
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

        Members of the same `queue` share the events. A `durable` subscription reads
        the stream that captures the subject, keeps its place by name, and delivers at
        least once: a handler's return acknowledges, its exception refuses. An event
        that is not acknowledged within `ack_wait` seconds is delivered again, up to
        `max_deliver` times, then published on `dead.<durable>`.
        """
        ...

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait `timeout` seconds for one answer.

        Raises `NoResponders` at once where nobody listens, `BusTimeout` when no
        answer came.
        """
        ...

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects; repeatable."""
        ...
