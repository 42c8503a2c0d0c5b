"""What a bus refuses, and in which words: the same ones for every bus."""

from __future__ import annotations

from movingparts.bus.subjects import (
    SubjectError,
    check_name,
    check_subject,
    overlap,
)
from movingparts.core.bus import BusError, BusTimeout, NoResponders
from movingparts.core.event import Event

MAX_PAYLOAD = 1024 * 1024  # bytes of one message with its headers, as NATS has it
HEADERS = 1024  # of these, bytes that are enough for the headers
RESERVED = 24 * 1024  # and for the headers and all that a dead letter adds to its event


def check_size(event: Event, payload: bytes, max_payload: int = MAX_PAYLOAD) -> None:
    """Raise `BusError` unless an event fits in a message, and in a dead letter too."""
    most = max_payload - RESERVED
    if len(payload) > most:
        raise BusError(
            f"{event.type} {event.id:.40} has {len(payload):,} bytes as JSON, and an"
            f" event has at most {most:,} here. Nothing was sent: store the large part"
            " elsewhere, and publish where it is"
        )


def check_declaration(name: str, subjects: tuple[str, ...]) -> None:
    """Raise `BusError` unless a stream can have that name and these subjects."""
    check_name("stream", name)
    if not subjects:
        raise BusError(f"stream {name!r} needs at least one subject to keep")
    for subject in subjects:
        check_subject(subject, wildcards=True)
        if subject[0] in "*>":
            raise SubjectError(
                f"stream {name!r} cannot keep {subject!r}: a wildcard as the first word"
                " also matches messages of the broker. Begin with a word ('rides.>');"
                " a stream may have several subjects"
            )


def refuse_overlap(
    subjects: tuple[str, ...], other: str, others: tuple[str, ...]
) -> None:
    """Raise `BusError` if two streams would keep the same event."""
    for mine in subjects:
        for theirs in others:
            if overlap(mine, theirs):
                raise BusError(
                    f"stream {other!r} keeps {theirs}, which overlaps with {mine}:"
                    " an event has one stream"
                )


def declared_otherwise(name: str, subjects: tuple[str, ...]) -> BusError:
    """Return what to say about a stream that is there with other subjects."""
    return BusError(
        f"stream {name!r} keeps {', '.join(subjects)} already:"
        " declare the same subjects, or choose another name"
    )


def no_stream(durable: str, pattern: str) -> BusError:
    """Return what to say about a durable subscription that nothing feeds."""
    return BusError(
        f"no stream keeps {pattern}: await bus.stream(name, {pattern!r})"
        f" before the durable subscription {durable!r}"
    )


def follows_otherwise(durable: str, present: str, pattern: str) -> BusError:
    """Return what to say about a durable name that is used for another subject."""
    return BusError(
        f"durable {durable!r} follows {present}, not {pattern}:"
        " subscribe to the same subject, or choose another name"
    )


def kept_not_answered(subject: str, stream: str) -> BusError:
    """Return what to say about a request on a subject that a stream keeps."""
    return BusError(
        f"stream {stream!r} keeps {subject}, and nobody answers what is kept:"
        " request on a subject of no stream"
    )


def nobody_listens(subject: str) -> NoResponders:
    """Return what to say about a request that nobody takes."""
    return NoResponders(f"nobody listens to {subject}: is its service up?")


def no_answer(subject: str, seconds: float) -> BusTimeout:
    """Return what to say about a request without an answer."""
    return BusTimeout(
        f"no answer on {subject} within {seconds:g} s: it may have been handled"
    )


def stored_or_not(stream: str, subject: str, seconds: float) -> BusTimeout:
    """Return what to say when a stream's acknowledgment does not come."""
    return BusTimeout(
        f"stream {stream!r} has not acknowledged {subject} within {seconds:g} s: it may"
        " have the event; publish the same event again, and consumers see its id twice"
    )


def check_subscription(
    subject: str, queue: str | None, ack_wait: float, max_deliver: int
) -> None:
    """Raise `BusError` for what cannot be subscribed to."""
    check_subject(subject, wildcards=True)
    if queue is not None:
        check_name("queue", queue)
    if not ack_wait > 0:
        raise BusError(f"ack_wait is in seconds, above 0, got {ack_wait!r}")
    if max_deliver < 1:
        raise BusError(f"max_deliver is 1 or more deliveries, got {max_deliver!r}")
