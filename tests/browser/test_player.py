"""The player in Chromium: mouse, touch, keyboard, phone, print, JupyterLab."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from movingparts.draw import play
from movingparts.draw.excerpt import excerpt
from movingparts.draw.player import MODULE
from tests.browser.chromium import MARKS
from tests.draw.recordings import calls, hostile, ride

pytestmark = MARKS
PALETTE = Path("book/_static/css/palette.css")
NEVER_SEEN = "IntersectionObserver = class { observe() {} disconnect() {} };"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"{root}>
<meta charset="utf-8">{head}<title>page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><link rel="stylesheet"
href="palette.css"><script type="module" src="player.js"></script>
<style>body {{ background: var(--mp-paper); color: var(--mp-ink) }}</style>
<body><h1>Page</h1>{body}</body></html>"""


class Site:
    """A folder served on loopback, with pages that hold players."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(MODULE, folder / "player.js")
        shutil.copy(PALETTE, folder / "palette.css")
        handler = functools.partial(_Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(
        self, body: str, *, theme: str = "light", root: str = "", head: str = ""
    ) -> str:
        """Write a page and return its address."""
        name = f"{secrets.token_hex(4)}.html"
        text = PAGE.format(theme=theme, root=root, body=body, head=head)
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.url + name

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Open]:
    """Open pages; at the end no page may have erred or asked another host."""
    contexts, wrong = [], []

    def seen(url: str) -> None:
        if not url.startswith((site.url, "data:")):
            wrong.append(f"request to {url}")

    def open_(
        body: str,
        *,
        theme: str = "light",
        root: str = "",
        head: str = "",
        still: bool = True,
        **context: Any,
    ) -> Page:
        contexts.append(browser.new_context(**context))
        if still:  # none plays by itself
            contexts[-1].add_init_script(NEVER_SEEN)
        page = contexts[-1].new_page()
        page.on("request", lambda request: seen(request.url))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on(
            "console",
            lambda wording: (
                wording.type == "error" and wrong.append(f"console: {wording.text}")
            ),
        )
        page.goto(site.page(body, theme=theme, root=root, head=head))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [] == wrong


def state(page: Page) -> dict[str, Any]:
    found = page.evaluate(
        """() => { const p = document.querySelector("moving-parts-player");
        return { time: p.time, view: p.view, playing: p.playing, row: p.row,
                 underWay: p.underWay, last: p.at >= p.last }; }"""
    )
    return dict(found)


def current_rows(page: Page) -> list[int]:
    found = page.evaluate(
        """() => [...document.querySelectorAll("tbody tr")].flatMap(
        (row, i) => row.hasAttribute("aria-current") ? [i] : [])"""
    )
    return list(found)


def marks(page: Page) -> int:
    """Count the marks on the drawing in view."""
    return int(
        page.evaluate(
            """() => document.querySelector("moving-parts-player").shadowRoot
            .querySelectorAll(".pane:not([hidden]) .over .dot:not([display])")
            .length"""
        )
    )


def cover(page: Page) -> str:
    return str(
        page.evaluate(
            """() => document.querySelector("moving-parts-player").shadowRoot
            .querySelector(".cover").getAttribute("display")"""
        )
    )


def test_it_opens_at_the_beginning_with_the_whole_drawing(opened: Open) -> None:
    """The reader sees the figure; the first step goes to what happened first."""
    page = opened(play(ride()).html())
    assert ([], 0, "none") == (current_rows(page), marks(page), cover(page))
    expect(page.locator("moving-parts-player .mp-art svg.mp-wide")).to_be_visible()
    page.get_by_role("button", name="Step forward").click()
    assert ([0], "inline") == (current_rows(page), cover(page))


def test_it_plays_once_when_it_comes_into_view(opened: Open) -> None:
    """Not before; and not again, however often its reader scrolls."""
    below = '<p style="height: 2000px">above</p>'
    page = opened(below + play(calls(1)).html(), still=False)
    page.wait_for_timeout(300)
    assert not state(page)["playing"]
    page.locator("moving-parts-player").scroll_into_view_if_needed()
    page.wait_for_function(
        "(({at, last}) => at >= last)(document.querySelector('moving-parts-player'))"
    )
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.mouse.wheel(0, -3000)
    page.locator("moving-parts-player").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    assert not state(page)["playing"]


def test_on_a_phone_it_plays_the_narrow_drawing(opened: Open) -> None:
    """Turned to its side, the phone shows the wide one."""
    page = opened(play(ride()).html(), viewport={"width": 360, "height": 720})
    art = page.locator("moving-parts-player .mp-art")
    expect(art.locator("svg.mp-narrow")).to_be_visible()
    expect(art.locator("svg.mp-wide")).to_be_hidden()
    page.get_by_role("button", name="Step forward").click()
    assert [0] == current_rows(page)
    page.set_viewport_size({"width": 720, "height": 360})
    expect(art.locator("svg.mp-wide")).to_be_visible()
    page.get_by_role("button", name="Step forward").click()
    assert [0] == current_rows(page)
    expect(page.get_by_role("button", name="Play")).to_have_count(1)


def test_on_a_phone_a_map_dots_what_is_down(opened: Open) -> None:
    phone = {"width": 360, "height": 720}
    page = opened(play(ride(), view="topology").html(), viewport=phone)
    page.get_by_role("slider").press("End")
    up = page.locator("[data-node=pricing]:not(.down)")
    expect(up).to_have_count(1)
    while not page.locator("[data-node=pricing].down").count():
        page.get_by_role("button", name="Step back").click()
        assert 0 < state(page)["row"]


@pytest.mark.parametrize("view", ["sequence", "topology"])
def test_at_any_time_exactly_the_messages_under_way_are_shown(
    opened: Open, view: str
) -> None:
    """Scrubbed to a time, the player shows what was under way then, in each view."""
    part = excerpt(ride())
    page = opened(play(ride(), view=view).html())  # type: ignore[arg-type] - a view
    times = sorted({m.sent_us for m in part.messages})
    times += [at + 300 for at in times] + [1_000_000, 0]
    for at in times:
        page.evaluate(
            "at => { document.querySelector('moving-parts-player').time = at; }", at
        )
        expected = [
            i for i, m in enumerate(part.messages) if m.sent_us <= at < part.ends(m)
        ]
        shown = [i for i in expected if view == "sequence" or _on_map(part, i)]
        assert expected == state(page)["underWay"], at
        assert len(shown) == marks(page), at


def _on_map(part: Any, i: int) -> bool:
    return part.messages[i].kind != "ack"


def test_steps_go_through_the_table_row_by_row(opened: Open) -> None:
    """Arrow keys move from happening to happening, forth and back, to the end."""
    rows = len(play(ride()).figure.table.rows)
    page = opened(play(ride()).html())
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Home")
    assert [] == current_rows(page)
    for row in range(rows):
        page.keyboard.press("ArrowRight")
        assert [row] == current_rows(page)
    page.keyboard.press("ArrowRight")
    assert state(page)["last"]
    for row in reversed(range(rows - 1)):
        page.keyboard.press("ArrowLeft")
        assert [row] == current_rows(page)


def test_a_step_is_announced_to_screen_readers(opened: Open) -> None:
    """The polite live region holds what the current row says."""
    page = opened(play(calls()).html())
    page.get_by_role("button", name="Step forward").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    wording = page.locator("moving-parts-player [aria-live=polite]")
    expect(wording).to_have_text("rides → pricing · request GET /quote · delivered")


def test_keys_work_only_inside(opened: Open) -> None:
    """The page keeps its own keys while the focus is elsewhere."""
    page = opened('<button id="other">other</button>' + play(calls()).html())
    page.focus("#other")
    before = state(page)
    for key in ("Home", "v", "ArrowLeft"):
        page.keyboard.press(key)
    assert before == state(page)


def test_the_keyboard_alone_reaches_everything(opened: Open) -> None:
    """Tab reaches each control in its order; space, v and End do what they say."""
    page = opened(play(calls()).html())
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                """() => { let e = document.activeElement;
                while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
                return e.getAttribute("aria-label") || e.textContent.trim(); }"""
            )
        )
    expected = ["Step back", "Play", "Step forward", "Time", "Speed", "Map"]
    assert expected == [name for name in names if name in expected]
    page.locator("moving-parts-player [aria-label=Time]").focus()
    page.keyboard.press("v")
    assert "topology" == state(page)["view"]
    page.keyboard.press(" ")
    assert state(page)["playing"]
    page.keyboard.press(" ")
    assert not state(page)["playing"]
    page.keyboard.press("End")
    assert state(page)["last"]


def test_it_plays_to_the_end_by_mouse(opened: Open) -> None:
    """Play runs through the recording and stops by itself at the table's last row."""
    page = opened(play(calls(1)).html())
    page.get_by_label("Speed").select_option("4")
    page.evaluate(
        """() => { const player = document.querySelector("moving-parts-player");
        window.rows = [];
        const note = () => { rows.push(player.row); requestAnimationFrame(note); };
        note(); }"""
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("rows.some((row) => row >= 0)")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert state(page)["last"]
    assert [len(play(calls(1)).figure.table.rows) - 1] == current_rows(page)


def test_the_slider_scrubs_by_mouse(opened: Open) -> None:
    """A click in the middle of the slider stands in the middle of the drawing."""
    page = opened(play(calls()).html())
    slider = page.get_by_label("Time")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    middle = state(page)
    assert not middle["last"]
    assert 1_500 < middle["time"] < 6_500
    assert re.fullmatch(r"[\d.]+ ms", slider.get_attribute("aria-valuetext") or "")


def test_it_works_by_touch_on_a_phone(opened: Open) -> None:
    """At 360 px nothing scrolls sideways, and a tap plays."""
    page = opened(
        play(ride()).html() + play(calls()).html(),
        viewport={"width": 360, "height": 720}, has_touch=True, is_mobile=True,
    )  # fmt: skip
    assert 360 == page.evaluate("() => document.documentElement.scrollWidth")
    page.get_by_role("button", name="Play").first.tap()
    assert state(page)["playing"]
    page.get_by_role("button", name="Pause").first.tap()
    page.get_by_role("button", name="Map").first.tap()
    assert "topology" == state(page)["view"]
    assert 360 == page.evaluate("() => document.documentElement.scrollWidth")


def test_reduced_motion_steps_instead_of_gliding(opened: Open) -> None:
    """Where motion is not wanted, playing jumps from happening to happening."""
    page = opened(play(calls()).html(), reduced_motion="reduce")
    page.evaluate(
        """() => { const p = document.querySelector("moving-parts-player");
        window.stops = []; const place = p.place.bind(p);
        p.place = (at) => { if (at !== window.stops.at(-1)) window.stops.push(at);
                            place(at); }; }"""
    )
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    stops = page.evaluate("() => window.stops.map(Math.round)")
    layout = play(calls()).data
    rows = [layout["ys"][layout["times"].index(at)] for at in layout["rows"]]
    allowed = {*rows, layout["ys"][0], layout["ys"][-1]}
    assert set() == set(stops) - allowed
    assert set(rows) <= set(stops)


def test_nothing_plays_by_itself_where_motion_is_not_wanted(opened: Open) -> None:
    page = opened(play(calls()).html(), still=False, reduced_motion="reduce")
    page.wait_for_timeout(300)
    assert not state(page)["playing"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_schemes_color_the_drawing(opened: Open, theme: str) -> None:
    """The page's palette colors the SVG, also against the system's scheme."""
    other = "dark" if theme == "light" else "light"
    page = opened(play(calls()).html(), theme=theme, color_scheme=other)
    color = page.evaluate(
        """() => getComputedStyle(document.querySelector(".mp-art .bg")).fill"""
    )
    assert {"light": "rgb(252, 252, 250)", "dark": "rgb(22, 26, 33)"}[theme] == color


def test_without_javascript_the_figure_and_its_table_stand(opened: Open) -> None:
    """The SVG shows, the table opens, and no empty control is left."""
    page = opened(play(calls()).html(), java_script_enabled=False)
    expect(page.locator(".mp-art svg")).to_be_visible()
    page.locator("summary").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.locator(".mp-note")).to_be_hidden()


def test_it_prints_as_the_drawing(opened: Open) -> None:
    """In print, controls and cover are gone and the whole drawing shows."""
    page = opened(play(ride()).html())
    page.evaluate(
        "() => { document.querySelector('moving-parts-player').time = 4000; }"
    )
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Play")).to_be_hidden()
    hidden = page.evaluate(
        """() => { const p = document.querySelector("moving-parts-player");
        const root = p.shadowRoot;
        const stage = root.querySelector(".stage");
        return [getComputedStyle(root.querySelector(".over")).display,
                stage.scrollHeight - stage.clientHeight]; }"""
    )
    assert ["none", 0] == hidden


def test_a_hostile_recording_is_text(opened: Open) -> None:
    """No label becomes an element or runs, in any view."""
    page = opened(play(hostile()).html() + play(hostile(), view="topology").html())
    page.get_by_role("button", name="Map").first.click()
    found = page.evaluate(
        """() => [document, ...[...document.querySelectorAll(
        "moving-parts-player")].map(p => p.shadowRoot)]
        .flatMap(root => [...root.querySelectorAll("img, script")])
        .filter(e => e.type !== "application/json" && e.type !== "module").length"""
    )
    assert 0 == found


def test_two_players_do_not_disturb_each_other(opened: Open) -> None:
    """Moving one leaves the other where it is."""
    page = opened(play(calls()).html() + play(ride()).html())
    page.evaluate(
        "() => { document.querySelectorAll('moving-parts-player')[1].time = 0; }"
    )
    assert -1 == state(page)["row"]


def test_a_strict_content_security_policy_lets_it_work(opened: Open) -> None:
    """Neither controls nor playing need inline scripts or handlers."""
    policy = (
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"script-src 'self'; object-src 'none'\">"
    )
    page = opened(play(calls()).html(), head=policy)
    page.get_by_role("button", name="Step back").click()
    assert not state(page)["last"]


AXE = Path("node_modules/axe-core/axe.min.js")


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_object_to(opened: Open, theme: str) -> None:
    """Names, roles, contrast and landmarks hold with tables open, in both schemes."""
    body = play(ride()).html() + play(ride(), view="topology").html()
    page = opened(f"<main>{body}</main>", theme=theme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.get_by_role("button", name="Step back").first.click()
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run('main')).violations")
    assert [] == [(one["id"], one["nodes"][0]["html"]) for one in found]


# --- JupyterLab -------------------------------------------------------------------

CELLS = (
    "from movingparts.draw import play; from tests.draw.recordings import *",
    "play(calls())",
    "play(traffic(80)).widget()",
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Start JupyterLab on loopback with a token; end it and its kernels."""
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    meta = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=meta), tmp_path / "x.ipynb"
    )
    token = secrets.token_hex(16)
    home = tmp_path / "home"
    home.mkdir()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
            f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
        ],
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert server.stderr is not None
    for line in server.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        if found:
            break
    else:
        pytest.fail("JupyterLab did not start")
    drain = threading.Thread(target=server.stderr.read, daemon=True)
    drain.start()
    yield f"{found.group()}lab/tree/x.ipynb?token={token}"
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    drain.join()
    server.stderr.close()


def test_in_jupyterlab_the_output_plays_and_holds_no_model(
    browser: Browser, lab: str, tmp_path: Path
) -> None:
    """A cell's stable HTML comes alive there, and so does the explicit widget."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.goto(lab)
    page.get_by_text("play(calls())").wait_for(timeout=120_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    inside = page.locator(".jp-OutputArea-output moving-parts-player")
    for i, rows in ((0, 6), (1, 80)):
        for _ in range(2 - i):  # the first cell imports, the others show a player
            page.keyboard.press("Shift+Enter")
        player = inside.nth(i)
        player.get_by_role("button", name="Step forward").click(timeout=120_000)
        page.keyboard.press("End")
        assert rows - 1 == player.evaluate("p => p.row")
        page.locator(".jp-CodeCell .cm-content").nth(2).click()
    with page.expect_response(
        lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"
    ):
        page.keyboard.press("Control+s")
    page.close()
    saved = json.loads((tmp_path / "x.ipynb").read_text("utf-8"))
    (output,) = saved["cells"][1]["outputs"]
    assert {"text/html", "text/plain"} == set(output["data"])
    assert play(calls()).html() == "".join(output["data"]["text/html"])
