"""Load balancing: which copy of a service gets the next request."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from movingparts.core.random import Random

# Picks one of the copies; the mapping says how many requests each is working on.
Pick = Callable[[Sequence[str], Mapping[str, int]], str]


def round_robin() -> Pick:
    """Return a way to pick: each copy in turn.

    >>> pick = round_robin()
    >>> [pick(["a", "b"], {}) for _ in range(3)]
    ['a', 'b', 'a']
    """
    turns = itertools.count()

    def pick(copies: Sequence[str], busy: Mapping[str, int]) -> str:
        return copies[next(turns) % len(copies)]

    return pick


def least_requests(random: Random) -> Pick:
    """Return a way to pick: a copy with the fewest requests under way."""

    def pick(copies: Sequence[str], busy: Mapping[str, int]) -> str:
        fewest = min(busy[copy] for copy in copies)
        return random.choice([copy for copy in copies if busy[copy] == fewest])

    return pick


def two_choices(random: Random) -> Pick:
    """Return a way to pick: the less busy one of two copies drawn at random.

    The busiest of all is never asked, since any other is less busy.

    Source: Mitzenmacher 2001.
    """

    def pick(copies: Sequence[str], busy: Mapping[str, int]) -> str:
        drawn = random.sample(copies, min(2, len(copies)))
        return min(drawn, key=busy.__getitem__)

    return pick


class Balancer:
    """Shares requests among the copies of a service, and counts those under way.

    The counts are this caller's own: it doesn't know what others send.

    >>> balancer = Balancer(round_robin())
    >>> with balancer.choose(["rides-1", "rides-2"]) as copy:
    ...     print(copy, balancer.busy[copy])
    rides-1 1

    Source: chapter 12. Leaves out: weights, zones, and a slow start for new copies.
    """

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self.busy: Counter[str] = Counter()

    @contextmanager
    def choose(self, copies: Sequence[str]) -> Iterator[str]:
        """Pick a copy; it has one more request until the block ends.

        Raises `NoCopies` if there is none.
        """
        if not copies:
            raise NoCopies("no copy is known")
        copy = self._pick(copies, self.busy)
        self.busy[copy] += 1
        try:
            yield copy
        finally:
            self.busy[copy] -= 1


class NoCopies(LookupError):
    """A service has no copy that could be asked; nothing was sent."""
