"""What is the same on every page, tried on one: menus, policy, storage, wrong address.

`python -m tests.browser.test_frame` writes the walk through chapter 01 anew.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.built import BUILT, CHAPTER, ROOT, Visit
from tests.browser.chromium import CHROMIUM, FLAGS, MARKS, launched
from tests.browser.seen import AXE, DESK, PHONE, look, resize, settled, violations
from tools.site.serve import SiteServer

PALETTE = ROOT / "book" / "_static" / "css" / "palette.css"
WALK = Path(__file__).parent / "walk" / "chapter-01.yml"
pytestmark = MARKS


def opened(context: BrowserContext, address: str) -> Page:
    """A page whose scripts have run."""
    page = context.new_page()
    page.goto(address, wait_until="load")
    return page


def sized(size: tuple[int, int]) -> Any:
    return {"width": size[0], "height": size[1]}


# --- menus ----------------------------------------------------------------------------


def test_the_first_tab_leads_past_the_menus(browser: Browser, base: str) -> None:
    """The skip link shows when it has the focus, and leads to the text."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = opened(context, base + CHAPTER)
        link = page.get_by_role("link", name="Skip to main content")
        page.keyboard.press("Tab")
        expect(link).to_be_focused()
        expect(link).to_be_in_viewport(ratio=1)
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.querySelector('main').contains(document.activeElement)"
        )


def test_what_opens_on_a_phone_keeps_the_focus_and_gives_it_back(
    browser: Browser, base: str
) -> None:
    """The chapters, the sections, the search; and axe finds nothing in them."""
    with browser.new_context(viewport=sized(PHONE)) as context:
        page = opened(context, base + CHAPTER)
        for name in ("Chapters", "On this page", "Search"):
            button = page.get_by_role("banner").get_by_role("button", name=name)
            button.focus()
            page.keyboard.press("Enter")
            menu = page.locator("dialog[open]")
            expect(menu).to_be_visible()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert [] == violations(page, outside="article"), (name, scheme)
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.querySelector('dialog[open]')"
                ".contains(document.activeElement)"
            )
            page.keyboard.press("Escape")
            expect(menu).to_be_hidden()
            expect(button).to_be_focused()


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing_in_the_frame(
    browser: Browser, base: str, size: tuple[int, int], scheme: Any
) -> None:
    """Of all pages, in the two ways in which it does not look at whole pages."""
    with browser.new_context(viewport=sized(size), color_scheme=scheme) as context:
        assert [] == violations(opened(context, base + CHAPTER), outside="article")


def test_axe_finds_nothing_in_a_player_that_was_used(
    browser: Browser, base: str
) -> None:
    with browser.new_context(viewport=sized(PHONE)) as context:
        page = opened(context, base + CHAPTER)
        player = page.locator("moving-parts-player").first
        player.get_by_role("button", name="Play").click()
        player.get_by_role("button", name="Map").click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = violations(page, within="moving-parts-player")
            assert [] == found, scheme


def test_no_style_sheet_ties_the_book_to_one_way_of_holding_a_phone(
    browser: Browser, base: str
) -> None:
    with browser.new_context(bypass_csp=True) as context:
        page = opened(context, base + CHAPTER)
        page.evaluate(AXE)
        found = page.evaluate("axe.run({runOnly: ['css-orientation-lock']})")
        assert ([], []) == (found["violations"], found["incomplete"])
        assert found["passes"]


def test_without_scripts_the_list_of_chapters_leads_on(
    browser: Browser, base: str
) -> None:
    with browser.new_context(
        viewport=sized(PHONE), java_script_enabled=False
    ) as context:
        page = opened(context, base + CHAPTER)
        page.get_by_role("link", name="Chapters", exact=True).click()
        page.get_by_role("navigation", name="Main").get_by_role(
            "link", name="Glossary"
        ).click()
        expect(page).to_have_url(base + "glossary/")


def test_the_cover_s_city_moves(browser: Browser, base: str) -> None:
    """That it does not where a reader asked for that: test_every_page.py."""
    with browser.new_context() as context:
        assert look(opened(context, base), "moving") > 0


def test_the_palette_in_the_dark_has_one_set_of_values() -> None:
    """What a script chooses and what the system chooses are the same dark."""
    text = PALETTE.read_text("utf-8")
    chosen = text.partition('html[data-theme="dark"] {')[2].partition("}")[0]
    system = text.partition('[data-theme="dark"]) {')[2].partition("}")[0]
    assert "--mp-paper" in chosen
    assert chosen.split() == system.split()


# --- policy and storage ---------------------------------------------------------------

ATTACKS = {
    "an inline script": "<script>window.broken = true</script>",
    "a handler": '<img src="_static/favicon.svg" onload="window.broken = true" alt="">',
    "a style attribute": '<p id="styled" style="position: fixed">x</p>',
    "a script from elsewhere": '<script src="https://other.example/x.js"></script>',
    "a frame": '<iframe src="https://other.example/"></iframe>',
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A copy of the book's files, without its pages, and its address."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(BUILT / "_static", folder / "_static")
    with SiteServer(folder).running() as url:
        yield folder, url


@pytest.mark.parametrize("name", ATTACKS)
def test_what_gets_into_a_page_does_not_run(
    reader: BrowserContext, copied: tuple[Path, str], name: str
) -> None:
    """Markup that the build has not made is dead, and asks no other host."""
    folder, url = copied
    cover = (BUILT / "index.html").read_text("utf-8")
    attacked = cover.replace("<article", f"{ATTACKS[name]}<article", 1)
    (folder / "index.html").write_text(attacked, "utf-8")
    page = reader.new_page()
    reached: list[str] = []
    page.on("response", lambda answer: reached.append(answer.url))
    blocked: list[str] = []
    page.on("console", lambda shown: blocked.append(shown.text))
    page.goto(url)
    assert page.evaluate("window.broken === undefined")
    assert any("Content Security Policy" in text for text in blocked)
    assert [] == [address for address in reached if "other.example" in address]
    styled = page.locator("#styled")
    if styled.count():
        expect(styled).not_to_have_css("position", "fixed")


def test_text_is_not_evaluated_and_webassembly_is(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    compiled = page.evaluate(
        "WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))"
        ".then(() => 'compiled')"
    )
    assert "compiled" == compiled
    page.evaluate("setTimeout('document.title = \"evaluated\"', 0)")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert "evaluated" != page.title()


def test_storage_is_really_refused(refusing: BrowserContext, root: str) -> None:
    """Without the book's own first script, the browser throws."""
    page = opened(refusing, root + "objects.inv.txt")
    shown = page.evaluate(
        "() => { try { return String(localStorage); } catch (e) { return e.name; } }"
    )
    assert "SecurityError" == shown
    page.close()


@pytest.mark.parametrize("where", ["base", "root"])
def test_a_page_that_is_not_there_leads_back(
    reader: BrowserContext, request: pytest.FixtureRequest, where: str
) -> None:
    """At any depth, under a path or not, in the colors that the reader chose."""
    address = request.getfixturevalue(where)
    # It looks for the book from the root of the host on.
    visit = Visit(reader.new_page(), address.replace("moving-parts/", ""))
    page = visit.page
    page.goto(address)
    page.evaluate("localStorage.setItem('theme', 'dark')")
    answer = page.goto(address + "no/such/page/", wait_until="networkidle")
    assert answer is not None
    assert 404 == answer.status
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert [] == visit.outside
    assert page.evaluate("document.documentElement.scrollWidth") <= DESK[0]
    page.get_by_role("link", name="The cover").click()
    page.wait_for_load_state()
    assert address == page.url
    expect(page.get_by_role("heading", level=1)).to_contain_text("Moving Parts")


# --- the browser ----------------------------------------------------------------------

BOXES = """[...document.querySelectorAll("body *")].map((e) => {
  const {x, y, width, height} = e.getBoundingClientRect();
  return [e.tagName, x, y, width, height];
})"""


def test_lines_break_where_they_do_for_a_reader(browser: Browser, base: str) -> None:
    """The shell, in which most tests run, lays a page out as Chromium does."""

    def boxes(browser: Browser) -> list[list[Any]]:
        # A figure that plays by itself changes its words as it does.
        still: Any = {"viewport": sized(DESK), "reduced_motion": "reduce"}
        with browser.new_context(**still) as context:
            page = opened(context, base + CHAPTER)
            settled(page)
            resize(page, PHONE)
            found: list[list[Any]] = page.evaluate(BOXES)
            return found

    whole = browser.browser_type.launch(executable_path=CHROMIUM, args=FLAGS)
    try:
        assert boxes(whole) == boxes(browser)
    finally:
        whole.close()


# --- a walk by ear --------------------------------------------------------------------


def parts(page: Page) -> dict[str, Locator]:
    """What a reader of chapter 01 meets, by name."""
    article = page.locator("article")
    first = article.locator("div.cell:has(.cell_output)").first
    named = page.get_by_role("navigation", name="This page", exact=True)
    return {
        "head of the page": page.get_by_role("banner"),
        "beginning of the text": article.locator("h1"),
        "first quiz": article.locator(".mp-quiz").first,
        "a cell and its output": first,
        "a figure that plays": page.locator("moving-parts-player").first,
        "a prediction": article.locator(".mp-question[data-kind=predict]").first,
        "an exercise": page.locator("#exercise-1-1"),
        "foot of the page": named,
        "ways on": page.get_by_role("navigation", name="Pages", exact=True),
        "end of the page": page.get_by_role("contentinfo"),
    }


def walked(browser: Browser, base: str) -> dict[str, str]:
    """What a screen reader is given of each part, the figure's table opened."""
    with browser.new_context(viewport=sized(DESK), reduced_motion="reduce") as context:
        page = opened(context, base + CHAPTER)
        page.wait_for_load_state("networkidle")
        page.locator(
            "moving-parts-player details.mp-text-table > summary"
        ).first.click()
        return {name: part.aria_snapshot() for name, part in parts(page).items()}


def test_a_walk_by_ear_through_the_first_chapter(browser: Browser, base: str) -> None:
    """The accessibility tree is the one that was read and found good."""
    kept = yaml.safe_load(WALK.read_text("utf-8"))
    assert kept == walked(browser, base), (
        "the walk changed: read it aloud, then keep it with "
        "`python -m tests.browser.test_frame`"
    )


def _plain(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")


def keep_walk() -> None:
    """Write the walk as it is now."""
    yaml.SafeDumper.add_representer(str, _plain)
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        for browser in launched():
            found = walked(browser, url)
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=10_000)
    WALK.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(keep_walk())
