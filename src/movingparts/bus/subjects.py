"""Subjects: words with dots between, as NATS has them.

When subscribing, `*` stands for exactly one word and, at the end, `>` for one or more.
Subjects that begin with `$` or `_` carry what the broker and the bus need themselves:
commands to JetStream, acknowledgments, inboxes for replies, a world's reports. Services
do not publish there, and their wildcards do not match there.
"""

from __future__ import annotations

import re
from typing import Any

from movingparts.core.bus import BusError

_WORD = re.compile(r"[!-)+-=?-~]+")  # printable ASCII without space, * and >
_NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST = 1024  # characters of a subject
LONGEST_NAME = 255  # and of a stream's, a durable's or a queue's name


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
    """Say whether a subject is one of a pattern's.

    >>> matches("rides.*", "rides.ended"), matches("rides.*", "rides.ended.late")
    (True, False)
    >>> matches("rides.>", "rides.ended.late"), matches("rides.>", "rides")
    (True, False)
    """
    return covers(pattern, subject)


def covers(pattern: str, other: str) -> bool:
    """Say whether a pattern has each subject of another pattern.

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
    """Say whether some subject is of both patterns.

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
