"""Knob figures in Chromium: keyboard, findings, trouble, phones, strict pages."""

from __future__ import annotations

import re
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from movingparts.draw import Dial, Figure, Knob, chart, knob, sequence
from tests.browser.chromium import MARKS
from tests.draw.recordings import fan_out
from tools.site.serve import SiteServer

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from moving_parts_book.knobs import ELEMENT, kept  # noqa: E402 - after its folder

pytestmark = MARKS

PAGE = """<!doctype html><html lang="en" data-theme="{theme}" data-content_root="./">
<meta charset="utf-8">{policy}<title>page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><link rel="stylesheet"
href="palette.css"><link rel="stylesheet" href="book.css">
<script type="module" src="knob.js"></script>
<body><main class="bd-article"><h1>Page</h1>{body}<p id="after">After</p></main>"""
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\';'
    " img-src 'self' data:; style-src 'self' {}\">"
)


def fails(loss: float, per: str = "calls") -> Figure:
    """A drawing whose finding, unit and style all change with the setting."""
    lines = {"failed": [(n, n * loss) for n in range(1, 5)]}
    if per == "messages":
        lines["lost"] = [(1, loss), (2, 2 * loss)]
    return chart(
        lines, title=f"{loss:g} % fails {4 * loss:g} {per}", x_label="in a row",
        y_label=f"failed {per} (%)", y_top=50,
    )  # fmt: skip


LOSS = Dial("messages lost", (0.5, 1, 5, 10), unit="%", start=1)
PER = Dial("counted in", ("calls", "messages"))


def made() -> Knob:
    return knob(fails, loss=LOSS, per=PER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's files, without pages."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "book/_js/knob.js", folder)
    for name in ("palette.css", "book.css"):
        shutil.copy(ROOT / "book/_static/css" / name, folder)
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with SiteServer(folder).running() as url:
        yield url


def extracted(folder: Path, html: str) -> str:
    """What the book's extension makes of a cell's output."""
    app: Any = SimpleNamespace(outdir=str(folder))
    return ELEMENT.sub(lambda found: kept(app, found), html)


def page_text(body: str, theme: str) -> str:
    """A page under a policy that knows its styles by their hashes, as the book's."""
    styles = re.findall(r"<style>(.*?)</style>", body, re.DOTALL)
    hashes = {b64encode(sha256(s.encode()).digest()).decode() for s in styles}
    policy = POLICY.format(" ".join(f"'sha256-{each}'" for each in sorted(hashes)))
    return PAGE.format(theme=theme, policy=policy, body=body)


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, folder: Path, url: str) -> Iterator[Open]:
    """Open pages; at the end nothing may have erred or asked another host."""
    contexts, wrong = [], []

    def open_(body: str = "", *, theme: str = "light", **context: Any) -> Page:
        html = body or extracted(folder, made().html())
        (folder / "index.html").write_text(page_text(html, theme), encoding="utf-8")
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
        page.on(
            "request", lambda r: r.url.startswith((url, "data:")) or wrong.append(r.url)
        )
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [] == wrong


def finding(page: Page) -> Locator:
    return page.locator("moving-parts-knob > figure > .mp-title")


def loss(page: Page) -> Locator:
    return page.get_by_role("slider", name="messages lost", exact=True)


def per(page: Page) -> Locator:
    return page.get_by_role("combobox", name="counted in", exact=True)


def drawing(page: Page) -> str:
    text = page.locator(".mp-art > svg").evaluate("svg => svg.outerHTML")
    return re.sub(r"\s+<", "<", text)


def test_nothing_is_loaded_before_a_control_is_touched(opened: Open) -> None:
    """The page shows its start; the file with the rest is asked for once, on focus."""
    asked: list[str] = []
    page = opened()
    page.on("request", lambda request: asked.append(request.url))
    expect(finding(page)).to_have_text("1 % fails 4 calls")
    expect(loss(page)).to_have_attribute("aria-valuetext", "1 %")
    assert [] == asked
    with page.expect_response(re.compile(r"/_static/knobs/\w{16}\.json$")):
        loss(page).focus()
    page.keyboard.press("End")
    expect(finding(page)).to_have_text("10 % fails 40 calls")
    assert 1 == len(asked)


def test_the_keyboard_turns_values_units_finding_and_tables(opened: Open) -> None:
    """Arrows, Home and End; a list for words; all that shows the setting follows."""
    page = opened()
    page.keyboard.press("Tab")
    expect(loss(page)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("output")).to_have_text("5 %")
    expect(loss(page)).to_have_attribute("aria-valuetext", "5 %")
    expect(finding(page)).to_have_text("5 % fails 20 calls")
    page.keyboard.press("Home")
    expect(finding(page)).to_have_text("0.5 % fails 2 calls")
    page.keyboard.press("Tab")
    expect(per(page)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(finding(page)).to_have_text("0.5 % fails 2 messages")
    art = page.locator(".mp-art > svg")
    expect(art.locator("title")).to_have_text("0.5 % fails 2 messages")
    expect(art).to_contain_text("failed messages (%)")
    table = page.locator("figure > .mp-text-table")
    expect(table.locator("summary")).to_have_text("The numbers: failed messages (%)")
    expect(table.locator("th")).to_have_text(["in a row", "failed", "lost"])
    expect(table.locator("tbody tr").first).to_contain_text("0.5")
    current = page.locator("tr[aria-current=true]")
    expect(current.locator("td")).to_have_text(
        ["0.5 %", "messages", "0.5 % fails 2 messages"]
    )


def test_turned_back_the_drawing_is_the_one_of_the_page(opened: Open) -> None:
    """Nothing of a drawing is left out when it is copied, and nothing is added."""
    page = opened()
    before = drawing(page)
    loss(page).press("ArrowRight")
    expect(finding(page)).to_have_text("5 % fails 20 calls")
    assert before != drawing(page)
    loss(page).press("ArrowLeft")
    expect(finding(page)).to_have_text("1 % fails 4 calls")
    assert before == drawing(page)


def test_the_finding_is_read_out_once_it_settles(opened: Open) -> None:
    """A drag through five values is one announcement, of the last finding."""
    page = opened()
    page.clock.install(time=0)
    page.clock.pause_at(60_000)
    loss(page).press("End")
    loss(page).press("ArrowLeft")
    expect(finding(page)).to_have_text("5 % fails 20 calls")
    announced = page.locator(".mp-dial-announcement")
    expect(announced).to_have_text("")
    page.clock.run_for(1000)
    expect(announced).to_have_text("5 % fails 20 calls")
    expect(announced).to_have_role("status")


def test_a_drawing_with_a_style_of_its_own_keeps_it(opened: Open) -> None:
    """Under the policy a <style> would be dead; a constructed sheet is not."""
    styles = {
        svg.count("<style>") for v in made().data()["variants"] for svg in v["svgs"]
    }
    assert {0, 1} == styles
    page = opened()
    sheets = "document.adoptedStyleSheets.length"
    assert 0 == page.evaluate(sheets)
    per(page).select_option("messages")
    expect(finding(page)).to_have_text("1 % fails 4 messages")
    assert 1 == page.evaluate(sheets)
    edge = page.locator(".mp-art rect.head").first
    assert "none" != edge.evaluate("e => getComputedStyle(e).stroke")
    per(page).select_option("calls")
    expect(finding(page)).to_have_text("1 % fails 4 calls")
    assert 0 == page.evaluate(sheets)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_drawing_of_each_screen_turns(
    opened: Open, folder: Path, width: int
) -> None:
    """A phone shows another drawing, and it must be that of the setting too."""

    def asked(limit: int) -> Figure:
        return sequence(fan_out(), limit=limit, title=f"{limit} messages")

    html = extracted(folder, knob(asked, limit=Dial("messages", (4, 16))).html())
    page = opened(html, viewport={"width": width, "height": 800})
    shown = page.locator(".mp-art > svg:visible")
    before = shown.evaluate("svg => svg.querySelectorAll('text').length")
    page.get_by_role("slider", name="messages", exact=True).press("End")
    expect(finding(page)).to_have_text("16 messages")
    expect(shown).to_have_count(1)
    assert before < shown.evaluate("svg => svg.querySelectorAll('text').length")


def test_a_file_that_does_not_come_says_so_and_retry_goes_on(opened: Open) -> None:
    """The figure says which setting it still shows; then it takes the one wanted."""
    page = opened()
    broken = re.compile(r"/_static/knobs/")
    page.route(broken, lambda route: route.fulfill(status=200, body="not JSON"))
    loss(page).press("End")
    shown = page.locator(".mp-dial-status")
    expect(shown.get_by_role("status")).to_contain_text("could not be loaded")
    expect(shown).to_contain_text("still shows: messages lost 1 %, counted in calls.")
    expect(finding(page)).to_have_text("1 % fails 4 calls")
    loss(page).press("ArrowLeft")
    expect(shown.get_by_role("button", name="Retry")).to_be_visible()
    page.unroute(broken)
    shown.get_by_role("button", name="Retry").press("Enter")
    expect(finding(page)).to_have_text("5 % fails 20 calls")
    expect(shown).to_have_text("")
    expect(loss(page)).to_be_focused()


def test_a_slow_file_says_that_it_is_loading(opened: Open) -> None:
    """A line says so until the finding changes."""
    page = opened()
    held: list[Route] = []
    page.route(re.compile(r"/_static/knobs/"), lambda route: held.insert(0, route))
    loss(page).press("End")
    shown = page.locator(".mp-dial-status")
    expect(shown).to_have_text("Loading the other settings …")
    held[0].continue_()
    expect(finding(page)).to_have_text("10 % fails 40 calls")
    expect(shown).to_have_text("")


def test_the_output_of_a_live_cell_brings_its_own_data(opened: Open, url: str) -> None:
    """The JSON stands inside; nothing is loaded."""
    page = opened(made().html())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    loss(page).press("Home")
    expect(finding(page)).to_have_text("0.5 % fails 2 calls")
    assert [] == asked


def test_it_works_again_where_its_html_is_put_back(opened: Open) -> None:
    """Reset of a live cell writes the output's HTML once more, controls and all."""
    page = opened()
    page.evaluate(
        """() => { const knob = document.querySelector("moving-parts-knob");
        knob.outerHTML = knob.outerHTML; }"""
    )
    loss(page).press("End")
    expect(finding(page)).to_have_text("10 % fails 40 calls")
    expect(page.locator("input")).to_have_count(1)
    expect(page.locator(".mp-dial-announcement")).to_have_count(1)


def test_two_knobs_on_a_page_do_not_disturb_each_other(
    opened: Open, folder: Path
) -> None:
    """Turning one leaves the other, and their labels name their own controls."""
    page = opened(extracted(folder, made().html()) + made().html())
    second = page.locator("moving-parts-knob").nth(1)
    second.get_by_label("messages lost").press("End")
    expect(finding(page)).to_have_text(["1 % fails 4 calls", "10 % fails 40 calls"])
    expect(page.locator("output")).to_have_text(["1 %", "10 %"])


EVIL = (
    '<svg xmlns="http://www.w3.org/2000/svg" class="mp-svg" onload="alert(1)">'
    '<script>alert(1)</script><a href="javascript:alert(1)"><text>x</text></a>'
    '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml">b</b></foreignObject>'
    '<rect onclick="alert(1)" style="fill:red" width="5"/></svg>'
)


def test_a_drawing_cannot_bring_scripts_or_handlers(
    browser: Browser, folder: Path, url: str
) -> None:
    """A file that was tampered with draws less, and runs nothing, policy or none."""
    html = PAGE.format(theme="light", policy="", body=extracted(folder, made().html()))
    (folder / "index.html").write_text(html, encoding="utf-8")
    ran: list[str] = []
    evil = made().data()
    for variant in evil["variants"]:
        variant |= {"title": "<img src=x onerror=alert(1)>", "svgs": [EVIL]}
    page = browser.new_page()
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.route(re.compile(r"/_static/knobs/"), lambda route: route.fulfill(json=evil))
    page.goto(url)
    loss(page).press("End")
    expect(finding(page)).to_have_text("<img src=x onerror=alert(1)>")
    art = page.locator(".mp-art > svg")
    assert ["rect", "style"] == sorted(
        art.evaluate("svg => [...svg.children].map(e => e.localName)")
    )
    assert ["width"] == art.locator("rect").evaluate("e => e.getAttributeNames()")
    assert "onload" not in art.evaluate("svg => svg.getAttributeNames()")
    assert [] == ran
    page.close()


def test_without_javascript_a_figure_and_the_table_of_all(opened: Open) -> None:
    """No control that cannot work, and no empty place for one."""
    page = opened(java_script_enabled=False)
    expect(page.locator(".mp-art svg")).to_be_visible()
    expect(page.locator(".mp-dials")).to_be_hidden()
    page.get_by_text("All 8 settings, as a table").click()
    rows = page.locator("moving-parts-knob > .mp-text-table tbody tr")
    expect(rows).to_have_count(8)
    expect(rows.last).to_contain_text("10 % fails 40 messages")
    expect(page.locator("main")).to_have_count(1)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_when_the_controls_come_or_turn(
    opened: Open, folder: Path, width: int
) -> None:
    """Their room is kept, with labels that wrap too; nothing is wider than a phone."""
    long = Dial("share of all messages that the network loses", (1, 2), unit="%")
    html = extracted(folder, knob(fails, loss=long, per=PER).html())
    page = opened(html, viewport={"width": width, "height": 800})
    turned = page.locator("#after").bounding_box()
    unscripted = html.replace("<moving-parts-knob", "<div data-was").replace(
        "</moving-parts-knob>", "</div>"
    )
    assert turned is not None
    page.locator("input").press("End")
    expect(finding(page)).to_have_text("2 % fails 8 calls")
    assert turned == page.locator("#after").bounding_box()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    still = opened(unscripted, viewport={"width": width, "height": 800})
    room = still.locator(".mp-dials").bounding_box()
    assert room is not None
    there = page.locator(".mp-dials").bounding_box()
    assert there is not None
    assert room["height"] == there["height"]


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_to_object_to(opened: Open, theme: str, width: int) -> None:
    """Names, roles and contrast hold before and after a turn, tables open."""
    page = opened(theme=theme, viewport={"width": width, "height": 800})
    loss(page).press("End")
    expect(finding(page)).to_have_text("10 % fails 40 calls")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run('main')).violations")
    assert [] == [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_forced_colors_show_the_controls_and_the_current_row(opened: Open) -> None:
    """What a shade says, a line says where there are no shades."""
    page = opened(forced_colors="active")
    page.get_by_text("All 8 settings, as a table").click()
    cell = page.locator("tr[aria-current] td").first
    assert "2px" == cell.evaluate("e => getComputedStyle(e).borderTopWidth")
    expect(loss(page)).to_be_visible()


def test_it_prints_as_the_figure(opened: Open) -> None:
    """On paper nothing is turned."""
    page = opened()
    page.emulate_media(media="print")
    expect(page.locator(".mp-dials")).to_be_hidden()
    expect(page.locator(".mp-art svg")).to_be_visible()
