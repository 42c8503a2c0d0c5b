"""Where the book cannot run, and what it says there instead of waiting or nothing.

A host that sends files with a wrong content type, a page opened from disk, a frame
that keeps scripts out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.browser.built import BUILT
from tests.browser.chromium import MARKS
from tools.site.serve import SiteHandler, SiteServer

pytestmark = MARKS
SOON = 120_000  # milliseconds: seconds for a reader, more for a machine with much to do
WORLDS = "worlds/"
LAB = "lite/notebooks/index.html?path=01-one-ride-two-services.ipynb"
NEEDED = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
}
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
# What hosts send that do not know a name's ending, or know it wrongly.
WRONG = (
    ("a live cell", ".mjs", "application/octet-stream"),
    ("a live cell", ".mjs", ""),
    ("a live cell", ".wasm", "text/html"),
    ("a live cell", ".wasm", "application/wasm; charset=utf-8"),
    ("a lab", ".mjs", "text/plain; charset=utf-8"),
    ("a lab", ".wasm", "application/octet-stream"),
)


class Host(SiteServer):
    """The built site on a host with content types and refusals of a test's own."""

    def __init__(self) -> None:
        super().__init__(BUILT, prefix="/moving-parts/")
        self.RequestHandlerClass = HostHandler
        self.kinds: dict[str, str] = {}
        self.refused: set[str] = set()
        self.only_get = False
        self.asked: list[str] = []


class HostHandler(SiteHandler):
    """Answers as its host is set."""

    server: Host

    def guess_type(self, path: object) -> str:
        """The content type that the host has for a file's name."""
        ending = str(path).rpartition(".")[2]
        known = self.server.kinds.get(f".{ending}")
        return super().guess_type(str(path)) if known is None else known

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Refuse, or answer."""
        name = urlsplit(self.path).path.rpartition("/")[2]
        self.server.asked.append(f"{self.command} {name}")
        if self.server.only_get and self.command == "HEAD":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return None
        if name in self.server.refused:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return None
        return super().send_head()


@pytest.fixture(scope="module")
def server() -> Iterator[Host]:
    assert (BUILT / "index.html").is_file(), "build the book first: make book"
    host = Host()
    with host.running():
        yield host


@pytest.fixture
def host(server: Host) -> Host:
    """A host without faults, until a test sets them."""
    server.kinds, server.refused, server.only_get = {}, set(), False
    server.asked.clear()
    return server


def press_run(page: Page, host: Host) -> Page:
    """A small page, with Run pressed on its first live cell."""
    page.goto(host.url + WORLDS)
    page.get_by_role("button", name="Run", exact=True).first.click()
    return page


# --- A wrong content type -------------------------------------------------------------


@pytest.mark.parametrize(("where", "ending", "kind"), WRONG)
def test_a_wrong_content_type_is_named_within_seconds(
    reader: BrowserContext, host: Host, where: str, ending: str, kind: str
) -> None:
    """The files, what the host sent, what is needed, and what to do."""
    host.kinds = {ending: kind}
    page = reader.new_page()
    if where == "a lab":
        page.goto(host.url + LAB)
        shown = page.get_by_role("alert").filter(has_text="the host")
    else:
        press_run(page, host)
        shown = page.locator(".mp-live-status").first
    expect(shown).to_contain_text("the host sends", timeout=SOON)
    wrong = ", ".join(name for name in RUNTIME if name.endswith(ending))
    came = f"as {kind}" if kind else "without a content type"
    expect(shown).to_contain_text(f"the host sends {wrong} {came}. ")
    expect(shown).to_contain_text(f"{ending} files as {NEEDED[ending]} only")
    expect(shown).to_contain_text("If this is your host, set these content types")
    expect(shown).not_to_contain_text("connection")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)


def test_two_wrong_content_types_are_named_at_once(
    reader: BrowserContext, host: Host
) -> None:
    """Who sets one would else learn of the other next."""
    host.kinds = {".mjs": "text/plain", ".wasm": "text/plain"}
    page = press_run(reader.new_page(), host)
    shown = page.locator(".mp-live-status").first
    expect(shown).to_contain_text(
        ".mjs files as text/javascript and .wasm files as application/wasm only",
        timeout=SOON,
    )


@pytest.mark.parametrize("path", [WORLDS, LAB])
def test_scripts_of_another_type_are_named_too(
    reader: BrowserContext, host: Host, path: str
) -> None:
    """None of them runs then: what says so is part of the page itself."""
    host.kinds = {".js": "text/plain"}
    page = reader.new_page()
    page.goto(host.url + path)
    shown = page.locator("#mp-missing, .mp-host")
    expect(shown).to_contain_text(re.compile(r"\w+\.js as text/plain"), timeout=SOON)
    expect(shown).to_contain_text(".js files as text/javascript only")


def test_a_file_that_a_lab_lacks_is_named(reader: BrowserContext, host: Host) -> None:
    host.refused = {"pyodide.asm.wasm"}
    page = reader.new_page()
    page.goto(host.url + LAB)
    shown = page.locator(".mp-host")
    expect(shown).to_contain_text(
        "pyodide.asm.wasm did not come (the server answers 503)", timeout=SOON
    )
    shown.get_by_role("button", name="Close").click()
    expect(shown).to_have_count(0)


@pytest.mark.parametrize("only_get", [False, True])
def test_a_good_host_is_not_complained_of(
    reader: BrowserContext, host: Host, *, only_get: bool
) -> None:
    """Nor one that answers no HEAD; JavaScript has more than one good name."""
    host.only_get = only_get
    host.kinds = {".mjs": "application/javascript; charset=utf-8"}
    page = reader.new_page()
    with page.expect_event(
        "response",
        lambda answer: answer.url.endswith("asm.wasm") and answer.status == 200,
        timeout=SOON,
    ):
        page.goto(host.url + LAB)
    expect(page.locator("#main")).to_be_visible(timeout=SOON)
    asks = ("HEAD", "GET") if only_get else ("HEAD",)
    wanted = {f"{ask} {name}" for ask in asks for name in RUNTIME}
    assert wanted <= set(host.asked)
    expect(page.locator(".mp-host, .mp-live-none")).to_have_count(0)


# --- From disk, and in a frame --------------------------------------------------------

# With live cells, without any, a lab's own, and JupyterLite's: all pages are made so.
PAGES = (WORLDS, "", "labs/01-one-ride-two-services/", "lite/notebooks/")
WORD = ".mp-live-none, .mp-host"


def in_frame(page: Page, address: str, sandbox: str) -> FrameLocator:
    """A page in a frame that allows what `sandbox` says."""
    page.set_content(
        f'<iframe sandbox="{sandbox}" width="900" height="600" src="{address}">'
        "</iframe>"
    )
    return page.frame_locator("iframe")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("way", ["from disk", "in a frame"])
def test_a_page_that_can_load_no_script_says_why(
    reader: BrowserContext, host: Host, way: str, path: str
) -> None:
    """What is missing and what to do, at each live cell in the place of its button."""
    page = reader.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    if way == "from disk":
        base, words = BUILT.as_uri(), ("opened from disk", "make serve")
        page.goto(f"{base}/{path}index.html")
        body = page.locator("body")
    else:
        base, words = host.url, ("allow-same-origin", "Open the page on its own")
        body = in_frame(page, f"{base}{path}", "allow-scripts").locator("body")
    shown = body.locator(WORD).first
    for each in words:
        expect(shown).to_contain_text(each)
    expect(shown).to_be_visible()
    cells = body.locator("div.cell.tag_live")
    places = body.locator("div.cell.tag_live > .cell_input + .mp-live-none")
    expect(places).to_have_count(cells.count())
    if cells.count():
        places.last.get_by_role("link", name="Why there is no Run button").click()
        expect(shown).to_be_in_viewport()
        expect(shown).to_contain_text("There is no Run button here: ")
    expect(body.locator(".search-button-field")).to_be_hidden()
    assert [] == [each for each in asked if not each.startswith(base)]


def test_a_frame_that_allows_the_pages_origin_has_its_buttons(
    reader: BrowserContext, host: Host
) -> None:
    page = reader.new_page()
    allowed = "allow-scripts allow-same-origin"
    frame = in_frame(page, f"{host.url}{WORLDS}", allowed)
    expect(frame.get_by_role("button", name="Run", exact=True).first).to_be_visible()
    expect(frame.locator(WORD)).to_have_count(0)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("live.js", "There is no Run button here: live.js did not come"),
        ("book.js", "A part of this page is missing: book.js did not come"),
    ],
)
def test_one_script_that_does_not_come_is_named_and_the_others_work(
    reader: BrowserContext, host: Host, file: str, words: str
) -> None:
    host.refused = {file}
    page = reader.new_page()
    page.goto(host.url + WORLDS)
    shown = page.locator(WORD).first
    expect(shown).to_contain_text(f"{words} (the server answers 503)")
    expect(page.locator(".search-button-field")).to_be_visible()
    runs = page.get_by_role("button", name="Run", exact=True)
    expect(runs.first).to_be_visible(visible=file != "live.js")


def test_without_javascript_and_on_paper_no_word_is_lost(
    browser: Browser, host: Host
) -> None:
    """The page is as it was built; the word does not print."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(host.url + WORLDS)
        expect(page.locator("div.cell.tag_live").first).to_be_visible()
        expect(page.locator(WORD)).to_have_count(0)
    host.refused = {"live.js"}
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(host.url + WORLDS)
        expect(page.locator("#mp-missing")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator("#mp-missing")).to_be_hidden()
