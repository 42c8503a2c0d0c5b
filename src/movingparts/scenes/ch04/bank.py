"""A bank's gateway and its core system, in exercise 4.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What came of asking the core system: an answer, or an exception."""

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None


@dataclass(frozen=True)
class Reply:
    """What the gateway does: what the client gets, and a line for the log."""

    status: int
    body: Any
    headers: dict[str, str]
    log: str = ""


def problem(status: int, detail: str) -> dict[str, Any]:
    """Return an error as RFC 9457 problem details.

    >>> problem(502, "payments are not available")["title"]
    'Bad Gateway'
    """
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}
