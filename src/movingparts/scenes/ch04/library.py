"""A library's gateway: what comes in at exercise 4.4, and what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOKENS = {"t-ada": "ada", "t-bob": "bob", "t-chi": "chi"}


@dataclass(frozen=True)
class Request:
    """A request of the app, or of the desk; header names are in lower case."""

    client: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A status, and what a service says."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)


def who(token: str) -> str | None:
    """Return the reader that a token belongs to; None if it isn't valid."""
    return TOKENS.get(token)
