"""A bank that is down, and 200 events that try again: exercise 11.6.

Times are seconds. Leaves out: instances, and calls that the bank does for nobody.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

EVENTS = 200
DECLINED = 10  # of them, whose card the bank declines
RATE = 20  # calls a second that the bank answers; to others it says that it's busy
PATIENCE = 2.0  # until a caller gives up on a bank that is down
MAX_AGE = 900.0  # after that, nobody wants the charge any more
ENDS = 1_500.0
MOST = 10_000  # calls in one run

Decide = Callable[[str, int, float, float], float | None]


@dataclass
class Outage:
    """How long the bank was down, who called it when, and what became of the events."""

    down: float
    calls: list[tuple[float, int]] = field(default_factory=list)
    done: dict[int, float] = field(default_factory=dict)
    given_up: dict[int, float] = field(default_factory=dict)
    declined: set[int] = field(default_factory=set)
    again: int = 0  # calls for a card that was already declined
    shortest: float = 0.0  # the shortest wait, if that is below 0
    served: Counter[int] = field(default_factory=Counter)

    def answer(self, at: float, event: int) -> str:
        """Return what the bank says to a call: "" if it has charged."""
        self.calls.append((at, event))
        self.again += event in self.declined
        if at < self.down:
            return "timeout"
        self.served[int(at)] += 1
        if self.served[int(at)] > RATE:
            return "busy"
        return "declined" if event < DECLINED else ""


def play(decide: Decide, *, down: float, random: Random) -> Outage:
    """Send all events at once; `decide` says when each is tried again."""
    found = Outage(down)
    due = [(0.0, event, 0) for event in range(EVENTS)]
    while due and due[0][0] < ENDS and len(found.calls) < MOST:
        at, event, failures = heapq.heappop(due)
        error = found.answer(at, event)
        if not error:
            found.done[event] = at
            continue
        if error == "declined":
            found.declined.add(event)
        age = round(at + PATIENCE * (error == "timeout"), 6)
        wait = decide(error, failures + 1, age, random.random())
        if wait is None:
            found.given_up[event] = age
            continue
        found.shortest = min(found.shortest, wait)
        again = round(age + max(wait, 0.0), 6)
        heapq.heappush(due, (again, event, failures + 1))
    return found
