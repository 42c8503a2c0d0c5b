"""What a page weighs before a click, and how still it stands while it comes."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.built import BUILT, Visit, addresses
from tests.browser.chromium import MARKS
from tools.serve import SiteServer

pytestmark = MARKS
HTML = 250_000  # bytes
TOTAL = 500_000  # bytes, gzipped
REQUESTS = 40
SHIFT = 0.02  # cumulative layout shift
COMPRESSED = (".woff2", ".png", ".whl")  # what gzip makes no smaller
OBSERVE = """
  window.seen = {shift: 0, paint: 0, moved: []};
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (entry.hadRecentInput) return;
    window.seen.shift += entry.value;
    window.seen.moved.push(...entry.sources.map(s => s.node?.className ?? ""));
  })).observe({type: "layout-shift", buffered: true});
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    window.seen.paint = entry.startTime;
  })).observe({type: "largest-contentful-paint", buffered: true});
"""
SETTLED = """() => document.fonts.ready.then(() => new Promise(done =>
  requestIdleCallback(() => requestAnimationFrame(() => requestAnimationFrame(
    () => done(true))))))"""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        yield url


def gzipped(request: Request) -> int:
    """The bytes of an answer as a host that compresses would send it."""
    answer = request.response()
    assert answer is not None, request.url
    body = answer.body()
    compressed = request.url.partition("?")[0].endswith(COMPRESSED)
    return len(body) if compressed else len(gzip.compress(body, 6))


def say(line: str) -> None:
    """What was measured, for `pytest -rP`: times are recorded, not judged."""
    sys.stdout.write(f"{line}\n")


def settled(page: Page) -> None:
    """Wait until nothing is loaded any more, and what was is drawn."""
    page.wait_for_load_state("networkidle")
    page.evaluate(SETTLED)


@pytest.mark.parametrize("path", addresses())
def test_a_page_is_light_before_a_click(browser: Browser, base: str, path: str) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        visit = Visit(context.new_page(), base)
        settled(visit.go(path))
        asked = [each for each in visit.asked if each.url.startswith(base)]
        names = [each.url.removeprefix(base).partition("?")[0] for each in asked]
        assert sorted(set(names)) == sorted(names), "a file is loaded twice"
        total = sum(gzipped(each) for each in asked)
        html = (BUILT / path / "index.html").stat().st_size
        say(f"{path or '/'}: {html} HTML, {total} gzipped, {len(asked)} requests")
        assert html <= HTML
        assert total <= TOTAL
        assert len(asked) <= REQUESTS


@pytest.mark.parametrize("path", addresses())
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_stands_still_while_it_comes(
    browser: Browser, base: str, path: str, width: int
) -> None:
    """Also once the fonts are there, and the scripts with what a reader answered."""
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(base + path)
        answer_all(page)
        page.close()
        page = context.new_page()
        page.add_init_script(OBSERVE)
        page.goto(base + path)
        settled(page)
        seen = page.evaluate("window.seen")
        say(f"{path or '/'} at {width}: LCP {seen['paint']:.0f} ms")
        assert 0 < seen["paint"]
        assert seen["shift"] <= SHIFT, seen["moved"]


def answer_all(page: Page) -> None:
    """Answer the questions of a page with a choice, as a reader before would have."""
    page.wait_for_load_state("networkidle")
    for question in page.locator("article .mp-question").all():
        choices = question.get_by_role("radio").or_(question.get_by_role("checkbox"))
        if choices.count():
            choices.first.check()
            send = question.get_by_role("button").first
            if send.count() and send.is_enabled():
                send.click()


ROUNDED = 2  # pixels
HEIGHTS = """() => Object.fromEntries([...document.querySelectorAll(
  "article .mp-question, .mp-exercise, article .cell, moving-parts-knob"
  + ", moving-parts-board"
)].map((each, n) => [`${n} ${each.id || each.className || each.localName}`,
  Math.round(each.getBoundingClientRect().height)]))"""


@pytest.mark.parametrize("path", addresses())
@pytest.mark.parametrize("width", [360, 1280])
def test_what_scripts_add_has_its_place_before_they_come(
    browser: Browser, base: str, width: int, path: str
) -> None:
    """So a reader who comes back to the middle of a page does not see it jump.

    Two pixels are what is rounded: a frame's border makes its drawing that much less
    wide, and so a fraction less high, by its proportions.
    """
    found = []
    for blocked in (True, False):
        with browser.new_context(viewport={"width": width, "height": 800}) as context:
            page = context.new_page()
            if blocked:
                page.route("**/*.js*", lambda route: route.abort())
            page.goto(base + path)
            settled(page)
            found.append(page.evaluate(HEIGHTS))
    before, after = found
    assert list(before) == list(after)
    assert {} == {
        name: (height, after[name])
        for name, height in before.items()
        if abs(height - after[name]) > ROUNDED
    }
