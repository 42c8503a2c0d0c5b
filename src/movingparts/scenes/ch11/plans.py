"""A chain of steps, and the ways to cut it into functions: see exercise 11.7."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step of a chain: what it does, and whether the step before needs its answer.

    `ms` is how long its own work takes, and `memory_mb` how much memory that needs.
    """

    name: str
    ms: float
    memory_mb: int
    answers: bool


Function = tuple[Step, ...]  # steps that run in one function, in order
Plan = tuple[Function, ...]  # all functions of a chain, in order


def plans(steps: Sequence[Step]) -> Iterator[Plan]:
    """Yield each way to cut a chain into functions.

    >>> a, b = Step("a", 1.0, 128, False), Step("b", 1.0, 128, True)
    >>> [len(plan) for plan in plans([a, b])]
    [1, 2]
    """
    chain = tuple(steps)
    for length in range(len(chain), 0, -1):
        for rest in plans(chain[length:]) if chain[length:] else [()]:
            yield (chain[:length], *rest)
