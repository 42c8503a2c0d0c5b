"""What the parcel service answers, as three languages would send it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, its headers as they were sent, and its body.

    >>> Answer(404, (("Content-Type", "text/html"),), b"<p>Not found").status
    404
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
