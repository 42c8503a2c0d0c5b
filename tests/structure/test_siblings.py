"""A chapter's name ties its text, lab, exercises, printed modules and tests."""

import json
from pathlib import Path

import pytest

from tools.dev.chapters import names
from tools.dev.siblings import problems

ROOT = Path(__file__).parents[2]
NAME = "18-whose-turn"


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A book of one chapter with everything that belongs to it."""
    for folder in (f"chapters/{NAME}", "labs/exercises", "tests/labs", "book", "src"):
        (tmp_path / folder).mkdir(parents=True)
    text = "# Whose turn\n\n```{literalinclude} ../../src/turn.py\n```\n"
    (tmp_path / "chapters" / NAME / "index.md").write_text("# Whose turn\n")
    (tmp_path / "chapters" / NAME / "1-first.md").write_text(text)
    cell = {"cell_type": "code", "source": ["1"], "execution_count": 1, "outputs": []}
    (tmp_path / "labs" / f"{NAME}.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "labs" / "exercises" / NAME).mkdir()
    (tmp_path / "tests" / "labs" / "test_18_whose_turn.py").write_text("")
    (tmp_path / "src" / "turn.py").write_text("")
    pages = [f"chapters/{NAME}/index", f"chapters/{NAME}/1-first", f"labs/{NAME}"]
    contents = "".join(f"- file: {page}\n" for page in pages)
    (tmp_path / "book" / "_toc.yml").write_text(contents)
    return tmp_path


def test_each_chapter_of_the_book_is_complete() -> None:
    assert names(ROOT)
    assert [] == problems(ROOT)


def test_a_complete_chapter_has_no_problems(complete: Path) -> None:
    assert [] == problems(complete)


@pytest.mark.parametrize(
    ("gone", "output"),
    [
        (f"labs/{NAME}.ipynb", f"labs/{NAME}.ipynb is not there"),
        (f"labs/exercises/{NAME}", f"labs/exercises/{NAME} is not there"),
        ("src/turn.py", "it prints turn.py, which is not there"),
        ("tests/labs/test_18_whose_turn.py", "no test in tests/labs is about it"),
    ],
)
def test_what_is_missing_beside_a_chapter_is_named(
    complete: Path, gone: str, output: str
) -> None:
    path = complete / gone
    path.rmdir() if path.is_dir() else path.unlink()
    [problem] = problems(complete)
    assert problem.startswith(f"chapters/{NAME}")
    assert problem.endswith(f": {output}")


def test_a_chapter_that_the_contents_leave_out_is_named(complete: Path) -> None:
    contents = f"- file: labs/{NAME}\n- file: chapters/{NAME}/index\n"
    (complete / "book" / "_toc.yml").write_text(contents)
    output = f"chapters/{NAME}: book/_toc.yml does not list chapters/{NAME}/1-first"
    assert [output] == problems(complete)


def test_a_lab_without_a_chapter_is_named(complete: Path) -> None:
    (complete / "labs" / "19-alone.ipynb").write_text('{"cells": []}')
    output = "labs/19-alone.ipynb: there is no chapters/19-alone"
    assert [output] == problems(complete)


def test_a_number_given_twice_is_named(complete: Path) -> None:
    (complete / "chapters" / "18-other").mkdir()
    (complete / "chapters" / "18-other" / "index.md").write_text("# Other\n")
    assert "chapters: the number 18 is given twice" in problems(complete)


def test_a_lab_that_was_not_run_is_named(complete: Path) -> None:
    lab = complete / "labs" / f"{NAME}.ipynb"
    lab.write_text(
        lab.read_text().replace('"execution_count": 1', '"execution_count": 7')
    )
    output = f"labs/{NAME}.ipynb: not committed as run from top to bottom"
    assert [output] == problems(complete)
