"""Event stores: streams of events that are only ever appended to, and read again.

`MemoryEventStore` for the simulated world and the browser, `SqliteEventStore` for one
machine; both keep one contract, `EventStore`.
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
