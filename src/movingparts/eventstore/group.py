"""Group commit: appends that come together share one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from movingparts.eventstore.protocol import ConcurrencyConflict, NewEvent
from movingparts.eventstore.sqlite import SqliteEventStore


@dataclass(slots=True)
class _Append:
    """An append, and the future on which its caller waits."""

    stream: str
    events: Sequence[NewEvent]
    expected_version: int
    done: asyncio.Future[int]


class GroupCommit:
    """Commits all appends of one turn of the event loop at once: one wait for the disk.

    Each append still wins or loses on its own, and is durable once `append` has
    returned. If the commit fails, the whole group fails. With one appender at a time,
    the store alone is quicker.

    Source: chapter 08; Gray and Reuter 1993. Leaves out: waiting for a fuller group.
    """

    def __init__(self, store: SqliteEventStore) -> None:
        self._store, self._group = store, list[_Append]()
        self.read, self.read_all = store.read, store.read_all
        self.subscribe, self.streams = store.subscribe, store.streams

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last."""
        loop = asyncio.get_running_loop()
        if not self._group:
            loop.call_soon(self._commit)
        mine = _Append(stream, events, expected_version, loop.create_future())
        self._group.append(mine)
        return await mine.done

    def _commit(self) -> None:
        group = [each for each in self._group if not each.done.cancelled()]
        self._group = []
        try:
            with self._store.transaction():
                results = [self._add(each) for each in group]
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller gets it
            results = [error] * len(group)
        for each, result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                each.done.set_exception(result)
            else:
                each.done.set_result(result)

    def _add(self, each: _Append) -> int | Exception:
        try:
            return self._store.add(
                each.stream, each.events, expected_version=each.expected_version
            )
        except (ConcurrencyConflict, TypeError, ValueError, RecursionError) as refused:
            return refused  # it has written nothing: the others go on
