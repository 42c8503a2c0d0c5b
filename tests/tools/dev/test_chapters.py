"""What belongs to a chapter is found by names and by what its pages print."""

import subprocess
import textwrap
from pathlib import Path

import pytest

from tools.dev import junit
from tools.dev.budget import BASE, LINES, WHY, costs, over, row, table
from tools.dev.chapters import Owners, names, pages
from tools.dev.check import Change

ROOT = Path(__file__).parents[3]
FILES = {
    "chapters/03-rules-inside/index.md": """\
        # Rules inside
        ```{literalinclude} ../../src/movingparts/repository.py
        ```
        ```{literalinclude} ../../src/movingparts/world/core.py
        ```
        ```{literalinclude} ../../src/movingparts/city/rides/model.py
        ```
        from movingparts.contention import twenty
        from movingparts.city import day
        """,
    "chapters/08-the-log/index.md": "# The log\n",
    "chapters/08-the-log/1-facts.md": """\
        ```{literalinclude} ../../src/movingparts/replay.py
        ```
        ```{literalinclude} ../../src/movingparts/repository.py
        ```
        """,
    "chapters/index.md": "# All chapters\n",
    "labs/03-rules-inside.ipynb": '{"cells": [{"source": ["a\\n", "b"]}]}',
    "labs/exercises/08-the-log/1-replay/check.py": "x = 1\n",
    "src/movingparts/repository.py": "x = 1\n",
    "src/movingparts/contention.py": "x = 1\n",
    "src/movingparts/replay.py": "x = 1\n",
    "src/movingparts/scenes/ch08/broken.py": "x = 1\n",
    "src/movingparts/world/core.py": "x = 1\n",
    "src/movingparts/city/rides/model.py": "x = 1\n",
    "tests/test_repository.py": "import movingparts.repository\n",
    "tests/city/test_day.py": "import movingparts.repository\n",
    "tests/city/test_rides.py": "x = 1\n",
    "tests/world/test_core.py": "x = 1\n",
    "tests/world/rigs.py": "x = 1\n",
    "tests/structure/test_lock.py": "x = 1\n",
    "tests/tools/dev/test_budget.py": "x = 1\n",
    "tests/book/test_chapter_03.py": "x = 1\n",
    "tools/dev/budget.py": "x = 1\n",
}

NONE: tuple[set[str], set[str]] = (set(), set())


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small book of two chapters."""
    root = tmp_path_factory.mktemp("book")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_a_chapter_is_a_folder_of_pages(book: Path) -> None:
    assert ["03-rules-inside", "08-the-log"] == names(book)
    found = [one.name for one in pages(book, names(book)[1])]
    assert ["index.md", "1-facts.md"] == found


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("chapters/08-the-log/1-facts.md", "08"),
        ("chapters/index.md", None),
        ("labs/03-rules-inside.ipynb", "03"),
        ("labs/exercises/08-the-log/1-replay/check.py", "08"),
        ("src/movingparts/scenes/ch08/broken.py", "08"),
        ("src/movingparts/repository.py", "03"),  # both print it, 03 is the first
        ("src/movingparts/contention.py", "03"),  # imported from the top folder
        ("src/movingparts/replay.py", "08"),
        ("src/movingparts/world/core.py", None),  # shared, though it is printed
        ("src/movingparts/city/rides/model.py", None),
        ("tests/test_repository.py", "03"),
        ("tests/labs/test_03_rules_inside.py", "03"),
        ("tests/book/test_chapter_03.py", "03"),
        ("tests/browser/walk/chapter-08.yml", "08"),
        ("tests/city/test_day.py", None),
        ("docs/adr/0003-anything.md", None),
    ],
)
def test_a_file_belongs_to_its_chapter_or_to_the_base(
    book: Path, path: str, owner: str | None
) -> None:
    assert owner == Owners(book).of_file(path)


@pytest.mark.parametrize(
    ("test", "owner"),
    [
        ("tests/labs/test_every_lab.py::test_it[03-rules-inside]", "03"),
        ("tests/browser/test_x.py::test_page[360-chapters/08-the-log/1-facts/]", "08"),
        ("tests/browser/test_x.py::test_page[ch08-dark]", "08"),
        ("tests/check/test_exercises.py::test_rejects[3.2-too-late]", "03"),
        ("tests/check/test_exercises.py::test_passes[8.1]", "08"),
        ("tests/check/test_exercises.py::test_passes[3-2-late]", "03"),
        ("tests/check/test_exercises.py::test_passes[7.1]", None),  # not written
        ("tests/world/test_core.py::test_waits[3.2]", None),  # a number
        ("tests/labs/test_every_lab.py::test_takes[13.2.1]", None),
        ("src/movingparts/replay.py::movingparts.replay.Replay", "08"),
        ("tests/test_repository.py::test_it", "03"),
        ("tests/city/test_day.py::test_it", None),
    ],
)
def test_a_test_belongs_to_the_chapter_of_its_file_or_its_parameters(
    book: Path, test: str, owner: str | None
) -> None:
    owners = Owners(book)
    assert owner == owners.of_test(test)
    assert owner == owners.of_case(junit.name(test))


def test_a_report_that_names_a_class_is_understood(book: Path) -> None:
    owners = Owners(book)
    assert "03" == owners.of_case("tests.test_repository.TestSaving::test_once")


def test_lines_are_counted_by_what_they_are(book: Path, tmp_path: Path) -> None:
    found = costs(book, tmp_path)
    assert {"text": 9, "lab": 2, "mechanisms": 2, "tests": 2} == found["03"].lines
    assert {"text": 5, "exercises": 1, "mechanisms": 1, "scenes": 1} == (
        found["08"].lines
    )
    assert {"text": 1, "mechanisms": 2, "tests": 6, "other": 1} == found[BASE].lines


def test_seconds_add_up_to_the_wall_time_of_the_parts(
    book: Path, tmp_path: Path
) -> None:
    """Two workers: 30 s of tests in a part that took 15."""
    own, other = "tests.test_repository::test_it", "tests.city.test_day::test_it"
    junit.write(tmp_path / "unit.xml", 15.0, {own: 20.0, other: 10.0})
    run = {"chapters/08-the-log/1-facts::run": 4.0, "book::build": 6.0}
    junit.write(tmp_path / "book.xml", 10.0, run)
    seconds = {number: cost.seconds for number, cost in costs(book, tmp_path).items()}
    assert {"03": 10.0, "08": 4.0, BASE: 11.0} == pytest.approx(seconds)


def test_what_is_over_its_bar_is_named(book: Path, tmp_path: Path) -> None:
    found = costs(book, tmp_path)
    assert [] == over(found)
    found["08"].lines["text"] = 6_000
    found["03"].seconds, found[BASE].seconds = 75.6, 481.0
    largest = "with 6,000 of text and 1 of exercises"
    assert [
        "Chapter 03 is 1 s over its 75 s.",
        f"Chapter 08 is 1,003 lines over its 5,000, {largest}. {WHY['08']}",
        "The base is 1 s over its 480 s.",
    ] == over(found)


def test_each_chapter_of_the_book_that_is_over_its_lines_says_why(
    tmp_path: Path,
) -> None:
    found = costs(ROOT, tmp_path)
    more = {n for n, cost in found.items() if cost.lines.total() > LINES["chapter"]}
    assert more - {BASE} == set(WHY)


def test_the_table_has_a_row_for_each_chapter_the_base_and_all(
    book: Path, tmp_path: Path
) -> None:
    rows = list(table(costs(book, tmp_path)))
    assert ["03", "08", BASE, "all"] == [line.split()[0] for line in rows[1:]]
    assert 1 == len({len(line) for line in rows})
    assert row("all", costs(book, tmp_path)["03"]).split()[-2:] == ["15", "0"]


@pytest.mark.parametrize(
    ("file", "tests", "chapters", "pages"),
    [
        ("chapters/08-the-log/1-facts.md", set(), {"08"}, {"08"}),
        ("labs/03-rules-inside.ipynb", set(), {"03"}, set()),
        ("labs/exercises/08-the-log/1-replay/check.py", set(), {"08"}, set()),
        ("src/movingparts/world/core.py", {"tests/world/test_core.py"}, *NONE),
        ("src/movingparts/city/rides/model.py", {"tests/city/test_rides.py"}, *NONE),
        ("src/movingparts/city/rides/app/api.py", {"tests/city/test_rides.py"}, *NONE),
        ("src/movingparts/world/local/site.py", {"tests/world"}, *NONE),
        ("tests/world/rigs.py", {"tests/world"}, *NONE),
        ("tests/book/test_pages.py", set(), *NONE),
        ("tools/dev/budget.py", {"tests/tools/dev/test_budget.py"}, *NONE),
        ("tools/dev/gone.py", set(), *NONE),
        ("README.md", set(), *NONE),
        # the chapter's own tests run with the chapter
        ("src/movingparts/repository.py", {"tests/city/test_day.py"}, {"03"}, set()),
    ],
)
def test_a_change_touches_what_mirrors_it_what_imports_it_and_its_chapter(
    book: Path, file: str, tests: set[str], chapters: set[str], pages: set[str]
) -> None:
    found = Change(book, [file]).touched()
    own = {path for path in found.tests if path != file and path != "tests/structure"}
    assert (tests, chapters, pages) == (own, found.chapters, found.pages)
    assert file.startswith("src/") == found.typed
