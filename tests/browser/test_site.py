"""The built book in Chromium, served as a static host would, also under a path."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import built
from tests.browser.chromium import MARKS
from tools.serve import SiteServer

ROOT = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ.get("BOOK_SITE", ROOT / "book" / "_build" / "dirhtml"))
pytestmark = MARKS
CHAPTER = "chapters/01-one-ride-two-services/"


class Visit:
    """A page that was opened, with what it asked for and complained of."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.outside: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        page.on("requestfailed", lambda r: self.complaints.append(f"failed: {r.url}"))

    def _asked(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.base, "data:", "blob:")):
            self.outside.append(url)

    def _said(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.complaints.append(str(getattr(message, "text", "")))

    def go(self, path: str) -> Page:
        self.page.goto(self.base + path, wait_until="load")
        return self.page


@pytest.fixture(scope="module", params=["/", "/moving-parts/"])
def base(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the site, at the root of a host and under a sub-path."""
    assert (BUILT / "index.html").is_file(), "build the book first: make book"
    with SiteServer(BUILT, prefix=request.param).running() as url:
        yield url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_each_page_fits_its_screen_and_asks_nobody_else(
    browser: Browser, base: str, width: int, scheme: str
) -> None:
    """No sideways scrolling, no request to another host, no word on the console."""
    with browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its literals
    ) as context:
        for path in built.addresses():
            visit = Visit(context.new_page(), base)
            page = visit.go(path)
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            page.wait_for_timeout(150)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} px wide"
            assert [] == visit.outside, path
            assert [] == visit.complaints, path
            page.close()


def test_a_page_that_is_not_there_leads_back(browser: Browser, base: str) -> None:
    """At any depth, and under a sub-path: the page looks for the book's root itself."""
    host = base.partition("/moving-parts")[0].rstrip("/") + "/"
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        visit = Visit(context.new_page(), host)
        page = visit.page
        answer = page.goto(base + "no/such/page/", wait_until="networkidle")
        assert answer is not None
        assert 404 == answer.status
        assert [] == visit.outside
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("link", name="The cover").click()
        page.wait_for_load_state()
        assert base == page.url
        expect(page.get_by_role("heading", level=1)).to_contain_text("Moving Parts")


def test_the_figures_of_the_chapter_play(browser: Browser, base: str) -> None:
    """By mouse and by keyboard, and the map is a key away."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        visit = Visit(context.new_page(), base)
        page = visit.go(CHAPTER)
        players = page.locator("moving-parts-player")
        assert players.count() >= 1
        player = players.first
        player.scroll_into_view_if_needed()
        slider = player.locator("input[type=range]")
        expect(slider).to_be_visible()
        end = slider.input_value()
        player.get_by_role("button", name="Play", exact=False).first.click()
        page.wait_for_timeout(300)
        assert slider.input_value() != end
        slider.focus()
        page.keyboard.press("Home")
        assert float(slider.input_value()) < float(end)
        page.keyboard.press("End")
        assert end == slider.input_value()
        assert [] == visit.outside
        assert [] == visit.complaints


def test_answers_hints_and_solutions_open_without_javascript(
    browser: Browser, base: str
) -> None:
    """Folds are the page's own, and figures are there as drawings."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(base + CHAPTER)
        folds = page.locator("article details")
        assert folds.count() >= 20
        card = page.locator("#exercise-1-1")
        expect(card).to_be_visible()
        hidden = card.locator("details").last
        hidden.locator("summary").click()
        expect(hidden).to_have_attribute("open", "")
        assert page.locator("moving-parts-player svg").count() >= 1


def test_every_chapter_figure_says_what_it_shows(browser: Browser, base: str) -> None:
    """Each drawing has a title for those who do not see it, and a table beside it."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base + CHAPTER)
        titles = page.eval_on_selector_all(
            "article svg[role=img]",
            "list => list.map(s => s.querySelector('title')?.textContent ?? '')",
        )
        assert len(titles) >= 4
        assert all(titles)


def test_every_link_leads_on_within_the_site(browser: Browser, base: str) -> None:
    """From the cover over each link: pages and places are there, on this site."""
    seen: dict[str, set[str]] = {}
    wanted = {base: {""}}
    with browser.new_context() as context:
        while todo := sorted(set(wanted) - set(seen)):
            visit = built.Visit(context.new_page(), base)
            answer = visit.page.goto(todo[0], wait_until="load")
            assert answer is not None
            seen[todo[0]] = places(visit.page)
            for address in links(visit.page):
                page, _, place = address.partition("#")
                if followed(page, base):
                    wanted.setdefault(page, set()).add(unquote(place))
            visit.page.wait_for_load_state("networkidle")
            assert (200, []) == (answer.status, visit.problems()), todo[0]
            visit.page.close()
    missing = {page: wanted[page] - seen[page] - {"", "top"} for page in wanted}
    assert {} == {page: lost for page, lost in missing.items() if lost}
    unlinked = {base + path for path in built.addresses()} - set(seen)
    # The search is behind a button; who has no scripts is led to the index instead.
    assert {base + "search/", base + "genindex/"} == unlinked


def links(page: Page) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "list => list.map(a => a.href)")
    return [str(address) for address in found]


def places(page: Page) -> set[str]:
    found = page.eval_on_selector_all("[id]", "list => list.map(e => e.id)")
    return {str(name) for name in found}


def followed(address: str, base: str) -> bool:
    """Whether it is a page of the book: no file to take home, no other host's.

    JupyterLite is opened by its own tests: tests/browser/test_lite.py.
    """
    path = address.removeprefix(base)
    return (
        address.startswith(base)
        and (not path or path.endswith("/"))
        and not path.startswith("lite/")
    )
