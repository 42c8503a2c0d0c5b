"""The unit of work: what one command changes is saved whole, or not at all.

No transaction is open while the code in between awaits something; only `commit` opens
one, and it awaits nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from movingparts.repository import (
    A,
    Aggregate,
    NotFound,
    RecordedEvent,
    Repository,
    Row,
    Rows,
    StaleVersion,
)

T = TypeVar("T")


class UnitOfWork(Protocol):
    """What one command reads and changes; without `commit`, nothing has happened."""

    def of(self, kind: type[A]) -> Repository[A]:
        """Return the repository of a kind of aggregate."""
        ...

    async def commit(self) -> tuple[RecordedEvent, ...]:
        """Save all that happened, in order, and return it; raise `StaleVersion`."""
        ...


class Store(Protocol):
    """Where units of work begin."""

    def begin(self) -> UnitOfWork:
        """Return a unit of work that has read nothing yet."""
        ...


class RowStore:
    """Keeps each aggregate as one row: its key, its version, its state as JSON.

    >>> from movingparts.repository import MemoryRows
    >>> RowStore(MemoryRows()).begin()
    <Work: nothing read, nothing happened>

    Source: chapter 03; Evans 2003 (aggregate, repository), Fowler 2002 (unit of work,
    optimistic offline lock). Leaves out: queries, changes of a state's form, and a
    check of what was read and not changed (chapter 03, write skew).
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def begin(self) -> Work:
        """Return a unit of work that has read nothing yet."""
        return Work(self.rows)


class Work:
    """A unit of work over rows."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.read: dict[tuple[str, str], tuple[int, Any]] = {}

    def __repr__(self) -> str:
        read = ", ".join(f"{kind} {key}" for kind, key in self.read) or "nothing"
        count = sum(len(each.events) for _, each in self.read.values())
        return f"<Work: {read} read, {count or 'nothing'} happened>"

    def of(self, kind: type[A]) -> RowRepository[A]:
        """Return the repository of a kind of aggregate."""
        return RowRepository(self, kind)

    async def commit(self) -> tuple[RecordedEvent, ...]:
        """Save all that happened, in order, and return it; raise `StaleVersion`."""
        changed = [entry for entry in self.read.items() if entry[1][1].events]
        if not changed:
            return ()
        rows = [_row(*name, *entry) for name, entry in changed]
        self.rows.write(rows)
        for row, (name, (_, aggregate)) in zip(rows, changed, strict=True):
            self.read[name] = (row.version, aggregate)
            aggregate.events.clear()
        return tuple(recorded for row in rows for recorded in row.recorded)


def _row(kind: str, key: str, expected: int, aggregate: Aggregate) -> Row:
    recorded = tuple(
        RecordedEvent(kind, key, number, event)
        for number, event in enumerate(aggregate.events, start=expected + 1)
    )
    state = _form(type(aggregate)).dump_json(aggregate)
    return Row(kind, key, expected, expected + len(recorded), state, recorded)


@cache
def _form(kind: Any) -> TypeAdapter[Any]:
    """Return what turns an aggregate into JSON and back, by the types of its fields."""
    return TypeAdapter(kind)


class RowRepository(Generic[A]):
    """All aggregates of one kind, as one unit of work sees them."""

    def __init__(self, work: Work, kind: type[A]) -> None:
        self._work, self._kind = work, kind

    async def find(self, key: str) -> A | None:
        """Return the one of that key, the same object each time; None without one."""
        name = (self._kind.__name__, key)
        if name not in self._work.read:
            row = self._work.rows.read(*name)
            if row is None:
                return None
            version, state = row
            self._work.read[name] = (version, _form(self._kind).validate_json(state))
        found: A = self._work.read[name][1]
        return found

    async def get(self, key: str) -> A:
        """Return the one of that key; raise `NotFound`."""
        found = await self.find(key)
        if found is None:
            raise NotFound(f"there is no {self._kind.__name__} {key!r}")
        return found

    def add(self, aggregate: A) -> A:
        """Take a new one, which `commit` will write; here, a key has one object."""
        name = (self._kind.__name__, aggregate.key)
        if self._work.read.setdefault(name, (0, aggregate))[1] is not aggregate:
            raise ValueError(f"{name[0]} {name[1]!r} is in this unit of work already")
        return aggregate

    async def keys(self) -> list[str]:
        """Return the keys of all that were committed, in their order."""
        return self._work.rows.keys(self._kind.__name__)


Act = Callable[[UnitOfWork], Awaitable[T]]
Publish = Callable[[Sequence[RecordedEvent]], Awaitable[None]]


async def execute(
    store: Store, act: Act[T], *, publish: Publish | None = None, attempts: int = 10
) -> T:
    """Let `act` read and decide, then commit; if another commit was first, try again.

    `publish` gets the recorded events, after they are saved. Raises what `act` raises,
    and `StaleVersion` after the last attempt; then nothing was saved.

    A crash in between publishes nothing; an outbox has what is left (chapter 06).
    """
    for attempt in range(1, attempts + 1):
        work = store.begin()
        result = await act(work)
        try:
            recorded = await work.commit()
        except StaleVersion:
            if attempt == attempts:
                raise
            continue
        if publish is not None:
            await publish(recorded)
        return result
    raise ValueError(f"attempts is at least 1, got {attempts}")
