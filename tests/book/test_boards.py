"""Boards in pages: who pays for the script, and what paper and e-readers get."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from tests.book.conftest import EXTENSIONS
from tests.draw.stormings import HALF, figure
from tools.print import epub
from tools.print.print_pages import PrintedPage, prepare
from tools.site import policy, search

CONF = """\
extensions = ["myst_nb", "moving_parts_book"]
html_theme = "basic"
"""


def build(folder: Path, html: str) -> BeautifulSoup:
    """Build a page with this output, as a cell would have left it."""
    folder.mkdir()
    (folder / "conf.py").write_text(CONF)
    raw = f"```{{raw}} html\n{html}\n```\n"
    (folder / "index.md").write_text(f"# Boards\n\n{raw}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "dirhtml", ".", "out"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXTENSIONS), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    page = (folder / "out" / "index.html").read_text("utf-8")
    return BeautifulSoup(page, "html.parser")


@pytest.mark.slow
def test_script_and_style_are_loaded_where_a_board_is(tmp_path: Path) -> None:
    """A page without one does not pay for it."""
    asks = 'script[type=module][src*="js/board.js"], link[href*="css/board.css"]'
    page = build(tmp_path / "with", figure().html())
    assert 2 == len(page.select(asks))
    assert 1 == len(page.select("moving-parts-board > script"))
    assert [] == build(tmp_path / "without", "<p>None</p>").select(asks)


def test_the_policy_of_a_page_lets_it_in() -> None:
    """Its styles are known by their hashes; nothing else in it needs permission."""
    page = f"<html><head></head><body>{figure(HALF).html()}</body></html>"
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy.with_policy(page)


def printed() -> PrintedPage:
    """A page with a board, as paper and e-readers take it."""
    soup = BeautifulSoup(
        f"<article><section><h1>Storming</h1>{figure(HALF).html()}</section></article>",
        "html.parser",
    )
    assert isinstance(soup.article, Tag)
    page = PrintedPage("chapters/02-a", "chapters/02-a/", None, "", soup.article)
    prepare(page)
    return page


def test_paper_gets_the_wall_and_both_tables() -> None:
    """No workspace, no control, no data; the tables are at the end of the page."""
    article = printed().article
    assert 18 == len(article.select("figure .mp-card"))
    assert 8 == len(article.select("figure .mp-rules > li"))
    assert "in stations" in article.get_text()
    assert [] == article.select("script, style, button, input, .mp-workspace, [hidden]")
    assert "not sorted" not in article.get_text()
    rows = [len(table.select("tbody tr")) for table in article.select("table")]
    assert [18, 8] == rows
    assert 2 == len(article.select("figure .mp-refs a"))


def test_an_e_reader_gets_no_attribute_that_it_does_not_know() -> None:
    page = printed()
    epub.adapt(page)
    document = epub.written(page)
    assert "moving-parts-board" in document
    assert "<moving-parts-board" not in document
    names = {name for each in page.article.find_all(True) for name in each.attrs}
    assert {"class", "id", "href", "role", "aria-label", "scope"} >= names


def test_the_search_does_not_read_its_cards_twice() -> None:
    assert "moving-parts-board" in search.NOT_SEARCHED
