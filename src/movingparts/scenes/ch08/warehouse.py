"""A warehouse's log of what came in and went out, which may be gone: exercise 8.6."""

from __future__ import annotations

from dataclasses import dataclass


class Gone(Exception):
    """The log can't be read: ask again later."""


class OtherLog(Exception):
    """This isn't the log that was copied: definite, nothing was copied from it."""


@dataclass(frozen=True)
class Event:
    """So many pallets came in, or went out if `change` is below 0.

    `at` is a number of seconds; `id` is the event's alone.
    """

    position: int
    id: str
    at: int
    change: int


class Log:
    """Events in the order of time; `reads` is how many reads are left until it's gone.

    >>> Log([Event(1, "a", at=60, change=5)]).read(0)
    [Event(position=1, id='a', at=60, change=5)]
    """

    def __init__(self, events: list[Event], reads: int = 1000) -> None:
        self._events, self._reads = events, reads

    def read(self, after: int) -> list[Event]:
        """Return the next three events after that position at most, or raise Gone."""
        self._reads -= 1
        if self._reads < 0:
            raise Gone("the warehouse doesn't answer")
        return self._events[after : after + 3]
