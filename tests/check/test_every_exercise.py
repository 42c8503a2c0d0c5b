"""Every exercise: its stub is still to do, its solution passes, wrong answers do not.

The wrong answers of chapter NN are `WRONG` in test_chNN.py, which has them rejected.
"""

import importlib

import pytest

from movingparts.check import check, exercises
from tests.labs.labs import answer

each_exercise = pytest.mark.parametrize(
    "exercise", exercises(), ids=lambda exercise: exercise.id
)


@each_exercise
def test_a_stub_is_still_to_do_and_no_failure(exercise):
    verdict = check(exercise.id, answer(exercise, exercise.stub))
    assert (verdict.state, bool(verdict)) == ("still to do", False)
    assert repr(verdict).startswith(f"Exercise {exercise.id} still to do: ")
    assert "\n" not in repr(verdict)


@pytest.mark.slow
@each_exercise
def test_the_solution_passes(exercise):
    """The solution that `exercises()` shows is enough, with what the lab has above."""
    verdict = check(exercise.id, answer(exercise, exercise.solution))
    assert (verdict.passed, verdict.misconception) == (True, ""), verdict


@each_exercise
def test_three_misconceptions_at_least_are_told_apart(exercise):
    """(exercise, answer, misconception), each of which the chapter's tests reject."""
    chapter = int(exercise.id.partition(".")[0])
    tests = importlib.import_module(f"tests.check.test_ch{chapter:02}")
    assert tests.test_a_wrong_answer_is_rejected_for_its_own_reason
    own = [(given, why) for number, given, why in tests.WRONG if number == exercise.id]
    assert len({why for _, why in own}) >= 3
