"""Event sourcing: aggregates are kept as what happened to them, and nothing else.

There is no row to overwrite. An aggregate is read by applying its events, in their
order, to a new one; a commit appends what happened since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, get_args, get_type_hints

from pydantic import TypeAdapter

from movingparts.eventstore import (
    ConcurrencyConflict,
    NewEvent,
    SqliteEventStore,
    StoredEvent,
)
from movingparts.repository import (
    A,
    Aggregate,
    NotFound,
    RecordedEvent,
    Save,
    stale,
)


class EventSourcedStore:
    """Begins units of work whose aggregates live in a log: a stream for each.

    An aggregate's class takes its key alone, and has `apply(event)`, whose annotation
    names the classes of its events. `new_id` makes an id that no other event has. If
    `save` is set, it gets what happened, inside the transaction of each commit.

    Source: chapter 08; Young 2010, Vernon 2013 (appendix A). Leaves out: snapshots
    (they are beside it), and streams so long that reading them whole takes too long.
    """

    def __init__(self, log: SqliteEventStore, new_id: Callable[[], str]) -> None:
        self.log, self.db, self._new_id = log, log.db, new_id
        self.save: Save | None = None

    def begin(self) -> SourcedWork:
        """Return a unit of work that has read nothing yet."""
        return SourcedWork(self)

    def write(self, changed: Sequence[tuple[RecordedEvent, ...]]) -> None:
        """Append the events of each aggregate, of all or of none.

        Raises `StaleVersion`.
        """
        with self.log.transaction():
            for events in changed:
                self._append(events)
            if self.save is not None:
                self.save([event for events in changed for event in events])

    def _append(self, events: tuple[RecordedEvent, ...]) -> None:
        first = events[0]
        new = [self._new(each.event) for each in events]
        stream, expected = stream_of(first.kind, first.key), first.number - 1
        try:
            self.log.add(stream, new, expected_version=expected)
        except ConcurrencyConflict:
            raise stale(first.kind, first.key, expected) from None

    def _new(self, event: Any) -> NewEvent:
        kind: Any = type(event)
        data = _form(kind).dump_python(event, mode="json")
        return NewEvent(self._new_id(), kind.__name__, data)


class SourcedWork:
    """A unit of work over a log."""

    def __init__(self, store: EventSourcedStore) -> None:
        self.store = store
        self.read: dict[tuple[str, str], tuple[int, Any]] = {}

    def __repr__(self) -> str:
        read = ", ".join(f"{kind} {key}" for kind, key in self.read) or "nothing"
        return f"<SourcedWork: {read} read>"

    def of(self, kind: type[A]) -> SourcedRepository[A]:
        """Return the repository of a kind of aggregate."""
        return SourcedRepository(self, kind)

    async def commit(self) -> tuple[RecordedEvent, ...]:
        """Append all that happened, in order, and return it; raise `StaleVersion`."""
        entries = [entry for entry in self.read.items() if entry[1][1].events]
        changed = [_recorded(*name, *entry) for name, entry in entries]
        if changed:
            self.store.write(changed)
        for events, (name, (_, aggregate)) in zip(changed, entries, strict=True):
            self.read[name] = (events[-1].number, aggregate)
            aggregate.events.clear()
        return tuple(event for events in changed for event in events)


def _recorded(
    kind: str, key: str, version: int, aggregate: Aggregate
) -> tuple[RecordedEvent, ...]:
    return tuple(
        RecordedEvent(kind, key, number, event)
        for number, event in enumerate(aggregate.events, start=version + 1)
    )


class SourcedRepository(Generic[A]):
    """All aggregates of one kind, as one unit of work sees them."""

    def __init__(self, work: SourcedWork, kind: type[A]) -> None:
        self._work, self._kind = work, kind

    async def find(self, key: str) -> A | None:
        """Return the one of that key, the same object each time; None without one."""
        name = (self._kind.__name__, key)
        if name not in self._work.read:
            events = await self._work.store.log.read(stream_of(*name))
            if not events:
                return None
            self._work.read[name] = (
                events[-1].version,
                replay(self._kind, key, events),
            )
        found: A = self._work.read[name][1]
        return found

    async def get(self, key: str) -> A:
        """Return the one of that key; raise `NotFound`."""
        found = await self.find(key)
        if found is None:
            raise NotFound(f"there is no {self._kind.__name__} {key!r}")
        return found

    def add(self, aggregate: A) -> A:
        """Take a new one, which `commit` will append; here, a key has one object."""
        name = (self._kind.__name__, aggregate.key)
        if self._work.read.setdefault(name, (0, aggregate))[1] is not aggregate:
            raise ValueError(f"{name[0]} {name[1]!r} is in this unit of work already")
        return aggregate

    async def keys(self) -> list[str]:
        """Return the keys of all that were committed, in their order."""
        prefix = stream_of(self._kind.__name__, "")
        streams = await self._work.store.log.streams(prefix)
        return [stream.removeprefix(prefix) for stream in streams]


def stream_of(kind: str, key: str) -> str:
    """Return the name of an aggregate's stream.

    >>> stream_of("Ride", "ride-17")
    'Ride/ride-17'
    """
    return f"{kind}/{key}"


def replay(kind: type[A], key: str, events: Sequence[StoredEvent]) -> A:
    """Return the aggregate to which all this has happened.

    An event of a type that its class doesn't know changes nothing.
    """
    made: Any = kind
    aggregate, known = made(key), _classes(made)
    for event in events:
        if event.type in known:
            aggregate.apply(_form(known[event.type]).validate_python(event.data))
    found: A = aggregate
    return found


@cache
def _classes(kind: Any) -> dict[str, Any]:
    """Return the classes of an aggregate's events by their names."""
    hint = get_type_hints(kind.apply)["event"]
    return {each.__name__: each for each in get_args(hint) or (hint,)}


@cache
def _form(kind: Any) -> TypeAdapter[Any]:
    """Return what turns an event into JSON and back, by the types of its fields."""
    return TypeAdapter(kind)
