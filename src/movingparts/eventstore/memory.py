"""An event store in memory: gone with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from movingparts.eventstore.protocol import (
    ANY,
    ConcurrencyConflict,
    NewEvent,
    Row,
    StoredEvent,
    check,
    encode,
    expected_by,
    stored,
)


class MemoryEventStore:
    """Keeps the log as a list: for simulated runs without a crash, and tests.

    >>> MemoryEventStore()
    <MemoryEventStore: 0 events>

    Order: positions count from 1, without a gap.
    A killed process, or power loss: everything is gone.
    """

    def __init__(self) -> None:
        self._log: list[Row] = []
        self._streams: dict[str, list[Row]] = {}
        self._appended = asyncio.Event()

    def __repr__(self) -> str:
        return f"<MemoryEventStore: {len(self._log)} events>"

    @property
    def position(self) -> int:
        """The position of the last event, 0 before the first."""
        return len(self._log)

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last."""
        check(events, expected_version)
        there, head = self._streams.get(stream, []), len(self._log)
        ids, expected = [event.id for event in events], expected_version
        if expected == ANY:
            expected = expected_by(ids, [row[3] for row in there])
        if expected != len(there):
            again = there[expected : expected + len(ids)]
            if ids != [row[3] for row in again]:
                raise ConcurrencyConflict(stream, expected_version, len(there))
            return again[-1][0]
        rows = [
            (head + n, stream, expected + n, e.id, e.type, encode(e.data))
            for n, e in enumerate(events, start=1)
        ]
        self._log += rows
        self._streams.setdefault(stream, []).extend(rows)
        self._appended.set()
        self._appended = asyncio.Event()
        return len(self._log)

    async def read(
        self,
        stream: str,
        *,
        from_version: int = 0,
    ) -> list[StoredEvent]:
        """Return the stream's events after that version."""
        return stored(self._streams.get(stream, [])[max(from_version, 0) :])

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the log's events after that position, of these types."""
        rows = self._log[max(from_position, 0) :]
        if types is not None:
            rows = [row for row in rows if row[4] in types]
        return stored(rows[:limit])

    async def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one."""
        while True:
            appended, end = self._appended, len(self._log)
            start = from_position
            for event in await self.read_all(from_position=start, types=types):
                yield event
            from_position = max(from_position, end)
            if len(self._log) == end:
                await appended.wait()

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        return sorted(name for name in self._streams if name.startswith(prefix))
