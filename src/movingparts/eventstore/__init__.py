"""Event stores: streams of events that are only ever appended to, and read again.

All keep one contract, `EventStore`: `MemoryEventStore` for simulated worlds and the
browser, `SqliteEventStore` for one machine, and in `jetstream` one for several.
On top are `group` (appends that share a commit), `queue` (writers of several processes
take turns) and `snapshot`.
"""

from movingparts.eventstore.memory import MemoryEventStore
from movingparts.eventstore.protocol import (
    ANY,
    NO_STREAM,
    ConcurrencyConflict,
    EventStore,
    NewEvent,
    StoredEvent,
)
from movingparts.eventstore.sqlite import SqliteEventStore

__all__ = [
    "ANY",
    "NO_STREAM",
    "ConcurrencyConflict",
    "EventStore",
    "MemoryEventStore",
    "NewEvent",
    "SqliteEventStore",
    "StoredEvent",
]
