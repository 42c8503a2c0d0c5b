"""Boards in Chromium: keyboard, mouse and touch, findings, announcements, motion."""

from __future__ import annotations

import re
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Locator, Page, expect

from movingparts.draw import BoardFigure, board
from movingparts.strategy.event_storming import Board, Card, Rule
from tests.browser.chromium import MARKS
from tests.draw.recordings import HOSTILE
from tests.draw.stormings import BOARD, CONTEXTS, GOOD, HALF, figure
from tools.site.serve import SiteServer

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
SCRIPTS = ("board.js", "_evaluate.js", "_make.js")
EVENTS = [card.name for card in BOARD.events]
pytestmark = MARKS

PAGE = """<!doctype html><html lang="en" data-theme="{theme}" data-content_root="./">
<meta charset="utf-8">{policy}<title>page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><link rel="stylesheet"
href="palette.css"><link rel="stylesheet" href="book.css"><link rel="stylesheet"
href="board.css"><link rel="stylesheet" href="page.css">
<script type="module" src="board.js"></script>
<body><main class="bd-article"><h1>Page</h1>{body}<p id="after">After</p></main>"""
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\';'
    " img-src 'self' data:; style-src 'self' {}\">"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's files, without pages."""
    folder = tmp_path_factory.mktemp("site")
    for name in SCRIPTS:
        shutil.copy(ROOT / "book/_js" / name, folder)
    for name in ("palette.css", "book.css", "board.css"):
        shutil.copy(ROOT / "book/_static/css" / name, folder)
    (folder / "page.css").write_text("body { background: var(--mp-paper); }")
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with SiteServer(folder).running() as url:
        yield url


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
        html = body or figure().html()
        (folder / "index.html").write_text(page_text(html, theme), encoding="utf-8")
        context.setdefault("viewport", {"width": 1000, "height": 800})
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


def choice(page: Page, event: str) -> Locator:
    return page.get_by_role("combobox", name=f"Context of {event}", exact=True)


def note(page: Page, event: str) -> Locator:
    return page.locator(".mp-event").filter(
        has=page.locator(".mp-name", has_text=re.compile(f"^{event}$"))
    )


def chip(page: Page, event: str) -> Locator:
    return page.locator(".mp-chip").get_by_text(event, exact=True)


def bin_of(page: Page, context: str) -> Locator:
    return page.locator(".mp-bin").filter(
        has=page.locator("b", has_text=re.compile(f"^{context}$"))
    )


def chips(page: Page, context: str) -> Locator:
    return bin_of(page, context).locator(".mp-chip")


def verdict(page: Page) -> Locator:
    return page.locator(".mp-verdict > span")


def findings(page: Page) -> Locator:
    return page.locator(".mp-findings > li > p:nth-of-type(1)")


def expect_score(page: Page, *counts: int) -> None:
    """To sort, torn, clashes, processes."""
    listed = page.locator(".mp-score > p > b")
    expect(listed).to_have_text([str(count) for count in counts])


def sort(page: Page, assignment: dict[str, str]) -> None:
    for event, context in assignment.items():
        choice(page, event).select_option(context)


# --- Sorting --------------------------------------------------------------------------


def test_a_whole_sorting_by_keyboard_alone(opened: Open) -> None:
    """Tab goes from list to list in order of time; arrows choose."""
    page = opened()
    places = ["", *CONTEXTS]
    for event in EVENTS:
        page.keyboard.press("Tab")
        expect(choice(page, event)).to_be_focused()
        for _ in range(places.index(GOOD[event])):
            page.keyboard.press("ArrowDown")
    expect(verdict(page)).to_have_text("It holds, for 4 processes.")
    expect_score(page, 0, 0, 0, 4)
    for context in CONTEXTS:
        there = [event for event in EVENTS if GOOD[event] == context]
        expect(chips(page, context)).to_have_text(there)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Findings")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Findings")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(choice(page, "PaymentAuthorized")).to_be_focused()


def test_a_note_is_dragged_into_a_context_and_a_chip_to_another(opened: Open) -> None:
    page = opened()
    note(page, "BikeReserved").drag_to(bin_of(page, "rides"))
    expect(chips(page, "rides")).to_have_text(["BikeReserved"])
    expect(choice(page, "BikeReserved")).to_have_value("rides")
    chip(page, "BikeReserved").drag_to(bin_of(page, "fleet"))
    expect(chips(page, "fleet")).to_have_text(["BikeReserved"])
    chip(page, "BikeReserved").drag_to(bin_of(page, "not sorted"))
    expect(chips(page, "not sorted")).to_have_count(12)
    expect(choice(page, "BikeReserved")).to_have_value("")


def test_a_card_is_picked_up_with_one_click_and_put_down_with_another(
    opened: Open,
) -> None:
    page = opened()
    chip(page, "RideEnded").click()
    expect(page.locator(".mp-picked")).to_have_count(2)  # the chip and its note
    bin_of(page, "rides").locator("b").click()
    expect(chips(page, "rides")).to_have_text(["RideEnded"])
    expect(page.locator(".mp-picked")).to_have_count(0)
    note(page, "RideStarted").locator(".mp-name").click()
    chip(page, "RideEnded").click()  # which lies in the context that is meant
    expect(chips(page, "rides")).to_have_text(["RideStarted", "RideEnded"])


def test_what_is_picked_up_is_put_back_by_escape_or_a_second_click(
    opened: Open,
) -> None:
    page = opened()
    chip(page, "RideEnded").click()
    page.keyboard.press("Escape")
    expect(page.locator(".mp-picked")).to_have_count(0)
    chip(page, "RideEnded").click()
    note(page, "RideEnded").locator(".mp-name").click()
    expect(page.locator(".mp-picked")).to_have_count(0)
    bin_of(page, "rides").click()
    expect(chips(page, "rides")).to_have_count(0)


def test_a_thumb_sorts_at_360_pixels(opened: Open) -> None:
    """The score stays at the foot of the screen, and chips go where they are put."""
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True)
    choice(page, "BikeReserved").select_option("availability")
    expect(page.locator(".mp-score")).to_be_in_viewport(ratio=1)
    expect(page.locator(".mp-bins")).not_to_be_in_viewport()
    expect_score(page, 11, 0, 0, 0)
    chip(page, "BikeMoved").tap()
    bin_of(page, "fleet").locator("b").tap()
    expect(chips(page, "fleet")).to_have_text(["BikeMoved"])
    expect(page.locator(".mp-score")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_on_a_wide_page_the_workspace_stays_beside_the_wall(opened: Open) -> None:
    page = opened()
    note(page, "BikeMoved").scroll_into_view_if_needed()
    expect(page.locator(".mp-score")).to_be_in_viewport(ratio=1)
    expect(page.locator(".mp-bins")).to_be_in_viewport(ratio=1)


# --- Judging --------------------------------------------------------------------------


def test_each_move_is_evaluated(opened: Open) -> None:
    """Each finding says which rule or word, the contexts, and the cards."""
    page = opened()
    expect(verdict(page)).to_have_text("Nothing is sorted yet.")
    expect_score(page, 12, 0, 0, 0)
    sort(page, {"RideStarted": "rides", "RideEnded": "stations"})
    torn = "“a ride that has started ends once” needs a transaction across rides,"
    expect(findings(page)).to_have_text([f"{torn} stations"])
    expect(verdict(page)).to_have_text("It does not hold.")
    expect_score(page, 10, 1, 0, 0)
    sort(page, {"BikeDocked": "stations"})
    clash = "in stations, “available” means locked in a dock that works or nobody is"
    expect(findings(page).nth(1)).to_have_text(f"{clash} riding it")
    cards = page.locator(".mp-findings > li").nth(1).get_by_role("button")
    expect(cards).to_have_text(["BikeDocked", "RideEnded"])
    sort(page, {"FareCharged": "billing"})
    found = BOARD.evaluate(HALF)
    shown = [repr(each) for each in (*found.torn, *found.clashes, *found.processes)]
    expect(findings(page)).to_have_text(shown)
    expect_score(page, 8, 1, 1, 1)


def test_the_cards_rules_and_words_concerned_are_marked(opened: Open) -> None:
    """By a sign as well as a color, and in words for screen readers."""
    page = opened(figure(HALF).html())
    marked = ["RideStarted", "BikeDocked", "RideEnded", "FareCharged"]
    states = ["torn", "clash", "torn", "process"]
    for event, state in zip(marked, states, strict=True):
        expect(note(page, event)).to_have_attribute("data-state", state)
        expect(chip(page, event)).to_have_attribute("data-state", state)
    expect(note(page, "BikeMoved")).to_have_attribute("data-state", "")
    ended = choice(page, "RideEnded")
    expect(ended).to_have_accessible_description(
        "torn: rule C; process: rule G; clash: available"
    )
    expect(page.locator(".mp-word[data-clash]")).to_have_count(2)
    letters = note(page, "RideEnded").locator(".mp-rule")
    expect(letters).to_have_text(["C", "F", "G"])
    signs = "all => all.map(e => getComputedStyle(e, '::before').content[1])"
    assert ["✕", "✓", "↻"] == letters.evaluate_all(signs)
    expect(letters.first).to_have_attribute(
        "title", "a ride that has started ends once"
    )


def test_a_finding_lights_up_its_cards_and_leads_to_them(opened: Open) -> None:
    page = opened()
    sort(page, {"RideStarted": "rides", "RideEnded": "stations"})
    finding = page.locator(".mp-findings > li")
    finding.hover()
    expect(page.locator(".mp-event.mp-lit .mp-name")).to_have_text(
        ["RideStarted", "RideEnded"]
    )
    sort(page, {"RideEnded": "rides"})
    expect(page.locator(".mp-lit")).to_have_count(0)  # nor is there a finding
    sort(page, {"RideEnded": "stations"})
    finding.get_by_role("button", name="RideStarted").click()
    expect(choice(page, "RideStarted")).to_be_focused()
    expect(choice(page, "RideStarted")).to_be_in_viewport(ratio=1)


def test_what_came_of_a_move_is_read_out_once_it_settles(opened: Open) -> None:
    """Five moves are one announcement, with the findings that are new."""
    page = opened()
    page.clock.install(time=0)
    page.clock.pause_at(60_000)
    announced = page.locator("moving-parts-board > .mp-announcement")
    sort(page, {"RideStarted": "rides", "BikeDocked": "stations"})
    sort(page, {"RideEnded": "rides"})
    expect(announced).to_have_text("")
    page.clock.run_for(1000)
    process = "“a bike that is docked is off its ride” needs a process across rides,"
    score = "9 to sort, 0 rules torn, 0 word clashes, 1 processes."
    expect(announced).to_have_text(
        f"RideEnded is in rides. It holds so far. {score} {process} stations."
    )
    expect(announced).to_have_role("status")
    sort(page, {"FareCharged": "rides"})
    page.clock.run_for(1000)
    expect(announced).to_contain_text(
        "FareCharged is in rides. It does not hold. 8 to sort"
    )
    expect(announced).not_to_contain_text("is off its ride")


# --- Contexts -------------------------------------------------------------------------


def test_all_in_one_mixes_up_words_and_each_alone_tears_rules(opened: Open) -> None:
    """There is no one answer, but each extreme has its price."""
    page = opened()
    page.get_by_role("button", name="Put all into one").click()
    expect_score(page, 0, 0, 2, 0)
    expect(chips(page, "everything")).to_have_count(12)
    page.get_by_role("button", name="Put each alone").click()
    expect_score(page, 0, 4, 0, 4)
    expect(bin_of(page, "everything")).to_have_count(0)
    expect(page.locator(".mp-bin")).to_have_count(1 + 6 + 12)
    page.get_by_role("button", name="Start over").click()
    expect_score(page, 12, 0, 0, 0)
    expect(page.locator(".mp-bin > b")).to_have_text(["not sorted", *CONTEXTS])
    options = choice(page, "BikeMoved").locator("option")
    expect(options).to_have_text(["not sorted", *CONTEXTS])


def test_start_over_goes_back_to_the_start_that_was_given(opened: Open) -> None:
    page = opened(figure(HALF).html())
    sort(page, {"RideStarted": "billing"})
    page.get_by_role("button", name="Start over").click()
    expect(choice(page, "RideStarted")).to_have_value("rides")
    expect_score(page, 8, 1, 1, 1)


def test_a_reader_names_a_context_and_takes_it_away(opened: Open) -> None:
    page = opened()
    name = page.get_by_role("textbox", name="A context of your own")
    name.fill("  work   shop ")
    name.press("Enter")
    expect(name).to_have_value("")
    sort(page, {"BikeReportedFaulty": "work shop"})
    expect(chips(page, "work shop")).to_have_text(["BikeReportedFaulty"])
    remove = page.get_by_role("button", name="Remove work shop")
    expect(remove).to_have_count(0)
    sort(page, {"BikeReportedFaulty": ""})
    remove.click()
    expect(bin_of(page, "work shop")).to_have_count(0)
    expect(name).to_be_focused()


@pytest.mark.parametrize(
    ("name", "shown"),
    [("", "Give the context a name."), ("Rides", "There is a context Rides already.")],
)
def test_a_name_that_is_none_is_refused(opened: Open, name: str, shown: str) -> None:
    page = opened()
    page.get_by_role("textbox").fill(name)
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".mp-own").get_by_role("status")).to_have_text(shown)
    expect(page.locator(".mp-bin")).to_have_count(7)


# --- Pages ----------------------------------------------------------------------------


def test_who_comes_back_to_the_page_finds_what_was_sorted(opened: Open) -> None:
    """With contexts of her own; starting over does away with it."""
    page = opened()
    page.get_by_role("textbox", name="A context of your own").fill("workshop")
    page.get_by_role("button", name="Add").click()
    sort(page, {"RideStarted": "rides", "BikeReportedFaulty": "workshop"})
    for come_back in (page.reload, lambda: (page.goto("about:blank"), page.go_back())):
        come_back()
        expect(choice(page, "RideStarted")).to_have_value("rides")
        expect(chips(page, "workshop")).to_have_text(["BikeReportedFaulty"])
        expect_score(page, 10, 0, 0, 0)
    page.get_by_role("button", name="Start over").click()
    page.reload()
    expect_score(page, 12, 0, 0, 0)
    expect(bin_of(page, "workshop")).to_have_count(0)


@pytest.mark.parametrize(
    ("kept", "sorted_"),
    [
        ("{", 0),
        ("null", 0),
        ("[]", 0),
        ('{"contexts": 1, "assignment": [2, ["RideEnded", "fleet"]]}', 1),
        ('{"contexts": [["<img>", "own"]], "assignment": [["RideStarted", 7]]}', 0),
        ('{"contexts": [["<img>", "own"]], "assignment": [["RideEnded", "<img>"]]}', 1),
        ('{"assignment": [["Strange", "rides"], ["RideStarted", null]]}', 0),
        ('{"assignment": [["RideStarted", "gone"], ["RideEnded", "fleet"]]}', 1),
    ],
)
def test_a_damaged_saved_assignment_is_ignored(
    opened: Open, kept: str, sorted_: int
) -> None:
    """What can be of it is there again."""
    page = opened()
    page.evaluate(
        """(kept) => {
          const board = document.querySelector("moving-parts-board");
          const place = board.place;
          board.save = () => sessionStorage.setItem(place, kept);
        }""",
        kept,
    )
    page.reload()
    expect_score(page, 12 - sorted_, 0, 0, 0)
    expect(page.locator("main img")).to_have_count(0)
    sort(page, {"RideStarted": "rides"})
    expect(chips(page, "rides")).to_have_text(["RideStarted"])


def test_it_works_again_where_its_html_is_put_back(opened: Open) -> None:
    """Reset of a live cell writes the output's HTML once more, controls and all."""
    page = opened()
    sort(page, {"RideStarted": "rides"})
    page.evaluate(
        """() => { const board = document.querySelector("moving-parts-board");
        board.outerHTML = board.outerHTML; }"""
    )
    expect_score(page, 12, 0, 0, 0)
    sort(page, {"RideStarted": "rides"})
    expect(chips(page, "rides")).to_have_text(["RideStarted"])
    expect(page.locator("select")).to_have_count(12)
    expect(page.locator("moving-parts-board > .mp-announcement")).to_have_count(1)


def test_two_boards_on_a_page_do_not_disturb_each_other(opened: Open) -> None:
    page = opened(figure().html() + figure(GOOD).html())
    first, second = page.locator("moving-parts-board").all()
    first.get_by_label("Context of RideEnded").select_option("fleet")
    expect(second.get_by_label("Context of RideEnded")).to_have_value("rides")
    expect(verdict(page)).to_have_text(
        ["It holds so far.", "It holds, for 4 processes."]
    )
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def hostile() -> BoardFigure:
    """A board whose every text would like to be markup."""
    cards = tuple(Card(text, text, words={text: text}) for text in HOSTILE)
    rules = (Rule(HOSTILE[1], HOSTILE[:2]),)
    return board(Board(cards, rules), contexts=HOSTILE[:2], title=HOSTILE[0])


def test_what_the_data_says_is_never_markup(opened: Open) -> None:
    page = opened(hostile().html())
    choices = page.get_by_role("combobox")
    choices.nth(0).select_option(index=1)
    choices.nth(1).select_option(index=2)
    expect(findings(page)).to_have_count(1)
    expect(findings(page)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("main img, main script:not([type*=json])")).to_have_count(0)


def test_data_of_another_format_leaves_the_figure_as_it_is(opened: Open) -> None:
    page = opened(figure().html().replace("movingparts.board/1", "movingparts.board/9"))
    expect(page.locator(".mp-wall .mp-card")).to_have_count(18)
    expect(page.locator("select")).to_have_count(0)


def test_without_javascript_the_wall_and_the_tables(opened: Open) -> None:
    """No control that cannot work, and no empty place for one."""
    page = opened(figure(HALF).html(), java_script_enabled=False)
    expect(page.locator(".mp-wall .mp-card")).to_have_count(18)
    expect(page.locator(".mp-workspace")).to_be_hidden()
    expect(note(page, "RideEnded").locator(".mp-sort")).to_have_text("in stations")
    page.get_by_text("The cards, as a table").click()
    expect(page.locator(".mp-text-table[open] tbody tr")).to_have_count(18)
    page.get_by_text("The rules, as a table").click()
    expect(page.locator(".mp-text-table[open] tbody tr")).to_have_count(18 + 8)


def plain(html: str) -> str:
    """A workspace's elements, classes and texts, without what only a script needs."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.find_all(True):
        assert isinstance(element, Tag)
        kept = element.get("class")
        element.attrs = {"class": kept} if kept else {}
    return str(soup)


@pytest.mark.parametrize("start", [{}, HALF, GOOD])
def test_the_workspace_in_the_page_is_the_one_that_the_script_makes(
    opened: Open, start: dict[str, str]
) -> None:
    """So it has its room before the script has come."""
    page = opened(figure(start).html())
    expect(verdict(page)).to_be_visible()
    built = BeautifulSoup(figure(start).html(), "html.parser").select_one(
        ".mp-workspace"
    )
    assert built is not None
    made = page.locator(".mp-workspace").evaluate("e => e.outerHTML")
    assert plain(str(built)) == plain(made)


@pytest.mark.parametrize("width", [360, 1000])
@pytest.mark.parametrize("start", [{}, HALF])
def test_nothing_moves_when_the_script_comes(
    opened: Open, start: dict[str, str], width: int
) -> None:
    viewport = {"width": width, "height": 800}
    page = opened(figure(start).html(), viewport=viewport)
    expect(verdict(page)).to_be_visible()
    there = page.locator("#after").bounding_box()
    # With data that it does not know, the script leaves all as it was.
    html = figure(start).html().replace("movingparts.board/1", "movingparts.board/9")
    late = opened(html, viewport=viewport)
    expect(late.locator(".mp-workspace")).to_have_attribute("hidden", "")
    assert there == late.locator("#after").bounding_box()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize(("width", "theme"), [(1000, "light"), (360, "dark")])
def test_axe_finds_nothing_to_object_to(opened: Open, theme: str, width: int) -> None:
    """Names, roles and contrast hold before and after sorting, tables open."""
    page = opened(theme=theme, viewport={"width": width, "height": 800})
    page.evaluate(AXE.read_text("utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for press in ("", "Put all into one", "Put each alone"):
        if press:
            page.get_by_role("button", name=press).click()
            page.evaluate("document.getAnimations().forEach(each => each.finish())")
        found = page.evaluate("async () => (await axe.run('main')).violations")
        assert [] == [(one["id"], one["nodes"][0]["html"]) for one in found]
    sort(page, GOOD)
    found = page.evaluate("async () => (await axe.run('main')).violations")
    assert [] == [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_chips_are_seen_to_move_unless_motion_is_not_wanted(opened: Open) -> None:
    press = """() => { document.querySelectorAll(".mp-presets button")[1].click();
        return document.getAnimations().length; }"""
    assert 12 == opened().evaluate(press)
    assert 0 == opened(reduced_motion="reduce").evaluate(press)


def test_forced_colors_show_findings_by_sign_and_shape(opened: Open) -> None:
    """What a color says, a sign says too; borders are drawn."""
    page = opened(figure(HALF).html(), forced_colors="active")
    card = note(page, "RideEnded")
    assert "solid" == card.evaluate("e => getComputedStyle(e).outlineStyle")
    policy = page.locator(".mp-policy").first
    assert "dashed" == policy.evaluate("e => getComputedStyle(e).borderTopStyle")
    expect(choice(page, "RideEnded")).to_be_visible()


def test_it_prints_as_the_wall(opened: Open) -> None:
    """On paper nothing is sorted."""
    page = opened()
    page.emulate_media(media="print")
    expect(page.locator(".mp-workspace")).to_be_hidden()
    expect(page.locator("select").first).to_be_hidden()
    expect(page.locator(".mp-wall .mp-card").last).to_be_visible()
