"""What `check`, `exercises` and `hint` promise, whatever the exercise."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from movingparts.check import UnknownExercise, Verdict, check, exercises, hint
from movingparts.check.exercise import SECTION, solutions
from movingparts.check.progress import Done, Progress, here
from movingparts.check.search import Trial, find_seed, shrunk, worst
from movingparts.check.verdict import Complaint
from movingparts.world.core import Recording
from movingparts.world.core.recording import Fault, Message

REPOSITORY = Path(__file__).parents[2]


def todo(outcome):
    raise NotImplementedError("Exercise 1.1: not begun")


def wrong(outcome):
    return "maybe"


def progress_file():
    return json.loads(here().read_text(encoding="utf-8"))["exercises"]


# --- exercises ---------------------------------------------------------------------


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_an_exercise_is_whole(exercise):
    assert exercise.difficulty in {"easy", "medium", "hard"}
    assert len(exercise.hints) == 3
    assert all(text.endswith(("?", ".")) for text in exercise.hints)
    assert len(exercise.transfer) == 2
    assert exercise.transfer[0].endswith("?")
    assert f'NotImplementedError("Exercise {exercise.id}: ' in exercise.stub
    assert re.search(rf"(def|class) {exercise.call.name}\b", exercise.solution)
    assert "NotImplementedError" not in exercise.solution
    assert (REPOSITORY / "labs" / f"{exercise.lab}.ipynb").is_file()


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_a_lab_has_the_stub_and_the_check_of_its_exercises(exercise):
    lab = nbformat.read(REPOSITORY / "labs" / f"{exercise.lab}.ipynb", as_version=4)
    cells = [cell.source.strip() for cell in lab.cells]
    at = cells.index(exercise.stub.strip())
    assert cells[at + 1] == f'check("{exercise.id}", {exercise.call.name})'


def test_exercises_are_in_order_and_told_apart():
    ids = [exercise.id for exercise in exercises()]
    assert ids == sorted(set(ids), key=lambda known: [*map(int, known.split("."))])


def test_the_exercises_of_a_chapter_are_those_of_its_lab():
    labs = {exercise.lab for exercise in exercises()}
    for lab in labs:
        own = [exercise for exercise in exercises() if exercise.lab == lab]
        assert own == exercises(int(lab[:2]))
    assert sum(len(exercises(int(lab[:2]))) for lab in labs) == len(exercises())
    assert [] == exercises(99)


def test_a_solution_file_has_a_section_for_each_exercise_and_no_other():
    for lab in {exercise.lab for exercise in exercises()}:
        sections = SECTION.findall(solutions(lab))
        assert sections == [e.id for e in exercises() if e.lab == lab]


def test_an_unknown_exercise_is_answered_with_those_there_are():
    with pytest.raises(UnknownExercise) as caught:
        check("1.11", wrong)
    said = str(caught.value)
    assert "'1.11'" in said
    assert "did you mean '1.1'?" in said
    assert all(f"{exercise.id} {exercise.title}" in said for exercise in exercises())


@pytest.mark.parametrize("odd", [None, 1.1, "", ["1.1"], object()])
def test_an_id_of_any_type_is_no_crash(odd):
    if odd == 1.1:
        assert check(odd, todo).state == "still to do"
        return
    with pytest.raises(UnknownExercise):
        check(odd, todo)
    with pytest.raises(UnknownExercise):
        hint(odd)


# --- verdicts -----------------------------------------------------------------------


def recorded(*labels):
    recording = Recording("simulated", seed=7)
    for number, label in enumerate(labels):
        recording.messages.append(
            Message(number, "request", "rider", "rides", label, number * 1_000)
        )
    return recording


def test_a_verdict_is_true_if_it_passed():
    states = {state: bool(Verdict("1.1", state, "")) for state in ("passed", "not yet")}
    assert states == {"passed": True, "not yet": False}


def test_a_verdict_shows_its_counterexample_as_text_and_as_a_figure():
    run = recorded("POST /rides")
    verdict = Verdict("1.2", "not yet", "Twice. <b>", "post-twice", run)
    assert repr(verdict).startswith("Exercise 1.2 not yet: Twice. <b>\n")
    assert "POST /rides" in repr(verdict)
    page = verdict._repr_html_()
    assert "<svg" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b></b>", "")
    assert page == verdict._repr_html_()


def test_a_verdict_without_figures_shows_a_table(monkeypatch):
    """`draw` is optional: a checker works where it cannot be imported."""
    import sys

    monkeypatch.setitem(sys.modules, "movingparts.draw", None)
    verdict = Verdict("1.2", "not yet", "Twice.", "post-twice", recorded("POST /x"))
    assert "<svg" not in verdict._repr_html_()
    assert '<table class="mp-table">' in verdict._repr_html_()


# --- searching ------------------------------------------------------------------------


def trial(seed, without, fails):
    """A run with faults a, b and c, which fails as long as those in `fails` happen."""
    recording = recorded(*["x"] * (10 - seed))
    recording.faults = [Fault(k, 0, k) for k in "abc" if k not in without]
    happened = {fault.key for fault in recording.faults}
    complaint = Complaint("m", "wrong") if set(fails) <= happened else None
    return Trial(seed, recording, complaint)


def test_a_counterexample_keeps_the_faults_that_it_needs_and_no_other():
    found = shrunk(lambda s, w: trial(s, w, "ac"), trial(1, (), "ac"))
    assert [fault.key for fault in found.recording.faults] == ["a", "c"]


def test_a_counterexample_has_the_fewest_messages_among_the_seeds():
    found = worst(lambda s, w: trial(s, w, "b"), range(5))
    assert (found.seed, len(found.recording.messages)) == (4, 6)


def test_a_counterexample_has_the_fewest_faults_rather_than_messages():
    """The shortest run needs three faults, a longer one needs one of them."""
    found = worst(lambda s, w: trial(s, w, "abc" if s == 4 else "b"), range(5))
    assert (found.seed, [fault.key for fault in found.recording.faults]) == (3, ["b"])


def test_steps_are_left_out_like_faults_and_many_at_a_time():
    """Of 40 steps two are needed: they are found in far fewer runs than 40."""
    runs = []

    def run(seed, without):
        runs.append(without)
        steps = tuple(str(n) for n in range(40) if str(n) not in without)
        complaint = Complaint("m", "wrong") if {"11", "12"} <= set(steps) else None
        recording = trial(9, without, "").recording
        return Trial(seed, recording, complaint, steps)

    found = shrunk(run, run(0, ()))
    assert (found.steps, found.recording.faults) == (("11", "12"), [])
    assert len(runs) < 40


def test_an_answer_that_never_fails_has_no_counterexample():
    assert worst(lambda s, w: trial(s, w, "z"), range(5)) is None


def test_a_seed_search_that_finds_nothing_says_none():
    async def fine(world, service):
        return None

    assert find_seed(fine, None, range(3)) is None


# --- hints and progress ---------------------------------------------------------------


def test_hints_come_one_by_one_and_then_the_solution():
    said = [repr(hint("1.2")) for _ in range(5)]
    assert [text.split(":")[0] for text in said] == [
        "Exercise 1.2, hint 1 of 3",
        "Exercise 1.2, hint 2 of 3",
        "Exercise 1.2, hint 3 of 3",
        "Exercise 1.2, after hint 3 of 3",
        "Exercise 1.2, after hint 3 of 3",
    ]
    assert "labs/solutions/01-one-ride-two-services.py" in said[3]
    assert progress_file() == {"1.2": {"hints": 3, "checks": 0, "passed": False}}


def test_a_stub_leaves_no_file_behind():
    check("1.1", todo)
    assert not here().exists()
    assert not here().parent.joinpath(".movingparts").exists()


@pytest.mark.slow
def test_checks_are_counted_and_what_passed_stays_passed():
    check("1.1", wrong)
    Progress().save("1.1", Done(hints=2, checks=1, passed=True))
    check("1.1", wrong)
    assert progress_file() == {"1.1": {"hints": 2, "checks": 2, "passed": True}}


def test_progress_stands_beside_the_notebook_unless_it_is_told_otherwise(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("MOVINGPARTS_PROGRESS")
    monkeypatch.chdir(tmp_path)
    hint("1.1")
    assert (tmp_path / ".movingparts" / "progress.json").is_file()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": "other"}',
        '{"format": "movingparts.progress/1"}',
        '{"format": "movingparts.progress/1", "exercises": []}',
        '{"format": "movingparts.progress/1", "exercises": {"1.1": {"hints": "2"}}}',
        (
            '{"format": "movingparts.progress/1", "exercises": {"1.1": '
            '{"hints": -1, "checks": 0, "passed": true}}}'
        ),
        "[" * 100_000,
        "\udcff",
    ],
    ids=range(11),
)
def test_a_broken_file_is_set_aside_and_said(text):
    here().write_bytes(text.encode("utf-8", "surrogateescape"))
    said = hint("1.1")
    assert (said.number, "progress.broken-1.json" in said.note) == (1, True)
    aside = here().with_name("progress.broken-1.json")
    assert aside.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert hint("1.1").number == 2
    here().write_text("broken again", encoding="utf-8")
    assert "progress.broken-2.json" in hint("1.1").note


@pytest.mark.slow
def test_where_nothing_can_be_written_a_note_says_so(monkeypatch, tmp_path):
    """As in a browser tab, or on a read-only disk; here a file is in the way."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MOVINGPARTS_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert "Progress is not kept" in hint("1.1").note
    assert "Progress is not kept" in repr(check("1.1", wrong))


def test_a_write_that_fails_leaves_the_old_file(monkeypatch):
    Progress().save("1.1", Done(hints=1))
    old = here().read_text(encoding="utf-8")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    progress = Progress()
    progress.save("1.1", Done(hints=2))
    assert progress.notes == [
        "Progress is not kept: progress.json: No space left on device."
    ]
    assert here().read_text(encoding="utf-8") == old
    assert [path.name for path in here().parent.iterdir()] == ["progress.json"]


def test_no_text_of_an_exercise_has_a_place_of_this_machine():
    texts = [e.statement + e.stub + e.solution + str(e.hints) for e in exercises()]
    assert not any(re.search(r"/(home|root|tmp|work)/", text) for text in texts)
