"""A clinic's board: what its view holds, and what it can do with a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class Refused(Exception):
    """The board can't answer that: definite, nothing has happened."""


@dataclass(frozen=True)
class View:
    """What the board knows, and three times in seconds: see exercise 7.4."""

    says: Mapping[str, str]
    newest: float
    complete: float
    polled: float


@dataclass(frozen=True)
class Answer:
    """An answer, and how old it is at most, in seconds, if it says that."""

    value: str
    age: float | None = None
