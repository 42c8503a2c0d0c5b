"""Every page for every reader: by keyboard, by ear, enlarged, without color or scripts.

The list of pages comes from book/_toc.yml, so a new page is held to all of this.
`python -m tests.browser.test_everybody` writes the walk through chapter 01 anew.
"""

import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.chromium import MARKS, launched
from tools.serve import SiteServer

ROOT = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ.get("BOOK_SITE", ROOT / "book" / "_build" / "dirhtml"))
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PALETTE = ROOT / "book" / "_static" / "css" / "palette.css"
WALK = Path(__file__).parent / "walk" / "chapter-01.yml"
CHAPTER = "chapters/01-one-ride-two-services/"
pytestmark = MARKS

# Rules of AAA, which the book does not promise, and one that forbids what another rule
# demands: a region that scrolls takes the focus (scrollable-region-focusable).
NOT_ASKED = [
    "color-contrast-enhanced",
    "identical-links-same-purpose",
    "meta-refresh-no-exceptions",
    "focus-order-semantics",
]
FINDINGS = """async (off) => {
  const rules = Object.fromEntries(axe.getRules().map(
    ({ruleId}) => [ruleId, {enabled: !off.includes(ruleId)}]));
  const {violations} = await axe.run(document, {rules, resultTypes: ["violations"]});
  return violations.flatMap(({id, nodes}) => nodes.map(
    ({target, html}) => `${id}: ${target.join(" ")}: ${html.slice(0, 120)}`));
}"""
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


def pages() -> list[str]:
    """The addresses of all pages, relative to the book's root."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text("utf-8"))
    listed = [
        entry["file"]
        for part in toc["parts"]
        for chapter in part["chapters"]
        for entry in (chapter, *chapter.get("sections", ()))
    ]
    own = [re.sub(r"^book/", "", file) + "/" for file in listed]
    return ["", *own, "search/?q=service", "genindex/", "404.html"]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The address of the site, under a sub-path."""
    assert (BUILT / "index.html").is_file(), "build the book first: make book"
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        yield url


def opened(context: BrowserContext, address: str) -> Page:
    """A page whose scripts have run."""
    page = context.new_page()
    page.goto(address, wait_until="load")
    return page


def findings(page: Page) -> list[str]:
    """What axe has to say of a page, all rules but those not asked for."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(FINDINGS, NOT_ASKED)
    return found


# --- axe ----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, base: str, width: int, scheme: Any
) -> None:
    """As it opens, and with every fold open."""
    with browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    ) as context:
        found = {}
        for path in pages():
            page = opened(context, base + path)
            page.evaluate(OPEN_ALL)
            found[path] = findings(page)
            page.close()
        assert {path: [] for path in pages()} == found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(
    browser: Browser, base: str, scheme: Any
) -> None:
    """The chapters and the sections on a phone, the search, a player that was used."""
    with browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True
    ) as context:
        for name in ("Chapters", "On this page", "Search"):
            page = opened(context, base + CHAPTER)
            page.get_by_role("banner").get_by_role("button", name=name).click()
            expect(page.locator("dialog[open]")).to_be_visible()
            assert [] == findings(page), name
            page.close()
        page = opened(context, base + CHAPTER)
        player = page.locator("moving-parts-player").first
        player.get_by_role("button", name="Play").click()
        player.get_by_role("button", name="Map").click()
        assert [] == findings(page)


# --- keyboard -----------------------------------------------------------------------

FOCUSED = """() => {
  let here = document.activeElement;
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
  if (!here || here === document.body) return null;
  const shown = [here, here.nextElementSibling, here.firstElementChild];
  const ring = shown.some((e) => {
    const style = e ? getComputedStyle(e) : null;
    return style && style.outlineStyle !== "none" &&
      parseFloat(style.outlineWidth) >= 2;
  });
  // A choice is drawn by the letter beside it.
  const box = here.getBoundingClientRect();
  window.mpSeen ??= new Set();
  const again = window.mpSeen.has(here);
  window.mpSeen.add(here);
  const name = `${here.localName}.${here.className}: ` +
    (here.getAttribute("aria-label") || here.textContent || "").trim().slice(0, 50);
  const inside = box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0 &&
    box.left < innerWidth && box.top < innerHeight;
  const host = here.getRootNode().host ?? here;
  const before = window.mpLast &&
    window.mpLast.compareDocumentPosition(host) & Node.DOCUMENT_POSITION_PRECEDING &&
    !window.mpLast.contains(host);
  window.mpLast = host;
  return {name, ring, inside, again, inOrder: !before};
}"""


UNREADY = "[data-progress]:not([data-ready])"


def stops(page: Page, most: int = 600) -> list[dict[str, Any]]:
    """Press Tab until the page is left; return each stop."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or stop["again"]:
            return found
        found.append(stop)
    raise AssertionError(f"after {most} tabs the page still holds the focus")


@pytest.mark.parametrize(
    ("scheme", "forced"), [("light", "none"), ("dark", "none"), ("dark", "active")]
)
def test_each_stop_of_the_tab_key_shows_and_follows_the_text(
    browser: Browser, base: str, scheme: Any, forced: Any
) -> None:
    """On every page: in reading order, on the screen, with a ring around it."""
    with browser.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme=scheme,
        forced_colors=forced,
        reduced_motion="reduce",
    ) as context:
        for path in pages():
            page = opened(context, base + path)
            # The page of progress fills in what is kept, and so becomes longer.
            page.wait_for_function(f"() => !document.querySelector('{UNREADY}')")
            found = stops(page)
            assert len(found) >= 3, path
            for wanted in ("ring", "inside", "inOrder"):
                bad = [stop["name"] for stop in found if not stop[wanted]]
                assert [] == bad, f"{path}: not {wanted}"
            page.close()


def test_the_first_tab_offers_the_way_past_the_menus(
    browser: Browser, base: str
) -> None:
    """The skip link shows when it has the focus, and leads to the text."""
    with browser.new_context(reduced_motion="reduce") as context:
        for path in pages()[:-1]:
            if path.startswith("search"):
                continue  # it begins in its field
            page = opened(context, base + path)
            link = page.get_by_role("link", name="Skip to main content")
            page.keyboard.press("Tab")
            expect(link).to_be_focused()
            expect(link).to_be_in_viewport(ratio=1)
            page.keyboard.press("Enter")
            expect(page.get_by_role("main")).to_be_focused()
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.querySelector('main').contains(document.activeElement)"
            ), path
            page.close()


@pytest.mark.parametrize("name", ["Chapters", "On this page"])
def test_a_phone_s_menu_opens_and_closes_by_keyboard(
    browser: Browser, base: str, name: str
) -> None:
    """It takes the focus, keeps it while open, and gives it back."""
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        page = opened(context, base + CHAPTER)
        button = page.get_by_role("banner").get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Enter")
        menu = page.get_by_role("dialog", name=name)
        expect(menu).to_be_visible()
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.querySelector('dialog[open]').contains(document.activeElement)"
        )
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        expect(button).to_be_focused()


# --- structure ----------------------------------------------------------------------

STRUCTURE = """() => {
  const seen = (e) => e.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const inner = "main, article, section, aside, nav";
  const name = (e) => e.getAttribute("aria-label") ??
    document.getElementById(e.getAttribute("aria-labelledby"))?.textContent.trim();
  return {
    main: all("main, [role=main]").length,
    banner: all("header").filter((e) => !e.closest(inner)).length,
    contentinfo: all("footer").filter((e) => !e.closest(inner)).length,
    navigations: all("nav").map(name),
    levels: all("h1, h2, h3, h4, h5, h6, [role=heading]").map(
      (e) => Number(e.getAttribute("aria-level") ?? e.localName[1])),
  };
}"""


def test_landmarks_and_headings_map_each_page(browser: Browser, base: str) -> None:
    """One of each landmark, lists of links by name, no level of heading left out."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        for path in pages():
            page = opened(context, base + path)
            found = page.evaluate(STRUCTURE)
            assert 1 == found["main"], path
            if path != "404.html":
                assert (1, 1) == (found["banner"], found["contentinfo"]), path
            names = found["navigations"]
            assert all(names), path
            assert len(set(names)) == len(names), f"{path}: {names}"
            levels = found["levels"]
            assert 1 == levels[0], path
            assert 1 == levels.count(1), path
            assert [] == [(a, b) for a, b in pairwise(levels) if b > a + 1], path
            page.close()


FIGURES = """() => [...document.querySelectorAll("svg[role=img]")].map((svg) => ({
  title: svg.querySelector(":scope > title")?.textContent ??
    svg.getAttribute("aria-label") ?? "",
  desc: (svg.querySelector(":scope > desc") ??
    svg.closest("figure")?.querySelector("figcaption"))?.textContent.trim() ?? "",
}))"""


def test_each_figure_says_in_words_what_it_shows(browser: Browser, base: str) -> None:
    """A drawing has a title and a description, and its table opens by keyboard."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        for path in pages()[:-1]:
            page = opened(context, base + path)
            for figure in page.evaluate(FIGURES):
                assert figure["title"], path
                assert figure["desc"], f"{path}: {figure['title']}"
            twins = page.locator("details.mp-twin:visible")
            for index in range(twins.count()):
                twin = twins.nth(index)
                twin.locator("summary").focus()
                page.keyboard.press("Enter")
                expect(twin.get_by_role("table")).to_be_visible()
                assert "columnheader" in twin.aria_snapshot()
            page.close()


# --- motion -------------------------------------------------------------------------

MOVING = """() => document.getAnimations().filter((a) => a.playState === "running" &&
  a.effect.getComputedTiming().duration > 0).length"""
TRANSITIONS = """() => [...document.querySelectorAll("*")].filter((e) =>
  getComputedStyle(e).transitionDuration.split(",").some((t) => parseFloat(t) > 0)
).map((e) => e.localName + "." + e.className)"""


def test_nothing_moves_where_the_reader_asked_for_that(
    browser: Browser, base: str
) -> None:
    """No animation runs and none would; without that wish the cover's city moves."""
    with browser.new_context() as context:
        assert opened(context, base).evaluate(MOVING) > 0
    with browser.new_context(reduced_motion="reduce") as context:
        for path in pages():
            page = opened(context, base + path)
            assert 0 == page.evaluate(MOVING), path
            assert [] == page.evaluate(TRANSITIONS), path
            page.close()


# --- size ---------------------------------------------------------------------------

STUCK = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const {position} = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return ["sticky", "fixed"].includes(position) && box.top >= 0 && box.bottom > 0 &&
    box.top < innerHeight && box.height > innerHeight / 4 && e.checkVisibility(
      {visibilityProperty: true, opacityProperty: true});
}).map((e) => e.localName + "." + e.className)"""
UNREACHED = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const {overflowX} = getComputedStyle(e);
  return ["auto", "scroll"].includes(overflowX) && e.scrollWidth > e.clientWidth + 1 &&
    e.checkVisibility({visibilityProperty: true}) && e.tabIndex < 0 &&
    !e.querySelector("a[href], button, input, summary, [tabindex='0']");
}).map((e) => e.localName + "." + e.className)"""
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"""
CUT = """() => [...document.querySelectorAll("main *, footer *")].filter((e) => {
  const style = getComputedStyle(e);
  const hides = ["hidden", "clip"];
  const box = e.getBoundingClientRect();
  return e.innerText?.trim() && box.width > 2 && box.height > 2 &&
    e.checkVisibility({visibilityProperty: true}) &&
    (hides.includes(style.overflowY) && e.scrollHeight > e.clientHeight + 2 ||
     hides.includes(style.overflowX) && e.scrollWidth > e.clientWidth + 2);
}).map((e) => e.localName + "." + e.className)"""


def test_each_page_can_be_read_at_four_times_its_size(
    browser: Browser, base: str
) -> None:
    """1280 by 1024 pixels at 400 %: nothing sideways but what scrolls by keyboard."""
    with browser.new_context(
        viewport={"width": 320, "height": 256}, bypass_csp=True
    ) as context:
        for path in pages():
            page = opened(context, base + path)
            page.evaluate(OPEN_ALL)
            page.evaluate("window.scrollTo(0, 900)")
            wide = "document.documentElement.scrollWidth"
            assert page.evaluate(wide) <= 320, path
            assert [] == page.evaluate(STUCK), path
            page.add_style_tag(content=SPACED)
            assert page.evaluate(wide) <= 320, f"{path}, with more space"
            assert [] == page.evaluate(CUT), f"{path}, with more space"
            page.close()


def test_what_scrolls_sideways_can_be_scrolled_by_keyboard(
    browser: Browser, base: str
) -> None:
    """Code and tables that are wider than a small screen take the focus."""
    with browser.new_context(viewport={"width": 320, "height": 256}) as context:
        for path in pages():
            page = opened(context, base + path)
            page.wait_for_function(f"() => ({UNREACHED})().length === 0")
            page.close()


# --- a system's own colors ----------------------------------------------------------

UNSEEN = """() => {
  const canvas = getComputedStyle(document.documentElement).getPropertyValue("--none");
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "Canvas";
  const paper = getComputedStyle(probe).color;
  probe.remove();
  const bare = [];
  for (const e of document.querySelectorAll("button, summary, .btn, select")) {
    const style = getComputedStyle(e);
    if (!e.checkVisibility({visibilityProperty: true})) continue;
    const text = style.forcedColorAdjust !== "none" && style.color === paper;
    const icon = e.querySelector(".fa-solid");
    const drawn = icon && icon.checkVisibility() &&
      getComputedStyle(icon, "::before").backgroundColor === paper;
    const outline = e.localName === "button" && parseFloat(style.borderTopWidth) < 1;
    if (text || drawn || outline) bare.push(e.outerHTML.slice(0, 100));
  }
  return bare;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_are_seen_in_a_system_s_own_colors(
    browser: Browser, base: str, scheme: Any
) -> None:
    """Buttons have borders, icons are drawn, no text is in the color of the paper."""
    with browser.new_context(forced_colors="active", color_scheme=scheme) as context:
        for path in pages():
            page = opened(context, base + path)
            assert [] == page.evaluate(UNSEEN), path
            page.close()


# --- without scripts ----------------------------------------------------------------

HIDDEN = """() => [...document.querySelectorAll("article *")].filter((e) =>
  [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
  !["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "TITLE", "DESC"].includes(
    e.tagName.toUpperCase()) &&
  !e.closest("svg, .katex-mathml, .visually-hidden, .headerlink, noscript") &&
  !e.closest(".mp-note, .mp-dials, .mp-desk") &&
  !e.checkVisibility({visibilityProperty: true, opacityProperty: true})
).map((e) => e.outerHTML.slice(0, 100))"""


def test_without_scripts_everything_can_be_read(browser: Browser, base: str) -> None:
    """Outputs, drawings, hints, answers and solutions; and no button does nothing."""
    with browser.new_context(java_script_enabled=False) as context:
        for path in pages():
            page = opened(context, base + path)
            expect(page.locator("button:visible, .pst-js-only:visible")).to_have_count(
                0
            )
            for _ in range(page.locator("article details").count()):
                closed = page.locator("article details:not([open]) > summary:visible")
                if closed.count() == 0:
                    break
                closed.first.click()
            assert [] == page.evaluate(HIDDEN), path
            drawings = page.locator("article svg[role=img]")
            for index in range(drawings.count()):
                expect(drawings.nth(index)).to_be_visible()
            page.close()


def test_without_scripts_a_phone_reaches_every_chapter(
    browser: Browser, base: str
) -> None:
    """The list stands at the foot of the page, and a link at its head leads there."""
    with browser.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=False
    ) as context:
        for path in pages()[:-1]:
            page = opened(context, base + path)
            page.get_by_role("link", name="Chapters", exact=True).click()
            chapters = page.get_by_role("navigation", name="Main")
            expect(chapters.get_by_role("link", name="Glossary")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            page.close()
        page = opened(context, base + CHAPTER)
        page.get_by_role("link", name="Chapters", exact=True).click()
        page.get_by_role("navigation", name="Main").get_by_role(
            "link", name="Glossary"
        ).click()
        expect(page).to_have_url(base + "glossary/")


@pytest.mark.parametrize(("scheme", "paper"), [("light", 252), ("dark", 22)])
def test_without_scripts_colors_are_the_system_s(
    browser: Browser, base: str, scheme: Any, paper: int
) -> None:
    """The first channel of the page's color: light or dark."""
    with browser.new_context(java_script_enabled=False, color_scheme=scheme) as context:
        for path in pages():
            page = opened(context, base + path)
            color = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert color.startswith(f"rgb({paper},"), f"{path}: {color}"
            page.close()


def test_the_palette_in_the_dark_has_one_set_of_values() -> None:
    """What a script chooses and what the system chooses are the same dark."""
    text = PALETTE.read_text("utf-8")
    chosen = text.partition('html[data-theme="dark"] {')[2].partition("}")[0]
    system = text.partition('[data-theme="dark"]) {')[2].partition("}")[0]
    assert "--mp-paper" in chosen
    assert chosen.split() == system.split()


# --- a walk by ear ------------------------------------------------------------------


def parts(page: Page) -> dict[str, Locator]:
    """What a reader of chapter 01 meets, by name."""
    article = page.locator("article")
    first = article.locator("div.cell:has(.cell_output)").first
    return {
        "head of the page": page.get_by_role("banner"),
        "beginning of the text": article.locator("h1"),
        "first quiz": article.locator(".mp-quiz").first,
        "a cell and its output": first,
        "a figure that plays": page.locator("moving-parts-player").first,
        "a prediction": article.locator(".mp-question[data-kind=predict]").first,
        "an exercise": page.locator("#exercise-1-1"),
        "foot of the page": page.get_by_role(
            "navigation", name="This page", exact=True
        ),
        "ways on": page.get_by_role("navigation", name="Pages", exact=True),
        "end of the page": page.get_by_role("contentinfo"),
    }


def walked(browser: Browser, base: str) -> dict[str, str]:
    """What a screen reader is given of each part, the figure's table opened."""
    with browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    ) as context:
        page = opened(context, base + CHAPTER)
        page.wait_for_load_state("networkidle")
        page.locator("moving-parts-player details.mp-twin > summary").first.click()
        return {name: part.aria_snapshot() for name, part in parts(page).items()}


def test_a_walk_by_ear_through_the_first_chapter(browser: Browser, base: str) -> None:
    """The accessibility tree is the one that was read and found good."""
    kept = yaml.safe_load(WALK.read_text("utf-8"))
    assert kept == walked(browser, base), (
        "the walk changed: read it aloud, then keep it with "
        "`python -m tests.browser.test_everybody`"
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
