"""Parcels that get a locker each, in exercise 5.4: some labels can't be read at first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from movingparts.core.bus import Handler
from movingparts.core.event import Event

ARRIVED = "parcels.arrived"
DEAD = "dead.lockers"


class Unreadable(ValueError):
    """Nobody can handle this event as it is: definite, nothing was done."""


class Lockers:
    """What `handle(event, lockers)` is given.

    `seen` is a set of ids of its own that survives a restart. `unreadable` and `down`
    say which parcels fail now, by name; `no_letters` how often the bus refuses a dead
    letter. The log has what was done, as (what, whom or why).
    """

    def __init__(self, publish: Callable[[str, Event], Awaitable[None]]) -> None:
        self.seen: set[str] = set()
        self.unreadable: set[str] = set()
        self.down: set[str] = set()
        self.no_letters = 0
        self.assigned: list[str] = []
        self.log: list[tuple[str, Any]] = []
        self._publish = publish

    async def assign(self, event: Event) -> None:
        """Give the parcel a locker, each time anew, and text its code."""
        parcel = str(event.subject)
        if parcel in self.unreadable:
            error: Exception = Unreadable(f"size is {event.data['size']!r}")
        elif parcel in self.down:
            error = ConnectionError("the text message gateway is down")
        else:
            self.assigned.append(parcel)
            self.log.append(("assigned", parcel))
            return
        self.log.append(("failed", error))
        raise error

    async def set_aside(self, event: object, reason: object) -> None:
        """Publish a dead letter with an event and the reason."""
        if self.no_letters:
            self.no_letters -= 1
            error = ConnectionError("the bus does not answer")
            self.log.append(("no letter", error))
            raise error
        self.log.append(("set aside", (event, reason)))
        body = event.to_body() if isinstance(event, Event) else event
        about = {"subject": ARRIVED, "reason": str(reason), "event": body}
        number = f"lockers:{len(self.log)}:{id_of(event)}"
        await self._publish(DEAD, Event(number, "/lockers", "DeadLetter", about))


def id_of(event: object) -> str:
    """Return an event's id, or what there is instead.

    >>> id_of(None)
    'none'
    """
    return event.id if isinstance(event, Event) else "none"


def arrived(parcel: str, *, readable: bool) -> Event:
    """Return the event that reports a parcel.

    >>> arrived("P7", readable=False).data
    {'size': '??'}
    """
    size = "M" if readable else "??"
    return Event(f"{parcel}/arrived", "/hub", "ParcelArrived", {"size": size}, parcel)


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
