"""Live cells in Chromium, on the built book under a path, under a strict policy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Locator, Page, expect

from movingparts.draw import board
from movingparts.strategy.event_storming import Board, Card
from tests.browser.built import BUILT, addresses
from tests.browser.chromium import CHROMIUM, FLAGS, MARKS
from tests.browser.live_site import CELL, LiveSite, cell
from tests.pyodide import node

pytestmark = MARKS
LOADED = 120_000  # milliseconds: a busy machine needs a minute for Python


class Reader:
    """A page with live cells, what the site was asked for, and what went wrong."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.outside: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(30_000)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.outside.append(url)

    def open(self, address: str) -> Reader:
        """Open a page, and note what its policy refuses from then on."""
        self.page.goto(address, wait_until="load")
        self.page.evaluate(
            # A folded cell is run by whoever opens it.
            "for (const fold of document.querySelectorAll('details.hide'))"
            " fold.open = true;"
            "window.refused = [];"
            "document.addEventListener('securitypolicyviolation', (e) =>"
            " window.refused.push(`${e.violatedDirective} ${e.blockedURI}`))"
        )
        return self

    def cell(self, number: int) -> Locator:
        return self.page.locator("div.cell.tag_live").nth(number - 1)

    def bar(self, number: int) -> Locator:
        return self.page.get_by_role("group", name=f"Cell {number}", exact=True)

    def button(self, number: int, name: str) -> Locator:
        return self.bar(number).get_by_role("button", name=name, exact=True)

    def press(self, number: int, name: str = "Run") -> None:
        self.button(number, name).click()

    def run(self, number: int, *, ends: str = "done", within: int = LOADED) -> None:
        self.press(number)
        self.expect_state(number, ends, within=within)

    def expect_state(self, number: int, state: str, *, within: int = LOADED) -> None:
        label = self.bar(number).locator(".mp-live-state")
        expect(label).to_have_text(f"Cell {number}: {state}", timeout=within)

    def expect_status(self, number: int, words: str | re.Pattern[str]) -> None:
        wording = self.bar(number).get_by_role("status")
        expect(wording).to_contain_text(words, timeout=LOADED)

    def output(self, number: int) -> Locator:
        return self.cell(number).locator(".cell_output:visible")

    def text(self, number: int) -> Locator:
        """What a cell shows as text, without the theme's button to copy it."""
        return self.output(number).locator("pre")

    def write(self, number: int, source: str) -> None:
        """Replace a cell's code, as a reader would, by keyboard."""
        if self.button(number, "Edit").is_visible():
            self.press(number, "Edit")
        else:
            self.cell(number).get_by_role("textbox").focus()
        editor = self.cell(number).get_by_role("textbox")
        expect(editor).to_be_focused()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        lines = source.split("\n")
        for line in lines[:-1]:
            self.page.keyboard.insert_text(line)
            self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(lines[-1])

    def expect_quiet(self) -> None:
        """Nothing was asked of another host, refused by the policy, or broken."""
        assert [] == self.outside
        assert [] == self.page.evaluate("window.refused")
        assert [] == self.complaints


@pytest.fixture(scope="module")
def site() -> Iterator[LiveSite]:
    """The built site under a path."""
    assert (BUILT / "index.html").is_file(), "build the book first: make book"
    server = LiveSite(BUILT)
    with server.running():
        yield server


@pytest.fixture
def reader(browser: Browser, site: LiveSite) -> Iterator[Reader]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield Reader(context.new_page(), site.url)


PLAYS = (
    "from movingparts.draw import play\n"
    "from movingparts.world import simulate\n"
    "from movingparts.service import service\n"
    "async def ask(world):\n"
    "    await world.serve('fleet', lambda node: service(node, title='fleet'))\n"
    "    await world.client('dock').get('http://fleet/ready')\n"
    "play(simulate(ask, seed=7), title='A call')"
)
SORTS = (
    "from movingparts.draw import board\n"
    "from movingparts.strategy.event_storming import Board, Card\n"
    "cards = Card('RideStarted', 'off'), Card('RideEnded', 'over')\n"
    "board(Board(cards), contexts=('rides', 'fleet'), title='Two events')"
)


def sorts() -> str:
    """A cell that shows a board, on a page that came without the board's script."""
    cards = Card("RideStarted", "off"), Card("RideEnded", "over")
    made = board(Board(cards), contexts=("rides", "fleet"), title="Two events")
    built = f'<div class="cell_output"><div class="output text_html">{made.html()}'
    return CELL.format(source=escape(SORTS), output=f"{built}</div></div>")


@pytest.fixture(scope="module")
def with_python(browser: Browser, site: LiveSite) -> Iterator[Reader]:
    """A page whose Python is there already."""
    cells = [cell("start = 1"), cell("start + 1", "2"), cell("'last'"), cell("start")]
    cells += [cell(PLAYS), sorts()]
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        reader = Reader(context.new_page(), site.url).open(site.page(*cells))
        reader.run(1)
        yield reader


@pytest.fixture
def trial(with_python: Reader) -> Iterator[Reader]:
    """That page; what a test has changed on it is put back when the test ends."""
    yield with_python
    resets = with_python.page.get_by_role("button", name="Reset", exact=True)
    while resets.count():  # of those that are to be seen
        resets.first.click()


# --- The same as on the page ----------------------------------------------------------


def shown(output: Tag | None) -> list[str]:
    """What a cell shows, without what only the place or the look makes different."""
    if output is None:
        return []
    for style in output.select("style"):
        style.decompose()
    for element in output.find_all(True):
        del element["style"]
        element["class"] = sorted(element.get("class") or [])
    for knob in output.select("moving-parts-knob"):
        file_of_settings(knob)
    pieces = []
    for piece in output.select(":scope > .output"):
        plain = {"text_plain", "stream", "stderr"} & set(piece["class"])
        text = piece.get_text() if plain else piece.decode_contents()
        if not plain:
            text = re.sub(r"\n+", "\n", text)  # where a style stood
        pieces.append(re.sub(r"-live\d+-\d+", "", text).strip("\n"))
    return pieces


def file_of_settings(knob: Tag) -> None:
    """Make a knob as it came out look as the build leaves it: see knobs.py."""
    data = knob.select_one("script")
    if data is not None:
        name = hashlib.sha256(data.get_text().encode()).hexdigest()[:16]
        knob["src"] = f"_static/knobs/{name}.json"
        data.decompose()
    del knob["dials"]
    for room in knob.select(".mp-dials"):
        room.decompose()


def with_live_cells() -> list[str]:
    """The addresses of the pages that have some: each chapter, the worlds."""
    pages = {path: (BUILT / path / "index.html").read_text() for path in addresses()}
    return [path for path, text in pages.items() if '<div class="cell tag_live' in text]


REPLAYED = """const results = new Map(%s);
self.onmessage = ({data}) => {
  const known = data.type === "start" ? [{type: "ready"}] : results.get(data.source);
  for (const each of known ?? [{type: "died", why: "a cell of another page"}]) {
    self.postMessage(each);
  }
};"""


def built_cells(path: str) -> list[Tag]:
    """The live cells of a page, as they were built."""
    text = (BUILT / path / "index.html").read_text("utf-8")
    return BeautifulSoup(text, "html.parser").select("div.cell.tag_live")


def beside(path: str) -> str:
    """What pages have in common that are run in one Python: their chapter."""
    return "/".join(path.split("/")[:2])


@cache
def in_pyodide(chapter: str) -> dict[str, str]:
    """For each page of a chapter, a worker that sends what its own has sent in Node."""
    paths = [path for path in with_live_cells() if beside(path) == chapter]
    pages = [
        [
            cell.select_one(".cell_input pre").get_text().removesuffix("\n")
            for cell in built_cells(path)
        ]
        for path in paths
    ]
    sent = node.page_cells(BUILT, pages)
    return {
        path: REPLAYED % json.dumps([*zip(sources, each, strict=True)])
        for path, sources, each in zip(paths, pages, sent, strict=True)
    }


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.xdist_group(f"{beside(path)} live"))
        for path in with_live_cells()
    ],
)
def test_all_cells_of_a_page_show_what_the_build_has_shown(
    reader: Reader, site: LiveSite, path: str
) -> None:
    """To the letter: text, tables, drawings, and the recording that a player plays.

    The page's worker runs them in Node's Pyodide, and the page shows what it sent.
    """
    built = built_cells(path)
    assert len(built) >= 2
    site.scripts["worker.js"] = in_pyodide(beside(path))[path]
    # Players, knobs and boards would rebuild what is compared here.
    site.refused |= {"player.js", "knob.js", "board.js"}
    try:
        reader.open(site.url + path)
        reader.run(len(built))
    finally:
        site.refused.clear()
        site.scripts.clear()
    live = reader.page.evaluate(
        "[...document.querySelectorAll('div.cell.tag_live')].map((cell) =>"
        " cell.querySelector('.mp-live-output')?.outerHTML ?? '')"
    )
    for number, (before, after) in enumerate(zip(built, live, strict=True), start=1):
        new = BeautifulSoup(after, "html.parser").select_one(".cell_output")
        old = before.select_one(".cell_output")
        assert shown(old) == shown(new), f"cell {number}"
        if old is not None:
            expect(reader.bar(number)).to_contain_text("Same as on the page.")
    before = "cell" if len(built) == 2 else f"{len(built) - 1} cells"
    reader.expect_status(len(built), f"Ran the {before} above first.")
    ids = reader.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    reader.expect_quiet()


# --- Loading --------------------------------------------------------------------------


def test_nothing_is_loaded_before_the_first_click_and_a_second_page_reuses_it(
    browser: Browser, site: LiveSite, tmp_path: Path
) -> None:
    """One small script before; on the second page the browser has all of Pyodide."""
    # A profile on disk: a private one keeps no file as large as Pyodide's.
    with browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=CHROMIUM, args=FLAGS
    ) as context:
        first = Reader(context.new_page(), site.url)
        site.answers.clear()
        first.open(site.url + "worlds/")
        first.page.wait_for_load_state("networkidle")
        assert [] == site.asked("pyodide")
        assert [] == site.asked("worker.js")
        first.run(2)
        assert {200} == {code for _, code in site.asked("pyodide/")}
        site.answers.clear()
        second = Reader(context.new_page(), site.url)
        second.open(site.page(cell("1 + 1")))
        second.run(1)
        again = site.asked("pyodide/")
        assert [] == [path for path, code in again if code != 304]
        # Two tabs, each with a Python of its own.
        first.run(3)
        first.expect_quiet()
        second.expect_quiet()


def test_what_does_not_come_is_named_and_the_next_try_works(
    reader: Reader, site: LiveSite
) -> None:
    """A slow file is awaited in words, and Stop ends the wait."""
    reader.open(site.page(cell("6 * 7")))
    # A wheel that came now would be kept, and could not be refused below.
    with site.holding("pyodide.asm.wasm"), site.holding(".whl"):
        reader.press(1)
        reader.expect_status(1, re.compile(r"Loading Python.*: \d+ files, [\d.]+ MB"))
        reader.expect_state(1, "waiting")
        reader.press(1, "Stop")
        reader.expect_state(1, "as built")
        expect(reader.button(1, "Run")).to_be_focused()
    press = "Run"
    for name in ("worker.js", "pyodide.mjs", "pyodide-lock.json", "pydantic_core"):
        site.refused.add(name)
        try:
            reader.press(1, press)
            wording = rf"could not be loaded: {name}\S* did not come"
            reader.expect_status(1, re.compile(wording))
            reader.expect_state(1, "as built")
        finally:
            site.refused.clear()
        press = "Retry"
    reader.press(1, press)
    reader.expect_state(1, "done")
    expect(reader.button(1, "Run")).to_be_focused()
    expect(reader.text(1)).to_have_text("42")


def test_without_webassembly_one_line_says_so(reader: Reader, site: LiveSite) -> None:
    """And there are no buttons that cannot work."""
    reader.page.add_init_script("delete globalThis.WebAssembly")
    reader.open(site.page(cell("1"), cell("2")))
    expect(reader.page.locator(".mp-live-none")).to_have_count(1)
    expect(reader.page.locator(".mp-live-none")).to_contain_text("no WebAssembly")
    expect(reader.page.locator(".mp-live")).to_have_count(0)


def test_paper_and_pages_without_javascript_have_no_toolbars(
    browser: Browser, site: LiveSite
) -> None:
    """What was built is there."""
    address = site.page(cell("1 + 1", "2"))
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator(".tag_live .cell_output")).to_be_visible()
        expect(page.locator(".mp-live")).to_have_count(0)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator(".mp-live")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator(".mp-live")).to_be_hidden()


# --- Running --------------------------------------------------------------------------


def test_output_comes_while_the_cell_runs(trial: Reader) -> None:
    """Also from a loop that never waits."""
    trial.write(4, "print('first words', flush=True)\nawait_me = 0\nprint('more')")
    trial.press(4)
    trial.expect_state(4, "done")
    expect(trial.output(4)).to_contain_text("first words\nmore")


def test_a_change_above_makes_what_is_below_out_of_date(trial: Reader) -> None:
    """Edited, done, out of date, and back to what was built."""
    trial.run(2)
    trial.expect_status(2, "Same as on the page.")
    trial.write(1, "start = 5")
    trial.expect_state(1, "edited")
    trial.page.keyboard.press("Shift+Enter")
    trial.expect_state(1, "done")
    trial.expect_state(2, "out of date")
    trial.run(2)
    expect(trial.text(2)).to_have_text("6")
    trial.press(1, "Reset")
    expect(trial.button(1, "Run")).to_be_focused()
    trial.expect_state(1, "as built")
    trial.press(2, "Reset")
    expect(trial.text(2)).to_have_text("2")
    expect(trial.button(2, "Reset")).to_be_hidden()
    trial.run(2)
    trial.expect_status(2, "Same as on the page. Ran the cell above first.")
    trial.expect_quiet()


def test_an_error_points_to_its_line_and_folds_the_libraries(trial: Reader) -> None:
    """Its last line is what went wrong."""
    trial.write(3, "import json\nread = lambda text: json.loads(text)\nread('{')")
    trial.run(3, ends="failed")
    error = trial.output(3).locator(".mp-live-error")
    expect(error).to_contain_text("cell 3, line 3, in <module>")
    expect(error).to_contain_text("    read = lambda text: json.loads(text)")
    expect(error.locator("pre").last).to_contain_text("json.decoder.JSONDecodeError:")
    expect(error.locator("summary")).to_have_text("3 steps in json")
    expect(error.locator("details pre")).to_be_hidden()
    trial.expect_status(3, re.compile(r"Failed after [\d.]+ s: JSONDecodeError\."))
    trial.write(3, "ride = (1,")
    trial.run(3, ends="failed")
    expect(trial.output(3)).to_contain_text("cell 3, line 1")
    expect(trial.output(3)).to_contain_text("SyntaxError: '(' was never closed")
    trial.expect_quiet()


HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>1</script>"


@pytest.mark.parametrize(
    "source",
    [
        f"print({HOSTILE!r})",
        f"({HOSTILE!r},)",
        f"raise ValueError({HOSTILE!r})",
        f"import sys; print({HOSTILE!r}, file=sys.stderr)",
    ],
)
def test_hostile_text_is_shown_as_text(trial: Reader, source: str) -> None:
    """In what is printed, in a value, in an error."""
    trial.write(3, source)
    trial.press(3)
    expect(trial.output(3)).to_contain_text("<img src=x onerror=")
    expect(trial.button(3, "Stop")).to_be_hidden()  # it has ended
    expect(trial.output(3).locator("img, script")).to_have_count(0)
    expect(trial.page).to_have_title(re.compile("^(?!broken)"))
    trial.expect_quiet()


def test_hostile_html_loses_what_could_act_or_ask(trial: Reader) -> None:
    """No handler, no script, no address elsewhere, no id of the page."""
    html = (
        HOSTILE + "<svg id=main-content><script>1</script><a href='javascript:1'>x</a>"
        "</svg><iframe src='https://example.org'></iframe><form action=/x></form>"
        "<img id=far src='https://example.org/x.png'><p style='color: red'>kept</p>"
        "<style>@import 'https://example.org/x.css'; p {color: blue}</style>"
    )
    trial.write(3, f"class H: _repr_html_ = lambda self: {html!r}")
    trial.page.keyboard.press("Enter")
    trial.page.keyboard.insert_text("H()")
    trial.run(3)
    output = trial.output(3)
    expect(output.locator("p")).to_have_css("color", "rgb(255, 0, 0)")
    expect(output.locator("script, iframe, form, style, [onerror]")).to_have_count(0)
    expect(output.locator("[href^='javascript'], [src^='https']")).to_have_count(0)
    expect(output.locator("#main-content, #far")).to_have_count(0)
    expect(trial.page).to_have_title(re.compile("^(?!broken)"))
    # Beside the sanitizer, the policy refuses too; and nothing was asked for.
    trial.page.evaluate("window.refused = []")
    trial.expect_quiet()


def test_a_player_plays_where_the_page_had_none(trial: Reader) -> None:
    """Its script is loaded when it appears."""
    trial.run(5)
    player = trial.output(5).locator("moving-parts-player")
    expect(player.get_by_role("button", name="Play", exact=False).first).to_be_visible()
    expect(player.locator("svg text").first).to_be_visible()
    trial.expect_quiet()


def test_a_board_is_sorted_where_the_page_had_none(
    trial: Reader,
) -> None:
    """Its script and its style sheet are loaded when it appears."""
    scripts = "performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert not any("/board." in name for name in trial.page.evaluate(scripts))
    trial.run(6)
    trial.expect_status(6, "Same as on the page.")
    live = trial.output(6).locator("moving-parts-board")
    live.get_by_label("Context of RideStarted").select_option("rides")
    expect(live.locator(".mp-bin").nth(1)).to_have_text("ridesRideStarted")
    expect(live.locator(".mp-workspace")).to_have_css("position", "sticky")
    trial.expect_quiet()


def test_stop_ends_a_busy_loop_and_endless_output_and_the_next_run_replays(
    trial: Reader,
) -> None:
    """What is above has to run again, and the page says so."""
    trial.write(3, "while True: print('and again')")
    trial.press(3)
    expect(trial.output(3)).to_contain_text("Here the output was cut")
    expect(trial.button(3, "Stop")).to_be_visible()
    trial.button(3, "Stop").focus()
    [python] = trial.page.workers
    with python.expect_event("close"):  # the loop itself ends, not only its display
        trial.page.keyboard.press("Enter")
    trial.expect_state(3, "stopped")
    expect(trial.button(3, "Run")).to_be_focused()
    expect(trial.button(3, "Stop")).to_be_hidden()
    trial.write(3, "start += 40")
    trial.run(4)
    trial.expect_status(4, "Python had ended: ran the 3 cells above again first.")
    expect(trial.text(4)).to_have_text("41")
    trial.expect_quiet()


def test_a_cell_above_that_fails_ends_the_replay(trial: Reader) -> None:
    """It is named; the cells below have not run."""
    trial.write(2, "start / 0")
    trial.press(4)
    trial.expect_state(2, "failed")
    trial.expect_status(4, "Cell 2 failed, so this cell was not run.")
    for number, state in {3: "as built", 4: "as built"}.items():
        trial.expect_state(number, state)
    trial.write(2, "start / 1")
    trial.press(4, "Run all above")
    trial.expect_status(4, "Ran the 3 cells above")
    trial.expect_state(4, "as built")
    trial.run(4)
    trial.expect_quiet()
