"""What a wrong answer may believe: a theory that predicts what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Theory:
    """A belief: its name, what one who holds it says of a question, why it is wrong.

    >>> Theory("all-odd", lambda n: True, "4 is even.").says(4)
    True
    """

    name: str
    says: Callable[[Any], Any]
    why: str


def believed(
    theories: Sequence[Theory],
    questions: Sequence[Any],
    said: Sequence[Any],
    true: Sequence[Any],
) -> Theory | None:
    """Return the theory that predicts the most of what was said, wrong things too.

    Of several that do equally well it is the first; None where no theory predicts any
    of what is wrong.

    >>> odd = Theory("all-odd", lambda n: True, "4 is even.")
    >>> believed([odd], [3, 4], said=[True, True], true=[True, False]).name
    'all-odd'
    >>> believed([odd], [3, 4], said=[False, False], true=[True, False]) is None
    True
    """
    best: Theory | None = None
    most = 0
    for theory in theories:
        predicted = [theory.says(question) for question in questions]
        hits = sum(p == s for p, s in zip(predicted, said, strict=True))
        caught = any(p == s != t for p, s, t in zip(predicted, said, true, strict=True))
        if caught and hits > most:
            best, most = theory, hits
    return best
