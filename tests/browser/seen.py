"""A page of the book in Chromium, opened once in each way that readers come to it.

`Seen` opens a page when the first test asks for one of these, and keeps what it saw:

    new      who has never been there, at a desk; then on a phone
    used     the same page, by keyboard, enlarged, in other colors; then answered
    back     who has answered the page's questions and comes back, at a desk
    phone    the same, on a phone, in the dark, with reduced motion
    late     the page before its scripts come
    plain    scripts are off
    refused  the browser keeps nothing; the site is at the root of its host
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.browser.built import BUILT, ROOT, Visit
from tests.browser.hung import closed

FACTS = Path(__file__).with_name("facts.js").read_text("utf-8")
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8")
DESK, PHONE, ZOOMED = (1280, 800), (360, 800), (320, 256)
SIZES = (DESK, PHONE)
COMPRESSED = (".woff2", ".png", ".whl")  # what gzip makes no smaller
OBSERVE = """
  window.seen = {shift: 0, paint: 0, moved: []};
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (entry.hadRecentInput) return;
    window.seen.shift += entry.value;
    window.seen.moved.push(...entry.sources.map(s => s.node?.className ?? ""));
  })).observe({type: "layout-shift", buffered: true});
  window.painted = new Promise(done => new PerformanceObserver(list => {
    window.seen.paint = list.getEntries().at(-1).startTime;
    done();
  }).observe({type: "paint", buffered: true}));
"""
# What scripts will hide shows by itself if they have not come after eight seconds. So
# that a slow machine sees the page before that, its animations stand still.
BEFORE_LATE = """
  const still = new CSSStyleSheet();
  still.replaceSync("* { animation-play-state: paused !important; }");
  document.adoptedStyleSheets.push(still);
"""
# A browser may stop drawing a page, for good: then a second stands for a frame.
FRAME = "new Promise(f => { requestAnimationFrame(f); setTimeout(f, 1000); })"
SETTLED = f"""async () => {{
  const late = new Promise(done => setTimeout(done, 10000));
  await Promise.race([document.fonts.ready, late]);
  await new Promise(done => requestIdleCallback(done, {{timeout: 1000}}));
  await {FRAME};
  await {FRAME};
}}"""
# A player redraws itself once it knows its width, and the page grows or shrinks. So it
# does while the list of chapters slides in, for a quarter of a second.
DRAWN = f"""new Promise(async (done) => {{
  const slides = () => document.getAnimations().some(
    each => each instanceof CSSTransition && each.playState === "running");
  const end = performance.now() + 20000;
  let heights = [];
  while ((heights.length < 3 || slides()) && performance.now() < end) {{
    for (let n = 0; n < 4; n += 1) await {FRAME};
    const now = document.documentElement.scrollHeight;
    heights = heights.at(-1) === now ? [...heights, now] : [now];
  }}
  done();
}})"""
# Rules of AAA, which the book does not promise, and one that forbids what another rule
# demands: a region that scrolls takes the focus (scrollable-region-focusable).
NOT_ASKED = [
    "color-contrast-enhanced",
    "identical-links-same-purpose",
    "meta-refresh-no-exceptions",
    "focus-order-semantics",
]
VIOLATIONS = """async ([off, within, outside]) => {
  const rules = Object.fromEntries(axe.getRules().map(
    ({ruleId}) => [ruleId, {enabled: !off.includes(ruleId)}]));
  const context = {include: [within], exclude: ["[data-repeated]"]};
  if (outside) context.exclude.push(outside);
  // Style sheets, which are the same on all pages, are looked at in test_frame.py.
  const {violations} = await axe.run(
    context, {rules, resultTypes: ["violations"], preload: false});
  return violations.flatMap(({id, nodes}) => nodes.map(
    ({target, html}) => `${id}: ${target.join(" ")}: ${html.slice(0, 120)}`));
}"""


def look(page: Page, fact: str) -> Any:
    """One fact of a page: what a function of facts.js says."""
    return page.evaluate(f"(() => {{ {FACTS}; return {fact}(); }})()")


def violations(
    page: Page, within: str = "html", *, outside: str | None = None
) -> list[str]:
    """What axe finds on a page, or in a part of it, or in all but a part."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(VIOLATIONS, [NOT_ASKED, within, outside])
    return found


def settled(page: Page) -> None:
    """Wait until nothing is loaded any more, and what was is drawn."""
    page.wait_for_load_state("networkidle")
    page.evaluate(SETTLED)


def resize(page: Page, size: tuple[int, int]) -> None:
    """Make the window so wide and so high, and wait until that is drawn."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(DRAWN)


@cache
def gzipped(file: Path) -> int:
    """The bytes of a file as a host that compresses would send it."""
    content = file.read_bytes()
    packed = content if file.name.endswith(COMPRESSED) else gzip.compress(content, 6)
    return len(packed)


def weight(names: list[str]) -> int:
    """The bytes of all these files of the site, as they are sent."""
    files = [BUILT / name for name in names]
    return sum(
        gzipped(file / "index.html" if file.is_dir() else file) for file in files
    )


# --- What readers do ------------------------------------------------------------------


def walk(page: Page, most: int = 600) -> list[dict[str, Any]]:
    """Press Tab until the page is left; return each stop, and how it was."""
    look(page, "noteStops")
    for _ in range(0, most, 10):
        for _ in range(10):
            page.keyboard.press("Tab")
        stops: list[dict[str, Any]] = look(page, "stops")
        ends = [number for number, stop in enumerate(stops) if stop["again"]]
        if ends or not stops:
            return stops[: ends[0]] if ends else stops
    raise AssertionError(f"after {most} tabs the page still holds the focus")


def answer_all(page: Page) -> None:
    """Answer the questions of a page with a choice, as a reader before would have."""
    page.evaluate(
        """() => document.querySelectorAll("article .mp-question").forEach((asked) => {
          asked.querySelector("input[type=radio], input[type=checkbox]")?.click();
          const send = asked.querySelector("button");
          if (send && !send.disabled) send.click();
        })"""
    )


def change_colors(page: Page) -> None:
    before = page.evaluate("document.documentElement.dataset.mode")
    page.locator(".theme-switch-button:visible").first.click()
    expect(page.locator("html")).not_to_have_attribute("data-mode", before)


def use_search(page: Page) -> None:
    page.keyboard.press("Control+k")
    dialog = page.locator("dialog.mp-search-dialog")
    dialog.get_by_role("searchbox").fill("world")
    expect(dialog.get_by_role("listitem").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def fold_sidebar(page: Page) -> None:
    """Close the list of chapters at a desk, and open it again."""
    toggle = page.locator(".primary-toggle").first
    toggle.click()
    expect(page.locator("#pst-primary-sidebar")).to_be_hidden()
    toggle.click()
    expect(page.locator("#pst-primary-sidebar")).to_be_visible()


def open_menus(page: Page) -> None:
    """Open and close the lists of chapters and of sections on a phone."""
    for kind in ("primary", "secondary"):
        toggle = page.locator(f".{kind}-toggle:visible").first
        if toggle.count():
            toggle.click()
            menu = page.locator(f"#pst-{kind}-sidebar-modal")
            expect(menu).to_be_visible()
            page.keyboard.press("Escape")
            expect(menu).to_be_hidden()


def use_article(page: Page) -> None:
    """Play the first figure, show its map, answer a question, open all folds."""
    page.evaluate(
        "document.querySelectorAll('.mp-cover button').forEach(b => { b.click(); })"
    )
    player = page.locator("article moving-parts-player").first
    if player.count():
        # It plays by itself when it is seen, and the longest for half a minute.
        player.get_by_role("button", name=re.compile("^(Play|Pause)$")).click()
        map_of_it = player.get_by_role("button", name="Map")
        if map_of_it.count():
            map_of_it.click()
    answer = page.locator(
        "article .mp-question :is([type=radio], [type=checkbox]):enabled"
    ).first
    if answer.count():
        answer.check()
    look(page, "openFolds")


# --- What was seen --------------------------------------------------------------------

Facts = dict[str, Any]  # what was seen, by a name that says where


def once(look: Callable[[Any], Facts]) -> Any:
    """A way of opening a page, taken once, be it that it fails."""

    def found(self: Seen) -> Facts:
        if look not in self.results:
            try:
                self.results[look] = self.looked(look)
            except Exception as error:  # noqa: BLE001  # each test says it
                self.results[look] = error
        result = self.results[look]
        if isinstance(result, Exception):
            raise result
        return result

    return property(found)


class Seen:
    """A page, opened in each way once, when a test asks for what is to be seen so.

    `problems` are what went to other hosts or wrong, by the way it was opened.
    """

    def __init__(self, browser: Browser, base: str, path: str) -> None:
        self.browser, self.base, self.path = browser, base, path
        self.results: dict[Callable[[Any], Facts], Facts | Exception] = {}
        self.framed = path != "404.html"  # which stands alone: no menus, no search
        self.begin()

    def begin(self) -> None:
        """Come to the page as a new reader."""
        desk = {"width": DESK[0], "height": DESK[1]}
        self.reader = self.browser.new_context(viewport=desk)
        self.first: Visit | None = None  # which stays open, to be used

    def close(self) -> None:
        """Close what the reader has open."""
        self.reader.close()

    def looked(self, look: Callable[[Any], Facts]) -> Facts:
        """Look; if the browser hung and was killed, once more in another one."""
        try:
            return look(self)
        except Error as error:
            if not closed(error):
                raise
        self.results.clear()
        self.begin()
        return look(self)

    def opened(self, context: BrowserContext, **media: Any) -> Visit:
        """The page as it is when nothing more comes."""
        visit = Visit(context.new_page(), self.base)
        visit.page.emulate_media(**media)
        settled(visit.go(self.path))
        return visit

    @once
    def new(self) -> Facts:
        """A new reader: the weight, the links, the structure, the widths, axe."""
        self.first = visit = self.opened(self.reader)
        page = visit.page
        facts = {"asked": visit.names(), "links": look(page, "links")}
        facts |= {name: look(page, name) for name in ("ids", "structure", "wordless")}
        facts["heights"] = self.sized(page, "heights")
        facts["width"] = self.sized(page, "width")
        facts["high"] = page.evaluate("document.documentElement.scrollHeight")
        look(page, "openFolds")
        facts["tables"] = tables(page)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_load_state("networkidle")
        facts["problems"] = visit.problems()
        facts["axe"] = self.audited(page, DESK, "light")
        return facts

    @once
    def used(self) -> Facts:
        """The same page by keyboard, in other colors, enlarged; then answered."""
        _ = self.new
        assert self.first is not None
        page = self.first.page
        page.evaluate("scrollTo(0, 0)")
        page.reload()
        settled(page)
        page.emulate_media(reduced_motion="reduce")
        facts = {name: look(page, name) for name in ("moving", "transitions")}
        facts |= self.by_keyboard(page)
        look(page, "openFolds")
        facts["forced"] = self.forced(page)
        resize(page, ZOOMED)
        facts |= self.zoomed(page)
        facts["problems"] = self.first.problems()
        facts["axe"] = self.audited(page, PHONE, "dark")
        answer_all(page)
        page.close()
        return facts

    def sized(self, page: Page, fact: str) -> dict[int, Any]:
        """A fact at each width, on a phone first."""
        found = {}
        for size in (PHONE, DESK):
            resize(page, size)
            found[size[0]] = look(page, fact)
        return found

    def by_keyboard(self, page: Page) -> Facts:
        """The stops of the Tab key, and whether each shows in all colors."""
        facts: Facts = {"stops": walk(page), "passed over": look(page, "passedOver")}
        facts["ringless"] = {}
        for scheme, forced in (("dark", "none"), ("dark", "active")):
            page.emulate_media(color_scheme=scheme, forced_colors=forced)
            facts["ringless"][f"{scheme}, forced: {forced}"] = look(page, "ringless")
        page.emulate_media(color_scheme="light", forced_colors="none")
        return facts

    def forced(self, page: Page) -> Facts:
        """Controls that a system's own colors hide."""
        found = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, forced_colors="active")
            found[scheme] = look(page, "unseen")
        page.emulate_media(color_scheme="light", forced_colors="none")
        return found

    def audited(self, page: Page, size: tuple[int, int], scheme: Any) -> list[str]:
        """What axe finds: at a desk in the light, and on a phone in the dark.

        The other way round it looks at the frame alone: test_frame.py.
        """
        page.evaluate("scrollTo(0, 0)")  # what lies under the frame has no target size
        page.emulate_media(color_scheme=scheme)
        resize(page, size)
        look(page, "markRepeated")
        return violations(page)

    def zoomed(self, page: Page) -> Facts:
        """A window of 1280 by 1024 pixels at 400 %; then with more space as well."""
        page.wait_for_function(f"() => {{ {FACTS}; return !unreached().length; }}")
        facts: Facts = {"stuck": look(page, "stuck")}
        before = look(page, "width")
        look(page, "space")
        facts["zoomed width"] = [before, look(page, "width")]
        facts["cut"] = look(page, "cut")
        page.evaluate("document.adoptedStyleSheets.pop()")
        return facts

    @once
    def back(self) -> Facts:
        """A reader who has answered comes back at a desk, and uses what there is."""
        return self.returned(DESK)

    @once
    def phone(self) -> Facts:
        """A reader comes back on a phone, in the dark, and wants nothing to move."""
        return self.returned(PHONE, color_scheme="dark", reduced_motion="reduce")

    def returned(self, size: tuple[int, int], **media: Any) -> Facts:
        """How still the page stands while it comes, and what use brings about."""
        _ = self.used  # in which the questions were answered
        visit = Visit(self.reader.new_page(), self.base)
        page = visit.page
        page.emulate_media(**media)
        resize(page, size)
        page.add_init_script(OBSERVE)
        settled(visit.go(self.path))
        facts: Facts = page.evaluate("window.painted.then(() => window.seen)")
        facts |= {"width": look(page, "width"), "moving": look(page, "moving")}
        if self.framed:
            change_colors(page)
            if size == DESK:
                fold_sidebar(page)
            else:
                open_menus(page)
            use_article(page)
        facts["problems"] = visit.problems()
        page.close()
        return facts

    @once
    def late(self) -> Facts:
        """The page before its scripts come."""
        with self.browser.new_context() as context:
            page = context.new_page()
            page.add_init_script(BEFORE_LATE)
            # Empty ones: of a script that fails, the page says so.
            empty = {"content_type": "text/javascript", "body": ""}
            page.route("**/*.js*", lambda route: route.fulfill(**empty))
            page.goto(self.base + self.path)
            page.evaluate("document.fonts.ready.then(() => true)")
            return {"heights": self.sized(page, "heights")}

    @once
    def plain(self) -> Facts:
        """Scripts are off: what shows at first, and when all folds are open."""
        with self.browser.new_context(java_script_enabled=False) as context:
            visit = Visit(context.new_page(), self.base)
            page = visit.go(self.path)
            facts: Facts = {"dead": look(page, "dead"), "paper": {}}
            for scheme in ("dark", "light"):
                page.emulate_media(color_scheme=scheme)
                facts["paper"][scheme] = look(page, "paper")
            opened_by_mouse(page)
            look(page, "openFolds")
            facts |= {name: look(page, name) for name in ("hidden", "undrawn")}
            # Nothing in the page could say when it is drawn.
            page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            facts["width"] = look(page, "width")
            facts["chapters"] = self.framed and reaches_chapters(page)
            facts["problems"] = visit.problems()
            return facts

    def refused(self, context: BrowserContext, root: str) -> list[str]:
        """What goes wrong where the browser keeps nothing, at the root of a host."""
        visit = Visit(context.new_page(), root)
        page = visit.go(self.path)
        change_colors(page)
        use_search(page)
        use_article(page)
        page.wait_for_load_state("networkidle")
        page.close()
        return visit.problems()


def tables(page: Page) -> list[str]:
    """Tables beside figures, which a reader of them by ear would not know as such."""
    twins = page.locator("details.mp-text-table:visible").all()
    listed = [table.aria_snapshot() for table in twins]
    return [
        text for text in listed if "- table" not in text or "columnheader" not in text
    ]


def opened_by_mouse(page: Page) -> None:
    """Open the first fold of the text, as any other opens."""
    fold = page.locator("article details:not([open])").first
    if fold.count():
        fold.locator("summary").first.click()
        expect(fold.locator("visible=true").first).to_be_visible()


def reaches_chapters(page: Page) -> bool:
    """Whether a link at the head of the page leads to the list of chapters."""
    page.get_by_role("link", name="Chapters", exact=True).click()
    chapters = page.get_by_role("navigation", name="Main")
    return chapters.get_by_role("link", name="Glossary").is_visible()
