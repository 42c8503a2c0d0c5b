"""How chapter 02 asks: facts and cards go in, their names are to come out."""

from __future__ import annotations

import traceback
from typing import Any

from movingparts.check.answer import Answer
from movingparts.check.verdict import AnswerRaised, Rejected


def asked(answer: Answer, *arguments: object) -> Any:
    """Call an answer; raise `Rejected` with a hint where it keeps things as keys.

    Contexts and cards have dicts in them, and Python would say no more than that a
    dict cannot be hashed, at a line that is not the answer's.
    """
    try:
        return answer(*arguments)
    except AnswerRaised as raised:
        if not _hashes(raised.error):
            raise
        text = (
            f"`{answer.name}` puts the objects themselves into a set, or takes them as"
            " keys, and those cannot be hashed. Take their names: each has a `.name`."
        )
        raise Rejected("things-for-names", text) from None


def _hashes(error: BaseException) -> bool:
    """Say whether an error is that of an object which cannot be hashed."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, TypeError) and frames[-1].name == "__hash__"
