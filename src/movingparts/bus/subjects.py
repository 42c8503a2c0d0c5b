"""Subjects, and what every bus refuses, in the same words.

A subject is words with dots between, as NATS has them. In a subscription, `*` stands
for exactly one word and, at the end, `>` for one or more.

Subjects that begin with `$` or `_` carry what the broker and the bus need themselves:
commands to JetStream, acknowledgments, inboxes for replies, a world's reports. Services
do not publish there, and their wildcards do not match there.
"""

from __future__ import annotations

import re
from typing import Any

from movingparts.core.bus import BusError, BusTimeout, NoResponders
from movingparts.core.event import Event
from movingparts.core.rules import EventError

_WORD = re.compile(r"[!-)+-=?-~]+")  # printable ASCII without space, * and >
_NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST = 1024  # characters of a subject
LONGEST_NAME = 255  # and of a stream's, a durable's or a queue's name
MAX_PAYLOAD = 1024 * 1024  # bytes of one message with its headers, as NATS has it
HEADERS = 1024  # of these, bytes that are enough for the headers
RESERVED = 24 * 1024  # and for the headers and all that a dead letter adds to its event


class SubjectError(BusError):
    """A subject or a name breaks NATS' rules; the message says which."""


def check_subject(subject: Any, *, wildcards: bool = False) -> None:
    """Raise `SubjectError` unless this is a subject, with `wildcards` a pattern."""
    if not isinstance(subject, str) or not subject:
        raise SubjectError(f"a subject is text such as 'rides.ended', got {subject!r}")
    if len(subject) > LONGEST:
        raise SubjectError(f"a subject has at most {LONGEST} characters")
    if is_internal(subject):
        raise SubjectError(
            f"{subject!r} belongs to the broker: begin with neither $ nor _"
        )
    words = subject.split(".")
    for place, word in enumerate(words):
        if word in ("*", ">"):
            if not wildcards:
                raise SubjectError(
                    f"{subject!r} has a wildcard: publish to one subject, without"
                )
            if word == ">" and place < len(words) - 1:
                raise SubjectError(f"{subject!r}: '>' stands only at the end")
        elif not _WORD.fullmatch(word):
            raise SubjectError(_what_is_wrong(subject, word))


def _what_is_wrong(subject: str, word: str) -> str:
    if not word:
        return f"{subject!r} has an empty word: no dot at either end, none doubled"
    if "*" in word or ">" in word:
        return f"{subject!r}: a wildcard is a word of its own, not a part of {word!r}"
    return f"{subject!r}: {word!r} is not printable ASCII without spaces"


def is_internal(subject: str) -> bool:
    """Return whether a subject is for the broker's and the bus' own messages.

    >>> [is_internal(subject) for subject in ("$JS.API.INFO", "_INBOX.x", "rides.x")]
    [True, True, False]
    """
    return subject.startswith(("$", "_"))


def check_name(what: str, name: Any) -> None:
    """Raise `SubjectError` unless this can name a stream, a durable or a queue."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SubjectError(
            f"{name!r} cannot name a {what}: use letters, digits, - and _"
        )
    if len(name) > LONGEST_NAME:
        raise SubjectError(
            f"the name of a {what} has at most {LONGEST_NAME} characters"
        )


def matches(pattern: str, subject: str) -> bool:
    """Return whether a subject is one of a pattern's.

    >>> matches("rides.*", "rides.ended"), matches("rides.*", "rides.ended.late")
    (True, False)
    >>> matches("rides.>", "rides.ended.late"), matches("rides.>", "rides")
    (True, False)
    """
    return covers(pattern, subject)


def covers(pattern: str, other: str) -> bool:
    """Return whether a pattern has each subject of another pattern.

    >>> covers("rides.>", "rides.*"), covers("rides.*", "rides.>")
    (True, False)
    """
    if pattern == other:
        return True
    mine, others = pattern.split("."), other.split(".")
    for place, word in enumerate(mine):
        if word == ">":
            return len(others) > place
        if place >= len(others) or others[place] == ">":
            return False
        if word not in ("*", others[place]):
            return False
    return len(mine) == len(others)


def overlap(one: str, other: str) -> bool:
    """Return whether some subject is of both patterns.

    >>> overlap("rides.*", "*.ended"), overlap("rides.*", "docks.>")
    (True, False)
    """
    mine, others = one.split("."), other.split(".")
    for word, another in zip(mine, others, strict=False):
        if ">" in (word, another):
            return True
        if word != another and "*" not in (word, another):
            return False
    return len(mine) == len(others)


# --- what a bus refuses ------------------------------------------------------


def check_event(verb: str, event: object) -> None:
    """Raise `EventError` unless this is an event."""
    if not isinstance(event, Event):
        raise EventError(f"{verb} takes an Event, not {type(event).__name__}")


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
