"""The search in Chromium: it finds words and names, by keyboard, at any address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.built import CHAPTER, Visit
from tests.browser.chromium import MARKS
from tests.browser.seen import violations
from tools.site import search

pytestmark = MARKS
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Visit]:
    """The worlds' page, in which the search is opened; nothing may go wrong there."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        visit = Visit(context.new_page(), base)
        visit.go("worlds/")
        yield visit
        assert [] == visit.problems()


def dialog(page: Page) -> Locator:
    return page.locator("dialog.mp-search-dialog")


def searched(page: Page, words: str) -> Locator:
    """Open the search, type, and return the links to what was found."""
    page.keyboard.press("Control+k")
    field = dialog(page).get_by_role("searchbox", name="Search the book")
    expect(field).to_be_focused()
    field.fill(words)
    expect(dialog(page).get_by_role("status")).to_contain_text(f"“{words}”")
    return dialog(page).get_by_role("link")


@pytest.fixture(scope="module", params=["base", "root"])
def searching(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The worlds' page, on a site under a path and on one at a host's root."""
    with browser.new_context() as context:
        visit = Visit(context.new_page(), request.getfixturevalue(request.param))
        visit.go("worlds/")
        yield visit
        assert [] == visit.problems()


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("lost reply", CHAPTER),
        ("idempotency", "glossary/"),
        ("Fowler", "bibliography/"),
        ("ask_pricing", CHAPTER),
        ("ask_pri", CHAPTER),
        ("world.serve", CHAPTER),
        ("simulate", "worlds/"),
        ("httpx.AsyncClient", "worlds/"),
        ("SimulatedWorld", "worlds/"),
    ],
)
def test_words_and_names_in_code_are_found(
    searching: Visit, words: str, where: str
) -> None:
    links = searched(searching.page, words)
    found = links.evaluate_all("list => list.map(a => a.href.split('#')[0])")
    assert searching.base + where in found
    searching.page.keyboard.press("Escape")


def test_places_in_a_page_lead_to_their_section(visit: Visit, base: str) -> None:
    """The first hit inside the chapter names its section, and goes there."""
    searched(visit.page, "ask_pricing")
    place = dialog(visit.page).locator(f"a[href*='{CHAPTER}#']").first
    expect(place.locator("mark").first).to_contain_text("ask_pricing")
    place.click()
    address = re.escape(base + CHAPTER)
    visit.page.wait_for_url(re.compile(rf"{address}#[\w-]+$"))
    section = visit.page.url.partition("#")[2]
    heading = visit.page.locator(f"#{section} > :is(h1, h2, h3)").first
    expect(heading).to_be_in_viewport()


def test_the_keyboard_alone_goes_through_the_hits(visit: Visit, base: str) -> None:
    """Down into the hits, up into the field, Enter to the page."""
    page = visit.page
    links = searched(page, "idempotency")
    page.keyboard.press("ArrowDown")
    expect(links.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(dialog(page).get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    target = links.first.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(re.escape(str(target))))


def test_escape_gives_the_focus_back(visit: Visit) -> None:
    page = visit.page
    button = page.get_by_role("button", name="Search").first
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("world")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(button).to_be_focused()


def test_a_slash_opens_the_search_but_not_while_somebody_types(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("/")
    field = dialog(page).get_by_role("searchbox")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")


def test_nothing_found_says_what_to_try(visit: Visit) -> None:
    links = searched(visit.page, "zxqvj")
    expect(links).to_have_count(0)
    expect(dialog(visit.page).get_by_role("status")).to_contain_text("Try fewer words")


def test_answers_are_not_found(visit: Visit) -> None:
    """A search that shows the answer of a question would spoil it."""
    links = searched(visit.page, "HTTP promises nothing about a second one")
    text = " ".join(links.all_inner_texts())
    assert "promises nothing about a second one" not in text.replace("\n", " ")


def test_nothing_of_it_is_loaded_before_it_is_opened(visit: Visit) -> None:
    assert [] == [r.url for r in visit.asked if "/pagefind/" in r.url]


def test_the_page_of_the_search_keeps_its_words_in_the_address(visit: Visit) -> None:
    page = visit.go("search/?q=idempotency")
    hits = page.locator("[data-search-page]").get_by_role("link")
    expect(hits.first).to_be_visible()
    page.get_by_role("searchbox").fill("ask_pricing")
    expect(page.locator("[data-search-page]").get_by_role("status")).to_contain_text(
        "ask_pricing"
    )
    page.wait_for_url(re.compile(r"\?q=ask_pricing$"))


def test_hostile_words_are_words(visit: Visit) -> None:
    """The text of ?q= is shown as written, and runs nowhere."""
    opened: list[str] = []
    visit.page.on("dialog", lambda box: (opened.append(box.message), box.dismiss()))
    page = visit.go(f"search/?q={quote(HOSTILE)}")
    status = page.locator("[data-search-page]").get_by_role("status")
    expect(status).to_contain_text(HOSTILE)
    assert 0 == page.locator("[data-search-page] :is(img, script)").count()
    assert [] == opened


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_search_passes_axe_and_fits(
    browser: Browser, base: str, width: int, scheme: str
) -> None:
    """Marks of what was found are readable, too, in both color schemes."""
    with browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its literals
        bypass_csp=True,
    ) as context:
        visit = Visit(context.new_page(), base)
        page = visit.go(CHAPTER)
        searched(page, "pricing")
        assert [] == violations(page, within="dialog[open]")
        assert width >= page.evaluate("document.documentElement.scrollWidth")
        assert [] == visit.problems()


def test_an_index_that_does_not_load_is_reported(browser: Browser, base: str) -> None:
    """And the next try works."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base)
        page.route("**/pagefind/pagefind.js", lambda route: route.abort())
        page.keyboard.press("Control+k")
        page.get_by_role("searchbox").fill("world")
        shown = dialog(page).get_by_role("status")
        expect(shown).to_contain_text("could not be loaded")
        page.unroute("**/pagefind/pagefind.js")
        page.keyboard.press("Enter")
        expect(shown).to_contain_text("“world”")


def test_without_javascript_the_index_of_terms_is_there(
    browser: Browser, base: str
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(base + "search/")
        article = page.locator("article")
        article.get_by_role("link", name="index of terms").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Index")


def test_the_index_comes_without_pagefinds_own_faces(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<html lang="en"><body><article class="bd-article"><h1>A</h1><p>larkspur</p>'
        "</article></body></html>"
    )
    search.index(tmp_path)
    names = {file.name for file in (tmp_path / "pagefind").iterdir()}
    assert "pagefind.js" in names
    assert [] == [name for name in names if "-ui." in name]
