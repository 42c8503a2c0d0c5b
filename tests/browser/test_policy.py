"""The content security policy in Chromium: the book works under it, others do not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.built import BUILT, Visit, addresses
from tests.browser.chromium import MARKS
from tools.serve import SiteServer

pytestmark = MARKS
CHAPTER = "chapters/01-one-ride-two-services/"
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
ALLOWED = {
    "default-src": {"'none'"},
    "script-src": {"'self'", "'wasm-unsafe-eval'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'self'"},
    "worker-src": {"'self'"},
    "manifest-src": {"'self'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        yield url


@pytest.mark.parametrize("path", [*addresses(), "404.html"])
def test_each_page_has_the_policy_and_nothing_wider(path: str) -> None:
    """Beside what is listed above, only hashes, and those for scripts and styles."""
    file = BUILT / path if path.endswith(".html") else BUILT / path / "index.html"
    page = file.read_text("utf-8")
    found = POLICY.findall(page)
    assert 1 == len(found)
    assert page.index("Content-Security-Policy") < page.index("<title")
    rules = {name: set(rest) for name, *rest in map(str.split, found[0].split(";"))}
    hashes = {
        each
        for name in ("script-src", "style-src")
        for each in rules[name] - ALLOWED[name]
    }
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", each) for each in hashes)
    assert ALLOWED == {name: rest - hashes for name, rest in rules.items()}


@pytest.mark.parametrize("path", addresses())
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_works_under_its_policy(
    browser: Browser, base: str, path: str, width: int
) -> None:
    """Search, colors, sidebars, player and questions: no word on the console."""
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        visit = Visit(context.new_page(), base)
        page = visit.go(path)
        change_colors(page)
        open_search(page)
        open_sidebars(page, width)
        use_article(page)
        assert [] == visit.problems()


def change_colors(page: Page) -> None:
    before = page.evaluate("document.documentElement.dataset.theme")
    page.locator(".theme-switch-button:visible").first.click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", before)


def open_search(page: Page) -> None:
    page.keyboard.press("Control+k")
    dialog = page.locator("dialog.mp-search-dialog")
    dialog.get_by_role("searchbox").fill("world")
    expect(dialog.get_by_role("listitem").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def open_sidebars(page: Page, width: int) -> None:
    page.locator(".primary-toggle").first.click()
    if width < 992:
        expect(page.locator("#pst-primary-sidebar-modal")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#pst-primary-sidebar-modal")).to_be_hidden()
        sections = page.locator(".secondary-toggle:visible")
        if sections.count():
            sections.first.click()
            expect(page.locator("#pst-secondary-sidebar-modal")).to_be_visible()
            page.keyboard.press("Escape")
    else:
        expect(page.locator("#pst-primary-sidebar")).to_be_hidden()
        page.locator(".primary-toggle").first.click()
        expect(page.locator("#pst-primary-sidebar")).to_be_visible()


def use_article(page: Page) -> None:
    """Play the first figure, show its map, answer a question, open all folds."""
    page.evaluate(
        "document.querySelectorAll('.mp-veil button').forEach(b => { b.click(); })"
    )
    player = page.locator("article moving-parts-player").first
    if player.count():
        player.get_by_role("button", name="Play", exact=True).click()
        map_of_it = player.get_by_role("button", name="Map")
        if map_of_it.count():
            map_of_it.click()
    answer = page.locator("article .mp-question input").first
    if answer.count():
        answer.check()
    page.evaluate(
        "document.querySelectorAll('article details').forEach(d => { d.open = true; })"
    )


ATTACKS = {
    "an inline script": "<script>window.broken = true</script>",
    "a handler": '<img src="_static/favicon.svg" onload="window.broken = true" alt="">',
    "a style attribute": '<p id="styled" style="position: fixed">x</p>',
    "a script from elsewhere": '<script src="https://other.example/x.js"></script>',
    "a frame": '<iframe src="https://other.example/"></iframe>',
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_gets_into_a_page_does_not_run(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    """Markup that the build has not made is dead, and asks no other host."""
    for part in ("_static", "objects.inv"):
        source = BUILT / part
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, tmp_path / part)
    cover = (BUILT / "index.html").read_text("utf-8")
    attacked = cover.replace("<article", f"{ATTACKS[name]}<article", 1)
    (tmp_path / "index.html").write_text(attacked, "utf-8")
    with SiteServer(tmp_path).running() as url, browser.new_context() as context:
        page = context.new_page()
        reached: list[str] = []
        page.on("response", lambda answer: reached.append(answer.url))
        blocked: list[str] = []
        page.on("console", lambda said: blocked.append(said.text))
        page.goto(url)
        assert page.evaluate("window.broken === undefined")
        assert any("Content Security Policy" in text for text in blocked)
        assert [] == [address for address in reached if "other.example" in address]
        styled = page.locator("#styled")
        if styled.count():
            expect(styled).not_to_have_css("position", "fixed")


def test_eval_is_refused(browser: Browser, base: str) -> None:
    """WebAssembly may be compiled, text may not."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base)
        tried = page.evaluate(
            """async () => {
              const script = document.createElement("script");
              script.type = "module";
              script.src = "_static/vendor/js/frame.js";
              const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
              const compiled = await WebAssembly.compile(empty).then(() => "compiled");
              return compiled;
            }"""
        )
        assert "compiled" == tried
        page.evaluate(
            "setTimeout('document.title = \"evaluated\"', 0)",
        )
        page.wait_for_function("new Promise(r => setTimeout(() => r(true), 50))")
        assert "evaluated" != page.title()


def test_the_page_of_what_is_not_there_works_under_its_policy(
    browser: Browser, base: str
) -> None:
    """Its script finds the book's root; the colors are those that the reader chose."""
    with browser.new_context() as context:
        page = context.new_page()
        blocked: list[str] = []
        page.on(
            "console",
            lambda said: "Policy" in said.text and blocked.append(said.text),
        )
        page.goto(base)
        page.evaluate("localStorage.setItem('theme', 'dark')")
        page.goto(base + "a/b/c/")
        link = page.get_by_role("link", name="The cover")
        expect(link).to_have_attribute("href", "/moving-parts/")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert [] == blocked
