"""Events and the bus that carries them."""

from movingparts.bus.event import Event
from movingparts.bus.protocol import (
    Bus,
    BusError,
    BusTimeout,
    Handler,
    NoResponders,
    Subscription,
)
from movingparts.bus.rules import EventError
from movingparts.bus.subjects import SubjectError

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
