"""What holds for every page of every chapter: its limits (STYLE.md), its numbers.

What only one chapter's own runs can show is in a separate file: test_chapter_01.py.
"""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from bs4 import Tag
from moving_parts_book.plan import read_plan

from movingparts.check import exercises
from tests.book import pages
from tests.book.chapters import CHAPTERS, PAGES, ROOT, TERM, Page

MEASURED = sorted((ROOT / "bench" / "measured").glob("*.json"))
# A chapter that the cover promises has five exercises. What a fork adds beside them may
# begin smaller (make new-chapter).
PROMISED = {chapter.slug for part in read_plan() for chapter in part.chapters}

SHORT = [page for page in PAGES if not page.is_index]


def each(pages: list[Page]) -> pytest.MarkDecorator:
    """Ask it of each page, by name."""
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


each_page = each(SHORT)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def built(page: Page, site: Path) -> Tag:
    """The article of a page as it was built."""
    address = page.name.removesuffix("index")
    return pages.article(site / "chapters" / address / "index.html")


def of(chapter: str) -> list[Page]:
    """The pages of a chapter, without its index."""
    return [page for page in SHORT if page.chapter == chapter]


# --- cells --------------------------------------------------------------------------


@each_page
def test_cells_are_all_written_in_one_way(page: Page) -> None:
    """Three backticks, `{code-cell} ipython3`, options, code: so none is overlooked."""
    assert page.cells
    assert len(pages.CELL.findall(page.text)) == len(page.cells)


@each_page
def test_no_cell_is_longer_than_twelve_lines(page: Page) -> None:
    shown = [cell.source for cell in page.cells if "remove-cell" not in cell.tags]
    assert [] == [source for source in shown if len(source.splitlines()) > 12]


@each_page
def test_what_is_hidden_only_glues(page: Page) -> None:
    hidden = [cell.source for cell in page.cells if "remove-cell" in cell.tags]
    assert [] == [source for source in hidden if "glue(" not in source]


@each_page
def test_cells_that_need_sockets_are_not_live(page: Page) -> None:
    live = [cell for cell in page.cells if "live" in cell.tags]
    assert [] == [cell.source for cell in live if cell.local]


# --- what a page may hold at most (STYLE.md) ----------------------------------------


@each_page
def test_a_page_is_read_in_ten_minutes(page: Page) -> None:
    assert page.words <= 900


@each_page
def test_a_page_shows_few_cells_and_never_three_in_a_row(page: Page) -> None:
    assert sum(cell.seen for cell in page.cells) <= 12
    assert page.in_a_row <= 2


@each_page
def test_a_page_shows_few_lines_of_code(page: Page, site: Path) -> None:
    found = built(page, site).select(".cell_input pre, div.highlight-python pre")
    listings = {
        listing.get_text()
        for listing in found
        if not listing.find_parent("details")
        and not listing.find_parent(class_="cell_output")
    }
    lines = [line for text in listings for line in text.splitlines() if line.strip()]
    assert len(lines) <= 120


@each_page
def test_a_page_has_three_figures_at_most(page: Page, site: Path) -> None:
    shown = [
        output
        for output in built(page, site).select(".cell_output")
        if output.select_one("svg[role=img], moving-parts-board")
    ]
    assert 1 <= len(shown) <= 3


@each_page
def test_a_page_takes_few_names_from_the_package(page: Page) -> None:
    assert len(page.imported) <= 8


@each_page
def test_a_page_has_four_new_terms_at_most_and_one_in_a_paragraph(page: Page) -> None:
    before = {term for each in PAGES[: PAGES.index(page)] for term in each.terms}
    new = set(page.terms) - before
    assert len(new) <= 4
    for paragraph in page.text.split("\n\n"):
        found = {term.lower() for term in TERM.findall(paragraph)} & new
        assert len(found) <= 1, paragraph


# --- how a page begins and ends -----------------------------------------------------


@each_page
def test_what_breaks_is_on_the_first_screen(page: Page) -> None:
    assert page.before_it_breaks <= 90


@each_page
def test_it_ends_with_what_to_remember_and_one_question(page: Page) -> None:
    text = page.section("What to remember")
    assert 1 == len(re.findall(r"^`{3,}\{question\} ", text, re.MULTILINE))
    after = page.sections[page.sections.index("What to remember") + 1 :]
    assert set(after) <= {"Exercises", "Further reading"}


@each_chapter
def test_its_first_page_asks_about_the_chapters_before_once_it_broke(
    chapter: str,
) -> None:
    first = of(chapter)[0]
    before, _, quiz = first.text.partition(":::{quiz}")
    quiz = quiz.partition("\n:::\n")[0]
    asked = re.findall(r"^`{3,}\{question\} ", quiz, re.MULTILINE)
    assert "{code-cell}" in before
    assert len(asked) in (range(4) if chapter == CHAPTERS[0] else (2, 3))


@each_chapter
def test_its_index_is_a_map_with_what_to_know_and_what_to_learn(chapter: str) -> None:
    index = next(p for p in PAGES if p.name == f"{chapter}/index")
    assert ["After this chapter you can", "What you need", "Pages"] == index.sections
    assert "```{chapter-pages}" in index.text
    assert index.words <= 300
    assert [] == index.cells


@each_chapter
def test_it_predicts_runs_in_production_and_says_when_not_to(chapter: str) -> None:
    # Chapter 12 has one idea for each part of a mesh, and two for the mesh itself.
    assert len(of(chapter)) <= (7 if chapter.startswith("12-") else 5)
    assert len(of(chapter)) >= 2 or chapter not in PROMISED
    text = "".join(page.text for page in of(chapter))
    assert "{predict}" in text
    sections = [section for page in of(chapter) for section in page.sections]
    assert {"In production", "When not to"} <= set(sections)
    assert "Further reading" == of(chapter)[-1].sections[-1]
    assert 1 == sections.count("Further reading")


@each_chapter
def test_further_reading_is_five_works_at_most(chapter: str) -> None:
    reading = of(chapter)[-1].section("Further reading")
    works = re.findall(r"^- .*$", reading, re.MULTILINE)
    assert 1 <= len(works) <= 5
    assert [] == [work for work in works if "{cite:t}`" not in work]


@each_chapter
def test_it_has_the_cards_of_its_exercises(chapter: str) -> None:
    cards = [card for page in PAGES if page.chapter == chapter for card in page.cards]
    assert [each.id for each in exercises(int(chapter[:2]))] == sorted(cards)


@pytest.mark.parametrize("chapter", sorted(PROMISED & set(CHAPTERS)))
def test_a_promised_chapter_has_at_least_five_exercises(chapter: str) -> None:
    assert len(exercises(int(chapter[:2]))) >= 5


# --- numbers ------------------------------------------------------------------------


@pytest.mark.slow
@each_page
def test_every_number_in_the_text_was_glued_and_every_glued_one_is_used(
    page: Page,
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
        for page in PAGES
        for number in re.findall(r"bench/measured/(\w+)\.json", page.text)
    }
    assert {(file.stem, file.stem) for file in MEASURED} == asked
