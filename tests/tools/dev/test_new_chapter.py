"""A chapter that `make new-chapter` starts is complete, passes and builds."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.dev import siblings
from tools.dev.chapters import names
from tools.dev.new_chapter import ChapterError, fill, listed, promised, start
from tools.site import build, frontend

ROOT = Path(__file__).parents[3]
NAME = "18-whose-turn"

# What holds for every chapter and for every lab.
FORM = (
    *("cells.py", "book/chapters.py", "book/conftest.py", "book/pages.py"),
    *("book/test_form.py", "labs/labs.py", "labs/test_every_lab.py"),
)

CONTENTS = """\
format: jb-book
root: book/glossary
parts:
  - caption: Beside the chapters
    chapters:
      - file: book/bibliography
"""


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the book without its chapters, and a new one started in it."""
    root = tmp_path_factory.mktemp("fork")
    shutil.copytree(
        ROOT / "book", root / "book", ignore=shutil.ignore_patterns("_build")
    )
    (root / "book" / "_toc.yml").write_text(CONTENTS)
    for folder in ("chapters", "labs"):
        (root / folder).mkdir()
    for folder in ("src", "tools"):
        (root / folder).symlink_to(ROOT / folder, target_is_directory=True)
    start(root, "18", "whose-turn", "Whose turn")
    return root


def environment(fork: Path) -> dict[str, str]:
    """An environment in which the fork's own exercises are found."""
    return {**frontend.environment(), "PYTHONPATH": str(fork / "src")}


@pytest.fixture(scope="module")
def built(fork: Path) -> Path:
    """The fork's book, as Sphinx builds it: no warning is let pass."""
    result = subprocess.run(
        [sys.executable, *build.COMMAND],
        cwd=fork,
        env=environment(fork),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == result.returncode, result.stdout + result.stderr
    return fork / "book" / "_build" / "dirhtml"


@pytest.mark.slow
def test_nothing_is_missing_beside_it(fork: Path) -> None:
    assert [NAME] == names(fork)
    assert [] == siblings.problems(fork)


@pytest.mark.slow
def test_it_passes_its_own_tests_and_those_of_every_chapter_and_lab(
    fork: Path, built: Path
) -> None:
    """Its form, and its lab, which runs to the same outputs again, also solved.

    What is promised on the cover is held to more: two pages, and five exercises.
    """
    for name in FORM:
        (fork / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, fork / "tests" / name)
    tests = [f"tests/{name}" for name in FORM if "/test_" in name]
    own = "tests/labs/test_18_whose_turn.py"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", own, *tests],
        cwd=fork,
        env={**environment(fork), "BOOK_SITE": str(built)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == result.returncode, result.stdout + result.stderr
    assert 1 == result.stdout.count(f"{own}::")
    assert 1 == result.stdout.count(f"again[{NAME}] PASSED")
    assert 12 <= result.stdout.count(" PASSED")


@pytest.mark.slow
def test_it_builds_without_a_warning(built: Path) -> None:
    page = built / "chapters" / NAME / "1-one-lost-reply" / "index.html"
    assert "waited 5 s for a reply from station" in page.read_text("utf-8")


@pytest.mark.slow
def test_a_number_is_given_once(fork: Path) -> None:
    with pytest.raises(ChapterError, match=f"is there already: chapters/{NAME}"):
        start(fork, "18", "another", "Another")


@pytest.mark.parametrize("template", ["page.md.in", "lab.txt.in", "tests.py.in"])
def test_a_number_below_ten_is_a_number_in_code_as_well(template: str) -> None:
    """`SEED = 08` is no Python, and an exercise of chapter 08 is 8.1."""
    values = {"number": "08", "plain": "8", "slug": "x", "title": "X", "name": "08-x"}
    text = fill(template, values)
    if template.endswith(".py.in"):
        ast.parse(text)
    assert "SEED = 0" not in text
    assert "seed=0" not in text
    assert "08.1" not in text


@pytest.mark.parametrize(
    ("number", "slug", "title", "result"),
    [
        ("", "whose-turn", "Whose turn", "A number, a slug and a title are needed"),
        ("18", "", "Whose turn", "A number, a slug and a title are needed"),
        ("18", "whose-turn", "", "A number, a slug and a title are needed"),
        ("8", "whose-turn", "Whose turn", "'8-whose-turn' is not NN-slug"),
        ("18", "Whose_Turn", "Whose turn", "'18-Whose_Turn' is not NN-slug"),
        ("18", "../up", "Whose turn", "'18-../up' is not NN-slug"),
    ],
)
def test_what_cannot_be_a_chapter_is_refused(
    tmp_path: Path, number: str, slug: str, title: str, result: str
) -> None:
    with pytest.raises(ChapterError, match=result):
        start(tmp_path, number, slug, title)
    assert [] == list(tmp_path.iterdir())


def test_the_contents_keep_the_order_of_the_numbers() -> None:
    contents = (
        "parts:\n  - caption: One\n    chapters:\n"
        "      - file: chapters/01-one/index\n"
        "        sections:\n          - file: labs/01-one\n"
        "      - file: chapters/09-nine/index\n"
        "  - caption: Beside\n    chapters:\n      - file: book/glossary\n"
    )
    after = listed(contents, "05-five")
    pages = [line.split()[-1] for line in after.splitlines() if "file:" in line]
    assert [
        "chapters/01-one/index",
        "labs/01-one",
        "chapters/05-five/index",
        "chapters/05-five/1-one-lost-reply",
        "labs/05-five",
        "chapters/09-nine/index",
        "book/glossary",
    ] == pages


def test_the_cover_promises_the_chapters_of_its_plan_and_no_other() -> None:
    assert promised(ROOT, names(ROOT)[0])
    assert not promised(ROOT, NAME)
    assert not promised(ROOT, names(ROOT)[0][:5])
