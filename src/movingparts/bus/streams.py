"""Streams, which keep events, and durable consumers, which read them at least once."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from movingparts.bus.subjects import HEADERS, MAX_PAYLOAD, matches
from movingparts.core.event import Event
from movingparts.core.rules import EventError

REASON = 1200  # characters of a dead letter's reason
FIRST_BACKOFF = 0.1  # seconds until a refused event comes again; doubles each time


def backoff(deliveries: int, most: float) -> float:
    """Return the seconds to wait after a refusal, `most` at most.

    >>> [backoff(deliveries, 5.0) for deliveries in (1, 2, 3, 10)]
    [0.1, 0.2, 0.4, 5.0]
    """
    return float(min(FIRST_BACKOFF * 2 ** (deliveries - 1), most))


class Position(NamedTuple):
    """Where a stream keeps an event."""

    stream: str
    sequence: int
    subject: str


def dead_letter(
    durable: str,
    position: Position,
    event: object,
    why: tuple[str, int],
    max_payload: int = MAX_PAYLOAD,
) -> Event:
    """Wrap an event that could not be handled, with the reason and the deliveries.

    Where the event does not fit into a letter, the letter says where the stream keeps
    it. The id comes from that position, so that the same dead letter has the same id if
    it is sent twice.
    """
    with contextlib.suppress(EventError):  # the wrapping may nest it too deeply
        letter = _letter(durable, position, event, why)
        if len(letter.to_json()) <= max_payload - HEADERS:
            return letter
    where = {"stream": position.stream, "sequence": position.sequence}
    return _letter(durable, position, where, why)


def _letter(
    durable: str, position: Position, event: object, why: tuple[str, int]
) -> Event:
    reason, deliveries = why
    return Event(
        id=f"{durable}:{position.stream}:{position.sequence}",
        source="/bus",
        type="DeadLetter",
        subject=position.subject,
        data={
            "durable": durable,
            "reason": reason[:REASON],
            "deliveries": deliveries,
            "subject": position.subject,
            "event": event,
        },
    )


@dataclass(slots=True)
class Envelope:
    """An event on its way, and in a stream."""

    subject: str
    event: Event
    payload: bytes = b""  # the event as JSON; empty where no network is between

    def opened(self) -> Event:
        """Return what a receiver gets: a copy, if the event traveled as bytes."""
        return self.event.copied() if self.payload else self.event


class Member(Protocol):
    """A subscriber of a durable consumer."""

    def ready(self) -> bool:
        """Return whether it has nothing to do."""
        ...

    def deliver(self, envelope: Envelope, settle: Callable[[str | None], None]) -> None:
        """Send it an event; `settle(None)` acknowledges, a reason refuses."""
        ...


@dataclass(slots=True, eq=False)
class Stream:
    """All events of some subjects, in the order of their coming.

    Leaves out: limits of age and size, copies on other machines, a disk.
    """

    name: str
    subjects: tuple[str, ...]
    log: list[Envelope] = field(default_factory=list)
    durables: dict[str, Durable] = field(default_factory=dict)

    def pump(self) -> None:
        """Send every durable consumer what is due."""
        for durable in list(self.durables.values()):
            durable.pump()


class Durable:
    """A named position in a stream, with what has been sent and not acknowledged.

    A member has one event at a time, so that one member gets a stream's events in
    order; an event that is refused or not acknowledged in time comes again later,
    and others may pass it meanwhile (as with JetStream's `max_ack_pending` above 1).

    Source: chapter 05; NATS JetStream's pull consumers.
    """

    def __init__(
        self,
        name: str,
        stream: Stream,
        pattern: str,
        publish: Callable[[str, Event], None],
    ) -> None:
        self.name, self.stream, self.pattern = name, stream, pattern
        self.ack_wait, self.max_deliver = 5.0, 5
        self.members: list[Member] = []
        self._publish = publish
        self._next = 0
        self._again: list[int] = []  # positions in the log, lowest first
        self._deliveries: dict[int, int] = {}
        self._pending: dict[int, tuple[Member, asyncio.TimerHandle]] = {}
        self._context = contextvars.Context()  # timers belong to no node

    def __repr__(self) -> str:
        waits = len(self._again) + len(self._pending)
        return (
            f"<Durable {self.name} of {self.stream.name}: at {self._next} of"
            f" {len(self.stream.log)}, {waits} not acknowledged>"
        )

    def join(self, member: Member) -> None:
        """Take a member, and send it what is due."""
        self.members.append(member)
        self.pump()

    def leave(self, member: Member) -> None:
        """Send a member no more; what it has not acknowledged comes again."""
        if member in self.members:
            self.members.remove(member)

    def pump(self) -> None:
        """Send what is due to members that are ready, each in its turn."""
        busy = [member for member, _ in self._pending.values()]
        for member in list(self.members):
            if member in busy or not member.ready():
                continue
            at = self._due()
            if at is None:
                return
            self.members.remove(member)  # to the end of the row: each has its turn
            self.members.append(member)
            self._send(member, at)

    def _due(self) -> int | None:
        if self._again:
            return self._again.pop(0)
        log = self.stream.log
        while self._next < len(log):
            self._next += 1
            if matches(self.pattern, log[self._next - 1].subject):
                return self._next - 1
        return None

    def _send(self, member: Member, at: int) -> None:
        number = self._deliveries[at] = self._deliveries.get(at, 0) + 1
        self._pending[at] = (member, self._later(self.ack_wait, self._expired, at))
        member.deliver(
            self.stream.log[at], lambda reason: self._settled(at, number, reason)
        )

    def _settled(self, at: int, number: int, reason: str | None) -> None:
        """Take an acknowledgment, also a late one, or a refusal of this delivery."""
        if reason is None:
            self._forget(at)
            self._deliveries.pop(at, None)
            if at in self._again:
                self._again.remove(at)
        elif at in self._pending and self._deliveries[at] == number:
            self._forget(at)
            self._refused(at, reason, backoff(number, self.ack_wait))
        self.pump()

    def _expired(self, at: int) -> None:
        self._forget(at)
        self._refused(at, f"not acknowledged within {self.ack_wait:g} s", 0.0)
        self.pump()

    def _refused(self, at: int, reason: str, delay: float) -> None:
        if self._deliveries[at] < self.max_deliver:
            if delay:
                self._later(delay, self._return, at)
            else:
                bisect.insort(self._again, at)
            return
        envelope, deliveries = self.stream.log[at], self._deliveries.pop(at)
        if envelope.subject.startswith("dead."):
            return  # it stays in its stream: a letter about a letter helps nobody
        position = Position(self.stream.name, at + 1, envelope.subject)
        body = envelope.event.to_body()
        letter = dead_letter(self.name, position, body, (reason, deliveries))
        self._publish(f"dead.{self.name}", letter)

    def _return(self, at: int) -> None:
        if at in self._deliveries:  # a late acknowledgment may have come meanwhile
            bisect.insort(self._again, at)
            self.pump()

    def retry_later(self) -> None:
        """Offer again, in a while, what a slow member was not there to take."""
        if self._again:
            self._later(self.ack_wait, self.pump)

    def _forget(self, at: int) -> None:
        pending = self._pending.pop(at, None)
        if pending is not None:
            pending[1].cancel()

    def _later(
        self, seconds: float, callback: Callable[..., None], *args: int
    ) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(seconds, callback, *args, context=self._context)
