"""Events and the bus that carries them."""

from movingparts.bus.subjects import SubjectError
from movingparts.core.bus import (
    Bus,
    BusError,
    BusTimeout,
    Handler,
    NoResponders,
    Subscription,
)
from movingparts.core.event import Event
from movingparts.core.rules import EventError

__all__ = [
    "Bus",
    "BusError",
    "BusTimeout",
    "Event",
    "EventError",
    "Handler",
    "NoResponders",
    "SubjectError",
    "Subscription",
]
