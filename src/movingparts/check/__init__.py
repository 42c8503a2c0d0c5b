"""The exercise checkers: they evaluate what an answer does, not how it is written.

`check` runs an answer under seeds and faults and holds what it did against a table of
laws. `exercises` lists what there is, `hint` helps. An exercise's own `check.py` gives
a `Check`: inputs or a scenario, and `Law`s in order.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Any

from movingparts.check.answer import shown, where
from movingparts.check.exercise import Exercise, all_exercises
from movingparts.check.laws import Check, Law, Run, always, never, of
from movingparts.check.limits import SECONDS, Limits, OutOfTime
from movingparts.check.progress import Done, Progress
from movingparts.check.search import Search
from movingparts.check.verdict import Rejected, StillToDo, Verdict

__all__ = ["Check", "Exercise", "Hint", "Law", "Run", "UnknownExercise", "Verdict"]
__all__ += ["always", "check", "evaluate", "exercises", "hint", "never"]
__all__ += ["of", "shown", "where"]


class UnknownExercise(LookupError):
    """There is no exercise of that id; the message lists those there are."""


def exercises(chapter: int | None = None) -> list[Exercise]:
    """Return the exercises of a chapter, or of all chapters, in order.

    >>> [exercise.id for exercise in exercises(1)]
    ['1.1', '1.2', '1.3', '1.4', '1.5', '1.6']
    """
    found = all_exercises()
    if chapter is None:
        return list(found)
    return [each for each in found if each.id.startswith(f"{chapter}.")]


def check(exercise_id: str, answer: Any) -> Verdict:
    """Run an answer under many seeds and say what it does.

    An answer that passes is right about every run that was tried. One that fails gets
    the smallest run that was found to show why. Whatever the answer does, this returns
    a `Verdict`.

    Raises `UnknownExercise`, and `KeyboardInterrupt` if the reader interrupts.

    >>> def verdict(outcome):
    ...     raise NotImplementedError("Exercise 1.1: what does a failure tell you?")
    >>> check("1.1", verdict)
    Exercise 1.1 still to do: what does a failure tell you?
    """
    exercise = _find(exercise_id)
    verdict = evaluate(exercise, answer)
    if verdict.state == "still to do":
        return verdict
    progress = Progress()
    done = progress.of(exercise.id)
    passed = done.passed or verdict.passed
    progress.save(exercise.id, Done(done.hints, done.checks + 1, passed))
    return replace(verdict, note=" ".join(progress.notes))


def evaluate(exercise: Exercise, answer: Any, *, fast: bool = False) -> Verdict:
    """Return the verdict on an answer; with `fast`, its run is not made smaller.

    Keeps no progress. Raises `KeyboardInterrupt` if the reader interrupts.
    """
    limits = Limits()
    found: dict[str, Any] = {}
    with limits.around():
        try:
            found = _evaluated(exercise, answer, limits, fast)
        except StillToDo as todo:
            found = {"state": "still to do", "message": str(todo) or exercise.title}
        except Rejected as rejected:
            found = {"message": rejected.message, "misconception": rejected.name}
        except OutOfTime:
            text = (
                f"`{exercise.call.name}` was stopped after {SECONDS:.0f} s of processor"
                " time in one run: does a loop in it never end?"
            )
            found = {"message": text, "misconception": "never-returns"}
    found = {"state": "not yet", "printed": limits.printed.text, **found}
    return Verdict(exercise.id, **found)


def _evaluated(
    exercise: Exercise, answer: Any, limits: Limits, fast: bool
) -> dict[str, Any]:
    search = Search(exercise.check, answer, exercise.call, limits, fast=fast)
    trial, seen = search.run()
    if trial is not None:
        run = trial.recording
        return {
            "message": exercise.message(trial.broken),
            "misconception": trial.broken.name,
            "counterexample": run if run is not None and run.messages else None,
        }
    message = exercise.praise(len(seen), exercise.check.praise(seen))
    if search.changed:
        message += (
            f" It also changed `{search.changed}`, which belongs to the caller:"
            " work on a copy."
        )
    return {"state": "passed", "message": message}


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint, and which of how many it is.

    >>> Hint("1.2", 1, 3, "What would a second request find?")
    Exercise 1.2, hint 1 of 3: What would a second request find?
    """

    exercise_id: str
    number: int
    of: int
    text: str
    note: str = ""

    def __repr__(self) -> str:
        which = f"hint {self.number} of {self.of}"
        if self.number > self.of:
            which = f"after hint {self.of} of {self.of}"
        note = f"\n{self.note}" if self.note else ""
        return f"Exercise {self.exercise_id}, {which}: {self.text}{note}"


def hint(exercise_id: str) -> Hint:
    """Return the next hint of an exercise; after the last, where its solution is.

    Raises `UnknownExercise`.
    """
    exercise = _find(exercise_id)
    progress = Progress()
    done = progress.of(exercise.id)
    total = len(exercise.hints)
    number = min(done.hints, total) + 1
    if number <= total:
        progress.save(exercise.id, replace(done, hints=number))
        text = exercise.hints[number - 1]
    else:
        folder = f"labs/exercises/{exercise.lab}/{exercise.folder.name}"
        text = (
            f"the solution is in {folder}/solution.py, and"
            f" `print(exercises({exercise.id.partition('.')[0]})"
            f"[{int(exercise.id.partition('.')[2]) - 1}].solution)` shows it."
        )
    return Hint(exercise.id, number, total, text, " ".join(progress.notes))


def _find(exercise_id: str) -> Exercise:
    known = {exercise.id: exercise for exercise in exercises()}
    if str(exercise_id) in known:
        return known[str(exercise_id)]
    near = difflib.get_close_matches(str(exercise_id), known, n=1, cutoff=0.3)
    ask = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(f"{e.id} {e.title}" for e in known.values())
    raise UnknownExercise(
        f"there is no exercise {exercise_id!r}; {ask}There are: {listed}"
    )
