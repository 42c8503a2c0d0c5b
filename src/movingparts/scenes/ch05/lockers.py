"""Parcels that get a locker each, in exercise 5.4: some can't be read at first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from movingparts.core.bus import Bus, Handler
from movingparts.core.event import Event

ARRIVED = "parcels.arrived"


class Unreadable(ValueError):
    """Nobody can handle this event as it is: definite, nothing was done."""


class Lockers:
    """What `handle(event, lockers)` is given, with a log of what it did.

    `unreadable` and `down` are parcels that fail now, and `no_letters` is how often the
    bus will not take a dead letter.
    """

    def __init__(self, bus: Bus) -> None:
        self.seen: set[str] = set()
        self.unreadable: set[str] = set()
        self.down: set[str] = set()
        self.no_letters = 0
        self.log: list[tuple[str, Any]] = []
        self._bus = bus

    async def assign(self, event: Event) -> None:
        """Give the parcel a locker, each time anew, and text its code."""
        if event.subject in self.unreadable:
            self._fail("failed", Unreadable(f"size is {event.data['size']!r}"))
        if event.subject in self.down:
            self._fail("failed", ConnectionError("the text message gateway is down"))
        self.log.append(("assigned", event.subject))

    async def set_aside(self, event: object, reason: object) -> None:
        """Publish a dead letter with an event and the reason."""
        if self.no_letters:
            self.no_letters -= 1
            self._fail("no letter", ConnectionError("the bus does not answer"))
        self.log.append(("set aside", (event, reason)))
        about = {"subject": ARRIVED, "reason": f"{reason}", "event": f"{event}"}
        letter = Event(f"{len(self.log)}", "/lockers", "DeadLetter", about)
        await self._bus.publish("dead.lockers", letter)

    def _fail(self, what: str, error: Exception) -> None:
        self.log.append((what, error))
        raise error


def arrived(parcel: str, *, readable: bool) -> Event:
    """Return the event that reports a parcel.

    >>> arrived("P7", readable=False).data
    {'size': '??'}
    """
    size = {"size": "M" if readable else "??"}
    return Event(f"{parcel}/arrived", "/hub", "ParcelArrived", size, parcel)


async def subscribe(world: Any, handler: Handler) -> None:
    """Subscribe lockers to the parcels that arrive."""
    bus = world.node("lockers").bus
    await bus.stream("PARCELS", ARRIVED)
    await bus.subscribe(ARRIVED, handler, durable="lockers", max_deliver=12)


async def publish(world: Any, parcels: Iterable[Event]) -> None:
    """Let these parcels arrive, a tenth of a second apart; wait until it is quiet."""
    for event in parcels:
        await world.node("hub").bus.publish(ARRIVED, event)
        await world.clock.sleep(0.1)
    await world.clock.sleep(60.0)
