"""What every event store promises, and the events that go in and come out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

NO_STREAM = 0
"""The version of a stream that has no event yet."""

ANY = -1
"""As an expected version: append whatever the stream's version is."""

# Position, stream, version, id, type, and data as JSON.
Row = tuple[int, str, int, str, str, str]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: its identity, its type in the past tense, and any JSON."""

    id: str
    type: str
    data: Any


@dataclass(slots=True)  # not frozen: to make a thousand of those takes a quarter longer
class StoredEvent:
    """An event in a store.

    `version` is its number in its stream, `position` its place in the whole log; both
    count from 1.
    """

    position: int
    stream: str
    version: int
    id: str
    type: str
    data: Any


class ConcurrencyConflict(Exception):
    """The stream is not at the expected version: definite, nothing was appended."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(
            f"{stream} is at version {actual}, not {expected}: nothing was appended;"
            " read it again and decide again"
        )
        self.stream, self.expected, self.actual = stream, expected, actual


class EventStore(Protocol):
    """An append-only log of events, which is also many streams.

    A stream holds what happened to one thing, for example one ride. Positions only
    grow, and no reader sees an event before all that have a lower position.

    Source: chapter 08; Young 2010, Overeem et al. 2021. Leaves out: metadata, deleting
    a stream, an append to two streams.
    """

    @property
    def position(self) -> int:
        """The position of the last event, 0 before the first."""
        ...

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last.

        `expected_version` is how many events the caller has seen of this stream, 0
        (`NO_STREAM`) if none; `ANY` if the caller doesn't care. Raises
        `ConcurrencyConflict` if the stream has other events by now. If it has these
        very events, by their ids, they were sent before: nothing is appended, and the
        position of the last is returned.
        """
        ...

    async def read(self, stream: str, *, from_version: int = 0) -> list[StoredEvent]:
        """Return the stream's events after that version; none if there is no stream."""
        ...

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the log's events after that position, of these types, at most so many.

        Reading and appending may go on at the same time.
        """
        ...

    def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one, without an end."""
        ...

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        ...


def encode(data: Any) -> str:
    """Return data as JSON, the shortest form.

    Raises `TypeError` or `ValueError` for what JSON can't hold.
    """
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def stored(rows: Iterable[Row]) -> list[StoredEvent]:
    """Return rows as events: all their JSON is read at once, which is quicker."""
    rows = list(rows)
    datas = json.loads(f"[{','.join([row[5] for row in rows])}]")
    return [StoredEvent(*row[:5], data) for row, data in zip(rows, datas, strict=True)]


def check(events: Sequence[NewEvent], expected_version: int) -> None:
    """Raise `ValueError` for what no store can append."""
    if not events:
        raise ValueError("there is nothing to append: give at least one event")
    if expected_version < ANY:
        raise ValueError(
            f"expected_version is a number of events, NO_STREAM or ANY,"
            f" got {expected_version}"
        )
