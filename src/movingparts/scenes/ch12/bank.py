"""A bank's calls on one day, and what it wants: see exercise 12.7."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """How one service calls another.

    `repeatable` says whether each of its requests may be done twice; 99 of 100 took
    `p99` seconds or less.
    """

    caller: str
    service: str
    repeatable: bool
    p99: float


@dataclass(frozen=True)
class Rules:
    """What the business says.

    `forbidden` are pairs (caller, service) that must end, `rare` are calls that are
    needed and were not seen on this day, and `public` are services for everyone.
    """

    forbidden: frozenset[tuple[str, str]] = frozenset()
    rare: Sequence[Call] = ()
    public: frozenset[str] = frozenset()
