"""What `check`, `exercises` and `hint` promise, whatever the exercise."""

import json
from pathlib import Path

import pytest

from movingparts.check import UnknownExercise, Verdict, check, exercises, hint
from movingparts.check.progress import Done, Progress, here


def todo(outcome):
    raise NotImplementedError("Exercise 1.1: not begun")


def wrong(outcome):
    return "maybe"


def progress_file():
    return json.loads(here().read_text(encoding="utf-8"))["exercises"]


# --- exercises ---------------------------------------------------------------------


def test_an_unknown_exercise_is_answered_with_those_there_are():
    with pytest.raises(UnknownExercise) as caught:
        check("1.11", wrong)
    output = str(caught.value)
    assert "'1.11'" in output
    assert "did you mean '1.1'?" in output
    assert all(f"{exercise.id} {exercise.title}" in output for exercise in exercises())


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


def test_a_verdict_is_true_if_it_passed():
    states = {state: bool(Verdict("1.1", state, "")) for state in ("passed", "not yet")}
    assert states == {"passed": True, "not yet": False}


# --- hints and progress ---------------------------------------------------------------


def test_hints_come_one_by_one_and_then_the_solution():
    output = [repr(hint("1.2")) for _ in range(5)]
    assert [text.split(":")[0] for text in output] == [
        "Exercise 1.2, hint 1 of 3",
        "Exercise 1.2, hint 2 of 3",
        "Exercise 1.2, hint 3 of 3",
        "Exercise 1.2, after hint 3 of 3",
        "Exercise 1.2, after hint 3 of 3",
    ]
    assert "exercises/01-one-ride-two-services/2-charge-once/solution.py" in output[3]
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


def test_progress_is_beside_the_notebook_by_default(monkeypatch, tmp_path):
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
def test_a_broken_file_is_set_aside_and_reported(text):
    here().write_bytes(text.encode("utf-8", "surrogateescape"))
    output = hint("1.1")
    assert (output.number, "progress.broken-1.json" in output.note) == (1, True)
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
