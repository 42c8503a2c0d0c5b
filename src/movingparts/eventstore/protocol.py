"""What every event store promises, and the events that go in and come out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from movingparts.core.clock import Clock

NO_STREAM = 0
"""The version of a stream that has no event yet."""

ANY = -1
"""As an expected version: append whatever the stream's version is."""

BATCH = 1000  # events that a subscriber reads at once

# Position, stream, version, id, type, and data as JSON.
Row = tuple[int, str, int, str, str, str]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: its id, its type in the past tense, and any JSON."""

    id: str
    type: str
    data: Any


@dataclass(slots=True)  # not frozen: that would take a quarter longer to make
class StoredEvent:
    """An event in a store.

    `version` is its number in its stream and counts from 1. `position` is its
    place in the whole log. It only grows; some stores leave numbers out.
    """

    position: int
    stream: str
    version: int
    id: str
    type: str
    data: Any


class ConcurrencyConflict(Exception):
    """The stream is at another version: definite, nothing was appended."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(
            f"{stream} is at version {actual}, not {expected}: nothing was"
            " appended; read it again and decide again"
        )
        self.stream, self.expected, self.actual = stream, expected, actual


class EventStore(Protocol):
    """An append-only log of events, which is also many streams.

    A stream holds what happened to one thing, for example one ride. Positions
    only grow, and no reader sees an event before those with lower positions.

    Source: chapter 08; Young 2010, Overeem et al. 2021. Leaves out: metadata,
    deleting a stream, one append to two streams.
    """

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last.

        `expected_version` is how many events of this stream the caller has
        seen: 0 (`NO_STREAM`) if none, `ANY` if the caller doesn't care. Raises
        `ConcurrencyConflict` if the stream has other events by now. If it has
        exactly these events there, by their ids, they were sent before. Then
        nothing is appended, and the position of the last is returned.
        """
        ...

    async def read(
        self,
        stream: str,
        *,
        from_version: int = 0,
    ) -> list[StoredEvent]:
        """Return the stream's events after that version, which may be none."""
        ...

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return at most `limit` events after that position, of these types."""
        ...

    def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one, forever."""
        ...

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        ...


async def follow(
    store: EventStore,
    clock: Clock,
    every: float,
    from_position: int,
    types: Collection[str] | None,
) -> AsyncIterator[StoredEvent]:
    """Subscribe to a store: read what is there, then ask again and again."""
    while True:
        found = await store.read_all(from_position=from_position, limit=BATCH)
        for event in found:
            from_position = event.position
            if types is None or event.type in types:
                yield event
        if not found:
            await clock.sleep(every)


_ENCODER = json.JSONEncoder(
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
)


def encode(data: Any) -> str:
    """Return data as JSON, the shortest form.

    Raises `TypeError` or `ValueError` for what JSON can't hold.
    """
    text = _ENCODER.encode(data)
    if not text.isascii():
        text.encode()  # raises for half a surrogate pair: no store can keep it
    return text


def stored(rows: Iterable[Row]) -> list[StoredEvent]:
    """Return rows as events; to read all their JSON at once is quicker."""
    rows = list(rows)
    datas = json.loads(f"[{','.join([row[5] for row in rows])}]")
    pairs = zip(rows, datas, strict=True)
    return [StoredEvent(*row[:5], data) for row, data in pairs]


def check(events: Sequence[NewEvent], expected_version: int) -> None:
    """Raise `ValueError` for what no store can append."""
    if not events:
        raise ValueError("there is nothing to append: give at least one event")
    if expected_version < ANY:
        raise ValueError(
            f"expected_version is a number of events, NO_STREAM or ANY,"
            f" got {expected_version}"
        )
    for each in events:
        f"{each.id}{each.type}".encode()  # raises for what is no text


def expected_by(ids: Sequence[str], known: Sequence[str]) -> int:
    """Return the version that an append at `ANY` is meant for.

    That is the stream's own version. But if the stream has one of the ids,
    these events were sent before, and it's the version that the stream had then.
    """
    sent = (version for version, each in enumerate(known) if each in ids)
    return next(sent, len(known))
