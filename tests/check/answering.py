"""Answers to exercises, from their text."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from movingparts.check import Exercise


def answer(exercise: Exercise, text: str) -> Any:
    """Run an answer's text and return what is to be checked.

    A wrong answer may import the right one from `solution`.
    """
    solution = ModuleType("solution")
    exec(compile(exercise.solution, "solution.py", "exec"), vars(solution))
    scope: dict[str, Any] = {"__name__": "answer"}
    before = sys.modules.get("solution")
    sys.modules["solution"] = solution
    try:
        exec(compile(text, "answer.py", "exec"), scope)
    finally:
        del sys.modules["solution"]
        if before is not None:
            sys.modules["solution"] = before
    return scope[exercise.call.name]
