"""The exercise checkers: they judge what an answer does, not how it is written.

`check` runs an answer in simulated worlds with seeded faults and reads the recordings
and the services' own databases. `exercises` lists what there is, `hint` helps.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from movingparts.check import folder
from movingparts.check.answer import Answer
from movingparts.check.evaluate import Evaluation, find_seed
from movingparts.check.exercise import Exercise
from movingparts.check.folder import all_exercises
from movingparts.check.guard import Guard
from movingparts.check.laws import Check, Law, Run, always, never
from movingparts.check.limits import SECONDS, Limits, OutOfTime
from movingparts.check.meter import measured
from movingparts.check.progress import Done, Progress
from movingparts.check.verdict import Complaint, Rejected, StillToDo, Verdict

if TYPE_CHECKING:
    from movingparts.check.exercise import Judgement

__all__ = ["Check", "Exercise", "Hint", "Law", "Run", "UnknownExercise", "Verdict"]
__all__ += ["always", "never"]
__all__ += ["check", "exercises", "find_seed", "hint"]


class UnknownExercise(LookupError):
    """There is no exercise of that id; the message lists those there are."""


def exercises(chapter: int | None = None) -> list[Exercise]:
    """Return the exercises of a chapter, or of all chapters, in order.

    >>> [exercise.id for exercise in exercises(1)]
    ['1.1', '1.2', '1.3', '1.4', '1.5']
    """
    from movingparts.check import ch01, ch02, ch03

    ported = {each.id: each for each in all_exercises()}
    old = [*ch01.EXERCISES, *ch02.EXERCISES, *ch03.EXERCISES]
    found: list[Any] = [ported.get(each.id, each) for each in old]
    if chapter is None:
        return found
    return [each for each in found if each.id.startswith(f"{chapter}.")]


def check(exercise_id: str, answer: Any) -> Verdict:
    """Run an answer under many seeds and say what it does.

    An answer that passes is right about every run that was tried. One that fails gets
    the shortest run that shows why. Whatever the answer does, this returns a `Verdict`.

    Raises `UnknownExercise`, and `KeyboardInterrupt` if the reader interrupts.

    >>> def verdict(outcome):
    ...     raise NotImplementedError("Exercise 1.1: what does a failure tell you?")
    >>> check("1.1", verdict)
    Exercise 1.1 still to do: what does a failure tell you?
    """
    exercise = _find(exercise_id)
    if isinstance(exercise, folder.Exercise):
        verdict = evaluate(exercise, answer)
    else:
        verdict = _judged(exercise, answer)
    if verdict.state == "still to do":
        return verdict
    progress = Progress()
    done = progress.of(exercise.id)
    passed = done.passed or verdict.passed
    progress.save(exercise.id, Done(done.hints, done.checks + 1, passed))
    return replace(verdict, note=" ".join(progress.notes))


def evaluate(exercise: folder.Exercise, answer: Any, *, fast: bool = False) -> Verdict:
    """Return the verdict on an answer; with `fast`, not of its smallest run.

    Keeps no progress. Raises `KeyboardInterrupt` if the reader interrupts.
    """
    limits = Limits()
    said: dict[str, Any] = {}
    with limits.around():
        try:
            said = _evaluated(exercise, answer, limits, fast)
        except StillToDo as todo:
            said = {"state": "still to do", "message": str(todo) or exercise.title}
        except Rejected as rejected:
            why = rejected.complaint
            said = {"message": why.message, "misconception": why.misconception}
        except OutOfTime:
            text = (
                f"`{exercise.call.name}` was stopped after {SECONDS:.0f} s of processor"
                " time in one run: does a loop in it never end?"
            )
            said = {"message": text, "misconception": "never-returns"}
    said = {"state": "not yet", "printed": limits.printed.text, **said}
    return Verdict(exercise.id, **said)


def _evaluated(
    exercise: folder.Exercise, answer: Any, limits: Limits, fast: bool
) -> dict[str, Any]:
    check = exercise.check
    evaluation = Evaluation(check, answer, exercise.call, limits, fast=fast)
    found = evaluation.search()
    if found.trial is not None:
        trial = found.trial
        run = trial.recording
        return {
            "message": exercise.message(trial.broken),
            "misconception": trial.broken.name,
            "counterexample": run if run is not None and run.messages else None,
        }
    message = exercise.praise(len(found.seen), check.praise(found.seen))
    if evaluation.changed:
        message += (
            f" It also changed `{evaluation.changed}`, which belongs to the caller:"
            " work on a copy."
        )
    return {"state": "passed", "message": message}


def _judged(exercise: Exercise, thing: Any) -> Verdict:
    if measured():
        text = "An answer that is being checked cannot call `check` itself."
        return Verdict(exercise.id, "not yet", text, "checks-itself")
    guard = Guard(thing)
    failed: BaseException | None = None
    found: Judgement | None = None
    try:
        with guard.standing():
            try:
                found = exercise.judge(Answer(thing, exercise.call))
            except BaseException as error:  # noqa: BLE001  # each ends in a sentence
                failed = error.with_traceback(None)
    except BaseException as error:  # noqa: BLE001  # a stop that came a moment later
        failed = error.with_traceback(None)
    if guard.interrupted:
        raise KeyboardInterrupt
    verdict = _verdict(exercise, guard, found, failed)
    return replace(verdict, printed=guard.printed.text)


def _verdict(
    exercise: Exercise,
    guard: Guard,
    found: Judgement | None,
    failed: BaseException | None,
) -> Verdict:
    """Return what to say; what the guard has seen weighs more than what was found."""
    if isinstance(failed, StillToDo):
        return Verdict(exercise.id, "still to do", str(failed) or exercise.title)
    trial = found.failing if found is not None else None
    complaint = _stopped(exercise.call.name, guard, failed)
    if complaint is None and trial is not None:
        complaint = trial.complaint
    if complaint is None:
        praise = found.praise if found is not None else ""
        return Verdict(exercise.id, "passed", praise)
    shown = trial.recording if trial is not None and trial.recording.messages else None
    return Verdict(
        exercise.id, "not yet", complaint.message, complaint.misconception, shown
    )


def _stopped(name: str, guard: Guard, failed: BaseException | None) -> Complaint | None:
    """Return what is wrong with an answer that could not be judged by its runs."""
    if guard.tampered:
        text = f"It changes what it runs in ({guard.tampered[0]}), which was put back."
        return Complaint("tampers", text)
    if guard.meter.reason is not None:
        return Complaint(*guard.meter.reason)
    if guard.meter.tripped:
        text = f"`{name}` was stopped: it loops, or calls itself, without end."
        return Complaint("never-returns", text)
    if isinstance(failed, Rejected):
        return failed.complaint
    if failed is not None:
        kind = type(failed).__name__
        return Complaint("raises", f"`{name}` broke its own run: {kind} came of it.")
    return None


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
        text = (
            f"the solution is in labs/solutions/{exercise.lab}.py,"
            f" and in exercises(), as `.solution` of {exercise.id}."
        )
    return Hint(exercise.id, number, total, text, " ".join(progress.notes))


def _find(exercise_id: str) -> Any:
    known = {exercise.id: exercise for exercise in exercises()}
    if str(exercise_id) in known:
        return known[str(exercise_id)]
    near = difflib.get_close_matches(str(exercise_id), known, n=1, cutoff=0.3)
    ask = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(f"{e.id} {e.title}" for e in known.values())
    raise UnknownExercise(
        f"there is no exercise {exercise_id!r}; {ask}There are: {listed}"
    )
