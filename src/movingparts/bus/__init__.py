"""Events and the bus that carries them."""

from movingparts.bus.event import Event, EventError
from movingparts.bus.protocol import (
    Bus,
    BusError,
    BusTimeout,
    Handler,
    NoResponders,
    Subscription,
)

__all__ = [
    "Bus",
    "BusError",
    "BusTimeout",
    "Event",
    "EventError",
    "Handler",
    "NoResponders",
    "Subscription",
]
