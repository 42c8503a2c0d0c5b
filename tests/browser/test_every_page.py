"""Every page for every reader: by keyboard, by ear, enlarged, without color or scripts.

A page is opened once in each way (seen.py), and each test asks one thing of what was
seen. What depends on a page's text is asked of every page. What depends on how a kind
of element is made and styled is asked of as few pages as hold one of each kind
(kinds.py), and of all pages of a chapter by `make test CHAPTER=03`: those tests are
marked `each_kind`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser import kinds
from tests.browser.built import BUILT, addresses
from tests.browser.chromium import MARKS
from tests.browser.seen import DESK, PHONE, ZOOMED, Seen, weight

pytestmark = MARKS
HTML = 250_000  # bytes
TOTAL = 500_000  # bytes, gzipped
REQUESTS = 40
HIGH = 11_000  # pixels, in a window of 1280
SHIFT = 0.02  # cumulative layout shift
# What is rounded: a frame's border makes its drawing that much less wide, and so a
# fraction less high, by its proportions.
ROUNDED = 2  # pixels
FOUND = "search/?q=service"
PAGES = [*addresses(), FOUND, "404.html"]
each_kind = pytest.mark.each_kind


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the pages it is to be asked of."""
    if "seen" not in metafunc.fixturenames:
        return
    paths = PAGES
    if metafunc.definition.get_closest_marker("each_kind"):
        chapter = metafunc.config.getoption("chapter", None)
        ours = [path for path in PAGES if chapter and f"/{chapter}-" in f"/{path}"]
        paths = ours or [*kinds.cover(addresses()), FOUND, "404.html"]
    params = [
        pytest.param(path, id=path or "cover", marks=pytest.mark.xdist_group(path))
        for path in paths
    ]
    metafunc.parametrize("seen", params, indirect=True, scope="module")


@pytest.fixture(scope="module")
def seen(browser: Browser, base: str, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """What is to be seen of a page, and is looked at when a test asks for it."""
    seen = Seen(browser, base, request.param)
    yield seen
    seen.close()


# --- Short ----------------------------------------------------------------------------


def test_a_page_of_a_chapter_is_no_higher_than_a_reader_scrolls(seen: Seen) -> None:
    if re.match(r"chapters/\d\d-[^/]+/\d-", seen.path):
        assert seen.new["high"] <= HIGH


# --- Alone ----------------------------------------------------------------------------


def test_it_asks_nobody_else_and_has_nothing_to_complain_of(seen: Seen) -> None:
    """No request to another host, no file lacking, no word on the console."""
    if seen.framed:  # 404.html, which looks for the book: test_frame.py
        assert [] == seen.new["problems"]


@each_kind
@pytest.mark.parametrize("way", ["used", "back", "phone", "plain"])
def test_nor_when_it_is_used(seen: Seen, way: str) -> None:
    """Also under its policy, with all that a reader uses: search, colors, figures."""
    if seen.framed:  # 404.html, which looks for the book: test_frame.py
        assert [] == getattr(seen, way)["problems"]


@each_kind
def test_it_works_where_nothing_can_be_kept(
    seen: Seen, refusing: BrowserContext, root: str
) -> None:
    if seen.framed:
        assert [] == seen.refused(refusing, root)


def test_its_links_lead_to_pages_and_places_of_the_book(seen: Seen, base: str) -> None:
    """Also those that scripts have made. JupyterLite is opened by its own tests."""
    lost = []
    for link in set(seen.new["links"]):
        address, _, place = link.partition("#")
        path = address.removeprefix(base).partition("?")[0]
        if not address.startswith(base) or path.startswith("lite/"):
            continue
        file = BUILT / unquote(path)
        file = file / "index.html" if file.is_dir() else file
        here = path == seen.path.partition("?")[0] and place in seen.new["ids"]
        if not file.is_file() or not (here or unquote(place) in places(file)):
            lost.append(link)
    assert [] == lost


@cache
def places(file: Path) -> set[str]:
    """The places of a built page; its beginning is always one."""
    return {"", "top", *re.findall(r'\sid="([^"]+)"', file.read_text("utf-8"))}


# --- Light and still ------------------------------------------------------------------


def test_it_is_light_before_a_click(seen: Seen) -> None:
    names = seen.new["asked"]
    if seen.path == FOUND:  # what a search loads comes after a click
        names = [name for name in names if "pagefind" not in name]
    assert sorted(set(names)) == sorted(names), "a file is loaded twice"
    file = BUILT / seen.path.partition("?")[0]
    html = file / "index.html" if file.is_dir() else file
    assert html.stat().st_size <= HTML
    assert weight(names) <= TOTAL
    assert len(names) <= REQUESTS


@each_kind
@pytest.mark.parametrize("way", ["back", "phone"])
def test_it_stands_still_while_it_comes(seen: Seen, way: str) -> None:
    """Also once the fonts are there, and the scripts with what a reader answered."""
    facts = getattr(seen, way)
    assert facts["paint"] > 0
    if seen.path == FOUND:  # what is found moves the foot of the page, and no more
        assert {"bd-footer-content", ""} >= set(facts["moved"])
        return
    assert facts["shift"] <= SHIFT, facts["moved"]


@each_kind
@pytest.mark.parametrize("width", [PHONE[0], DESK[0]])
def test_what_scripts_add_has_its_place_before_they_come(
    seen: Seen, width: int
) -> None:
    """So a reader who comes back to the middle of a page does not see it jump."""
    before, after = seen.late["heights"][width], seen.new["heights"][width]
    assert list(before) == list(after)
    assert {} == {
        name: (height, after[name])
        for name, height in before.items()
        if abs(height - after[name]) > ROUNDED
    }


# --- Sizes ----------------------------------------------------------------------------


def test_it_fits_its_screen(seen: Seen) -> None:
    """Nothing is to be scrolled sideways."""
    for width, found in seen.new["width"].items():
        assert found <= width


@each_kind
def test_it_fits_its_screen_in_other_ways_too(seen: Seen) -> None:
    assert seen.back["width"] <= DESK[0]
    assert seen.phone["width"] <= PHONE[0]
    assert seen.plain["width"] <= PHONE[0]


@each_kind
def test_it_can_be_read_at_four_times_its_size(seen: Seen) -> None:
    """1280 by 1024 pixels at 400 %: nothing sideways but what scrolls by keyboard."""
    assert max(seen.used["zoomed width"]) <= ZOOMED[0]
    assert [] == seen.used["stuck"]
    assert [] == seen.used["cut"]


# --- axe, structure, words ------------------------------------------------------------


def test_axe_finds_nothing(seen: Seen) -> None:
    """With every fold open, at a desk, in the light."""
    assert [] == seen.new["axe"]


@each_kind
def test_axe_finds_nothing_on_a_phone_in_the_dark(seen: Seen) -> None:
    assert [] == seen.used["axe"]


def test_landmarks_and_headings_map_it(seen: Seen) -> None:
    """One of each landmark, lists of links by name, no level of heading left out."""
    found = seen.new["structure"]
    assert 1 == found["main"]
    if seen.framed:
        assert (1, 1) == (found["banner"], found["contentinfo"])
    names, levels = found["navigations"], found["levels"]
    assert all(names)
    assert sorted(set(names)) == sorted(names)
    assert (1, 1) == (levels[0], levels.count(1))
    assert [] == [(a, b) for a, b in pairwise(levels) if b > a + 1]


def test_each_figure_says_in_words_what_it_shows(seen: Seen) -> None:
    """A drawing has a title and a description, and the table beside it its heads."""
    if seen.framed:
        assert [] == seen.new["wordless"]
    assert [] == seen.new["tables"]


# --- Keyboard -------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("wanted", ["ring", "on screen", "in order"])
def test_each_stop_of_the_tab_key_shows_and_follows_the_text(
    seen: Seen, wanted: str
) -> None:
    """In reading order, on the screen, with a ring around it."""
    stops = seen.used["stops"]
    assert len(stops) >= 3
    found = [stop["name"] for stop in stops if not stop[wanted]]
    if wanted == "in order" and seen.path.startswith("search"):
        # It begins in its field, so the walk comes round to the top once.
        assert found == ["a.: Skip to main content"]
        return
    assert [] == found


@each_kind
def test_the_ring_shows_in_the_dark_and_in_a_system_s_own_colors(seen: Seen) -> None:
    assert {} == {how: found for how, found in seen.used["ringless"].items() if found}


@each_kind
def test_the_tab_key_reaches_all_that_can_be_used(seen: Seen) -> None:
    assert [] == seen.used["passed over"]


@each_kind
def test_the_first_tab_offers_the_way_past_the_menus(seen: Seen) -> None:
    """Where it leads is tested once: test_frame.py."""
    if seen.framed and not seen.path.startswith("search/"):  # it begins in its field
        assert seen.used["stops"][0]["name"].endswith("Skip to main content")


# --- Motion and color -----------------------------------------------------------------


@each_kind
def test_nothing_moves_where_the_reader_asked_for_that(seen: Seen) -> None:
    """No animation runs and none would."""
    assert [] == seen.used["transitions"]
    assert (0, 0) == (seen.used["moving"], seen.phone["moving"])


@each_kind
def test_controls_are_seen_in_a_system_s_own_colors(seen: Seen) -> None:
    """Buttons have borders, icons are drawn, no text is in the color of the paper."""
    assert {"light": [], "dark": []} == seen.used["forced"]


# --- Without scripts ------------------------------------------------------------------


@each_kind
def test_without_scripts_everything_can_be_read(seen: Seen) -> None:
    """Outputs, drawings, hints, answers and solutions; and no button does nothing."""
    assert [] == seen.plain["dead"]
    assert [] == seen.plain["hidden"]
    assert [] == seen.plain["undrawn"]


@each_kind
def test_without_scripts_a_phone_reaches_every_chapter(seen: Seen) -> None:
    """The list is at the foot of the page, and a link at its head leads there."""
    assert seen.framed == seen.plain["chapters"]


@each_kind
@pytest.mark.parametrize(("scheme", "paper"), [("light", 252), ("dark", 22)])
def test_without_scripts_colors_are_the_system_s(
    seen: Seen, scheme: str, paper: int
) -> None:
    """The first channel of the page's color: light or dark."""
    assert re.match(rf"rgb\({paper},", seen.plain["paper"][scheme])
