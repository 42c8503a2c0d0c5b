"""An event: a fact that happened, in CloudEvents 1.0."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class EventError(ValueError):
    """An event breaks CloudEvents' rules; the message says which."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that happened. (placeholder until the bus helper lands the rules)"""

    id: str
    source: str
    type: str
    data: Any = None
    subject: str | None = None
    time: datetime | None = None
    traceparent: str | None = None

    def to_json(self) -> bytes:
        body = {"specversion": "1.0", "id": self.id, "source": self.source}
        body |= {"type": self.type, "data": self.data}
        return json.dumps(body).encode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Event:
        body = json.loads(text)
        body.pop("specversion")
        return cls(**body)
