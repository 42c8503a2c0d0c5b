"""Every exercise, whatever its chapter: whole, solvable, and hard to get wrong.

Its folder is the data: the stub is still to do, the solution passes, and each wrong
answer breaks the law that it is named after. That a run is made as small as can be is
tested once, in test_evaluate.py.
"""

import re
from pathlib import Path

import nbformat
import pytest

from movingparts.check import evaluate, exercises
from tests.check.answering import answer
from tools.dev.exercises import cells

REPOSITORY = Path(__file__).parents[2]
LINES = 250  # of an exercise, with everything in its folder
ALL = exercises()
each_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda each: each.id)
each_wrong_answer = pytest.mark.parametrize(
    ("exercise", "law"),
    [(each, law) for each in ALL for law in each.wrong()],
    ids=lambda value: getattr(value, "id", value),
)


@each_exercise
def test_a_stub_is_still_to_do_and_no_failure(exercise):
    verdict = evaluate(exercise, answer(exercise, exercise.stub))
    assert ("still to do", False) == (verdict.state, bool(verdict))
    assert repr(verdict).startswith(f"Exercise {exercise.id} still to do: ")
    assert "\n" not in repr(verdict)


@each_exercise
def test_the_solution_passes(exercise):
    verdict = evaluate(exercise, answer(exercise, exercise.solution))
    assert (True, "") == (verdict.passed, verdict.misconception), verdict


@each_wrong_answer
def test_a_wrong_answer_breaks_the_law_of_its_name(exercise, law):
    verdict = evaluate(exercise, answer(exercise, exercise.wrong()[law]), fast=True)
    assert law == verdict.misconception, verdict
    assert not re.search(r"\{\w+\}|<.* at 0x", verdict.message), verdict.message


@each_exercise
def test_an_exercise_is_whole(exercise):
    assert exercise.difficulty in {"easy", "medium", "hard"}
    assert 5 <= exercise.minutes <= 90
    assert 3 == len(exercise.hints)
    assert all(text.endswith(("?", ".", ":")) for text in exercise.hints)
    assert exercise.transfer[0].endswith("?")
    assert exercise.transfer[1].endswith(".")
    assert f'NotImplementedError("Exercise {exercise.id}: ' in exercise.stub
    assert len(exercise.stub.splitlines()) <= 12
    assert re.search(rf"(def|class) {exercise.call.name}\b", exercise.solution)
    assert "NotImplementedError" not in exercise.solution
    assert 3 <= len(exercise.wrong()) <= 5


@each_exercise
def test_an_exercise_is_short(exercise):
    files = [*exercise.folder.rglob("*.py"), *exercise.folder.rglob("*.md")]
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
    assert lines <= LINES


@each_exercise
def test_each_law_has_its_paragraph_and_each_paragraph_its_law(exercise):
    laws = [law.name for law in exercise.check.laws]
    assert sorted(set(laws)) == sorted(exercise.laws)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in laws)
    nonsense = {"raises", "wrong-type", "keeps-between-calls", "never-returns"}
    assert set(exercise.wrong()) <= {*laws, *nonsense}


@each_exercise
def test_its_lab_has_its_text_its_stub_and_its_check(exercise):
    """`python -m tools.dev.exercises` writes them there."""
    lab = nbformat.read(REPOSITORY / "labs" / f"{exercise.lab}.ipynb", as_version=4)
    there = {cell.id: cell.source for cell in lab.cells}
    assert cells(exercise) == {key: there.get(key) for key in cells(exercise)}
    ids = [cell.id for cell in lab.cells]
    key = f"ex-{exercise.id.replace('.', '-')}"
    assert ids.index(f"{key}-stub") + 1 == ids.index(f"{key}-check")


def test_exercises_are_in_order_and_distinct():
    ids = [exercise.id for exercise in ALL]
    assert ids == sorted(set(ids), key=lambda known: [*map(int, known.split("."))])
    chapters = {int(exercise.lab[:2]) for exercise in ALL}
    assert ALL == [each for chapter in sorted(chapters) for each in exercises(chapter)]
    assert [] == exercises(99)


def test_no_file_of_an_exercise_has_a_place_of_this_machine():
    for exercise in ALL:
        for path in exercise.folder.rglob("*.*"):
            text = path.read_text("utf-8") if path.suffix in {".py", ".md"} else ""
            assert not re.search(r"/(home|root|tmp|work)/", text), path


def test_teachers_read_of_exercises_and_laws_that_there_are():
    text = (REPOSITORY / "book" / "teachers.md").read_text("utf-8")
    there = {exercise.id: exercise for exercise in ALL}
    typical = re.findall(r"^\| (\d+\.\d) \|.*\(`([\w-]+)`\)", text, re.MULTILINE)
    assert typical
    assert [] == [pair for pair in typical if pair[1] not in there[pair[0]].wrong()]
    assert set(re.findall(r"(?<![\w.])\d+\.\d(?![\w.])", text)) <= set(there)
