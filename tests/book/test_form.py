"""What holds for every chapter: its cells, its length, its exercises, its numbers.

What only one chapter's own runs can say is in a file of its own: test_chapter_01.py.
"""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from moving_parts_book.plan import read_plan

from movingparts.check import exercises
from tests.book import pages
from tests.book.chapters import CHAPTERS, ROOT, Chapter

MEASURED = sorted((ROOT / "bench" / "measured").glob("*.json"))
# A chapter that the cover promises is as long as one, and has its exercises. What a
# fork adds beside them may begin smaller (make new-chapter).
PROMISED = {chapter.slug for part in read_plan() for chapter in part.chapters}

each_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.name)
each_promised = pytest.mark.parametrize(
    "page",
    [page for page in CHAPTERS if page.name in PROMISED],
    ids=lambda page: page.name,
)


# --- cells --------------------------------------------------------------------------


@each_chapter
def test_cells_are_all_written_in_one_way(page: Chapter) -> None:
    """Three backticks, `{code-cell} ipython3`, options, code: so none is overlooked."""
    assert page.cells
    assert len(pages.CELL.findall(page.text)) == len(page.cells)


@each_chapter
def test_no_cell_is_longer_than_twelve_lines(page: Chapter) -> None:
    shown = [cell.source for cell in page.cells if "remove-cell" not in cell.tags]
    assert [] == [source for source in shown if len(source.splitlines()) > 12]


@each_chapter
def test_the_first_cell_has_the_imports_and_the_seed(page: Chapter) -> None:
    first = page.cells[0]
    assert "import" in first.source
    assert "SEED = " in first.source
    assert "remove-cell" not in first.tags


@each_chapter
def test_what_is_hidden_only_glues(page: Chapter) -> None:
    hidden = [cell.source for cell in page.cells if "remove-cell" in cell.tags]
    assert [] == [source for source in hidden if "glue(" not in source]


@each_chapter
def test_cells_that_need_sockets_are_not_live(page: Chapter) -> None:
    live = [cell for cell in page.cells if "live" in cell.tags]
    assert [] == [cell.source for cell in live if cell.local]


@each_promised
def test_its_runs_are_shown_in_four_figures_at_least(page: Chapter, site: Path) -> None:
    built = pages.article(site / "chapters" / page.name / "index.html")
    shown = built.select(".cell_output svg[role=img], .cell_output moving-parts-board")
    assert len(shown) >= 4


# --- text ---------------------------------------------------------------------------


@each_promised
def test_the_prose_is_as_long_as_a_chapter_may_be(page: Chapter) -> None:
    assert 1500 <= page.words <= 2500


@each_promised
def test_it_asks_three_questions_before_it_begins(page: Chapter) -> None:
    """Of earlier chapters, where there are any; and what happens is predicted later."""
    before, _, after = page.text.partition("{code-cell}")
    asked = re.findall(r"^`{3,}\{(?:question|again)\} (.+)$", before, re.MULTILINE)
    assert 3 == len(asked)
    assert "{predict}" in after


@each_promised
def test_its_last_sections_are_those_of_every_chapter(page: Chapter) -> None:
    closing = ["Build it", "In production", "When not to", "Exercises"]
    closing.append("Further reading")
    assert closing == [each for each in page.sections if each in closing]
    assert closing[-3:] == page.sections[-3:]


@each_promised
def test_further_reading_is_five_works_at_most(page: Chapter) -> None:
    reading = page.text.partition("\n## Further reading\n")[2]
    works = re.findall(r"^- .*$", reading, re.MULTILINE)
    assert 1 <= len(works) <= 5
    assert [] == [work for work in works if "{cite:t}`" not in work]


@each_chapter
def test_it_has_the_cards_of_its_exercises_in_order(page: Chapter) -> None:
    assert [each.id for each in exercises(page.number)] == page.cards


@each_promised
def test_it_has_at_least_five_exercises(page: Chapter) -> None:
    assert len(page.cards) >= 5


# --- numbers ------------------------------------------------------------------------


@each_promised
def test_its_text_speaks_of_numbers_of_its_own_runs(page: Chapter) -> None:
    assert page.numbers


@pytest.mark.slow
@each_chapter
def test_every_number_in_the_text_was_glued_and_every_glued_one_is_used(
    page: Chapter,
) -> None:
    assert page.numbers == set(page.run()["glued"])


@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.name)
def test_what_was_measured_says_when_and_on_what_and_not_on_whose(file: Path) -> None:
    text = file.read_text("utf-8")
    found = json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert re.fullmatch(r"\w+ on \w+, \d+ cores", found["machine"])
    assert re.fullmatch(r"\w+ \d+\.\d+\.\d+\S*", found["python"])
    assert socket.gethostname() not in text


def test_what_was_measured_is_shown_by_the_chapter_of_that_number() -> None:
    asked = {
        (page.name[:2], number)
        for page in CHAPTERS
        for number in re.findall(r"bench/measured/(\w+)\.json", page.text)
    }
    assert {(file.stem, file.stem) for file in MEASURED} == asked
