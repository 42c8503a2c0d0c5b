"""Boards: the wall, the tables, the workspace at first, and the script of the page."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from movingparts.draw import board
from movingparts.strategy.event_storming import (
    Board,
    Card,
    Clash,
    Crossing,
    Findings,
    Kind,
    Rule,
)
from tests.draw.recordings import HOSTILE, digests
from tests.draw.stormings import BOARD, CARDS, CONTEXTS, GOOD, HALF, figure
from tools.site import frontend

EVALUATE = Path(__file__).parents[2] / "book/_js/_evaluate.js"


def shown(html: str) -> Tag:
    found = BeautifulSoup(html, "html.parser").select_one("moving-parts-board")
    assert found is not None
    return found


def texts(html: Tag, selector: str) -> list[str]:
    return [" ".join(each.get_text(" ").split()) for each in html.select(selector)]


def test_the_wall_holds_every_card_in_order_of_time() -> None:
    """With its kind in words, what it says, and what its words mean."""
    html = shown(figure().html())
    assert [card.name for card in CARDS] == texts(html, ".mp-card > .mp-name")
    assert [card.kind for card in CARDS] == texts(html, ".mp-card .mp-kind")
    reserved = texts(html, ".mp-card")[1]
    assert "BikeReserved event Bike 212 is held for Ada for ten minutes." in reserved
    assert "“available”: it can be promised to a rider" in reserved


def test_a_card_is_tied_to_the_one_before_it_or_says_what_it_follows() -> None:
    html = shown(figure().html())
    ties = {
        str(card.b.string): ("mp-next" in card["class"], texts(card, ".mp-after"))
        for card in html.select(".mp-card")
        if card.b
    }
    assert (False, []) == ties["ReserveBike"]
    assert (True, []) == ties["BikeReserved"]
    assert (False, ["after HoldAFare"]) == ties["PaymentDeclined"]
    assert (True, ["after BikeDocked"]) == ties["BikeMoved"]


def test_an_event_has_the_letters_of_its_rules() -> None:
    """Those of a rule that may be broken for a while are dashed."""
    html = shown(figure().html())
    assert list("ABCDEFGH") == texts(html, ".mp-rules .mp-rule")
    charged = next(c for c in html.select(".mp-card") if "FareCharged" in c.get_text())
    assert ["D", "G"] == texts(charged, ".mp-rule")
    assert ["G"] == texts(charged, ".mp-later")


def test_two_tables_say_the_same() -> None:
    cards, rules = figure().cards(), figure().rules()
    assert len(CARDS) == len(cards.rows)
    assert (
        "BikeMoved", "event", "A truck takes the bike to another station.",
        "BikeDocked, BikeReportedFaulty", "",
    ) == cards.rows[-1]  # fmt: skip
    assert (
        "F", "a bike that is docked is off its ride", "may lag",
        "BikeDocked, RideEnded",
    ) == rules.rows[5]  # fmt: skip
    html = shown(figure().html())
    assert 2 == len(html.select("figure > details.mp-text-table"))


def test_a_start_is_shown_without_scripts_too() -> None:
    """On the notes and in the table."""
    html = shown(figure(HALF).html())
    places = [place for place in texts(html, ".mp-sort") if place]
    assert ["in rides", "in stations", "in stations", "in billing"] == places
    assert "starts in" == figure(HALF).cards().columns[-1]
    assert "starts in" not in figure().cards().columns


def test_the_workspace_is_hidden_and_shows_what_the_start_costs() -> None:
    """It is what a page's script makes first, so that nothing moves."""
    html = shown(figure(HALF).html())
    [workspace] = html.select(".mp-workspace")
    assert workspace.has_attr("hidden")
    score = ["8 to sort", "1 rules torn", "1 word clashes", "1 processes"]
    assert score == texts(workspace, ".mp-score > p:not(.mp-verdict)")
    found = BOARD.evaluate(HALF)
    output = [repr(each) for each in (*found.torn, *found.clashes, *found.processes)]
    assert output == texts(workspace, ".mp-findings > li > p:nth-of-type(1)")
    assert ["C", "≠", "G"] == texts(workspace, ".mp-findings > li > b")
    assert ["not sorted", *CONTEXTS] == texts(workspace, ".mp-bin > b")


@pytest.mark.parametrize(
    ("start", "verdict"),
    [
        ({}, "Nothing is sorted yet."),
        ({"RideStarted": "rides"}, "It holds so far."),
        (HALF, "It does not hold."),
        (GOOD, "It holds, for 4 processes."),
    ],
)
def test_the_verdict_is_in_words(start: dict[str, str], verdict: str) -> None:
    [output] = texts(shown(figure(start).html()), ".mp-verdict > span")
    assert verdict == output


def test_a_board_without_rules_has_a_wall_and_no_list_of_them() -> None:
    made = board(Board((Card("A", "a"),)), contexts=("x",), title="t", start={"A": "x"})
    html = shown(made.html())
    assert [] == html.select(".mp-rules")
    assert ["It holds, without a process."] == texts(html, ".mp-verdict > span")


def test_it_is_light() -> None:
    """A page with a board of 20 cards gets at most 25 KB of HTML more."""
    more = tuple(Card(f"{card.name}Again", card.says) for card in CARDS[:2])
    made = board(Board((*CARDS, *more), BOARD.rules), contexts=CONTEXTS, title="Twenty")
    assert len(made.html().encode()) <= 25_000


def test_it_says_what_it_is_in_one_line() -> None:
    output = "<BoardFigure Twelve events, and six places to keep them: 12 events,"
    assert f"{output} 6 contexts, 8 rules>" == repr(figure())


def test_what_cards_and_contexts_say_stays_text() -> None:
    """In the wall, in the tables, on the workspace and in the data."""
    cards = tuple(
        Card(text, text, after=HOSTILE[i - 1 : i], words={text: text})
        for i, text in enumerate(HOSTILE)
    )
    start = {HOSTILE[0]: HOSTILE[1]}
    made = board(
        Board(cards, (Rule(HOSTILE[0], HOSTILE[:2]),)), contexts=HOSTILE[:4],
        title=HOSTILE[0], start=start,
    )  # fmt: skip
    made.html().encode()
    html = shown(made.html())
    assert 1 == len(html.select("script"))
    assert [] == html.select("img")
    assert HOSTILE[0] == json.loads(str(html.script and html.script.string))["events"][
        0
    ]["name"]  # fmt: skip


def test_the_style_is_one_that_a_policy_can_know_by_its_hash() -> None:
    """No style attribute; what is in the sheet is not the page's business elsewhere."""
    html = figure(HALF).html()
    assert " style=" not in html
    sheet = re.findall("<style>(.*?)</style>", html)[-1]
    rules = re.sub(r"\{[^{}]*\}", "{}", sheet)
    assert {True} == {
        rule.startswith(".mp-storming ") for rule in rules.split("{}")[:-1]
    }


DIGEST = """
import hashlib
from tests.draw.stormings import HALF, figure
print(hashlib.sha256(figure(HALF).html().encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_board_gives_the_same_bytes_in_every_run() -> None:
    assert 1 == len(digests(DIGEST))


ONE = Board((Card("A", "a"), Card("B", "b", "policy")))


@pytest.mark.parametrize(
    ("wall", "contexts", "start", "message"),
    [
        (Board((Card("B", "b", "policy"),)), ("x",), {}, "nothing to sort"),
        (Board((Card("A", "a"),) * 2), ("x",), {}, "two cards are called 'A'"),
        (ONE, (), {}, "offers 1 to 12 contexts"),
        (ONE, tuple("abcdefghijklm"), {}, "offers 1 to 12 contexts"),
        (ONE, ("x", " "), {}, "a context has no name"),
        (ONE, ("rides", "Rides"), {}, "two contexts are called 'Rides'"),
        (ONE, ("x",), {"B": "x"}, "no event is called 'B'"),
        (ONE, ("x",), {"A": "y"}, "the start sorts into 'y', which is not offered"),
        (
            Board((Card("A", "a"),), (Rule("r", ("A",)),) * 27), ("x",), {},
            "at most 26 rules, got 27",
        ),
    ],
)  # fmt: skip
def test_a_board_that_cannot_be_is_refused(
    wall: Board, contexts: tuple[str, ...], start: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        board(wall, contexts=contexts, title="t", start=start)


# --- The script of the page and Board.evaluate ----------------------------------

NAMES = ("BikeDocked", "2", "10", "constructor", "__proto__", "é", 'a"b', "toString")
WORDS = ("available", "1", "0", "constructor", "__proto__")
PLACES = ("", "rides", "1", "0", "constructor", "__proto__", 'x","y')


def random_board(draw: random.Random) -> Board:
    """A board whose names would go astray as keys of a JavaScript object."""
    names = draw.sample(NAMES, draw.randint(1, len(NAMES)))
    kinds: list[Kind] = ["event", "event", "policy"]
    cards = [
        Card(
            name, "", "event" if i == 0 else draw.choice(kinds),
            words={
                word: draw.choice(WORDS)
                for word in draw.sample(WORDS, draw.randint(0, 3))
            },
        )
        for i, name in enumerate(names)
    ]  # fmt: skip
    events = [card.name for card in cards if card.kind == "event"]
    rules = tuple(
        Rule(f"rule {i}", tuple(draw.choices(events, k=3)), draw.random() < 0.5)
        for i in range(draw.randint(0, 6))
    )
    return Board(tuple(cards), rules)


def reported(board: Board, found: Findings) -> dict[str, Any]:
    """Findings as JSON has them."""

    def crossing(each: Crossing) -> list[Any]:
        return [board.rules.index(each.rule), list(each.contexts), repr(each)]

    def clash(each: Clash) -> list[Any]:
        meanings = [[m, list(names)] for m, names in each.meanings.items()]
        return [each.context, each.word, meanings, repr(each)]

    return {
        "torn": [crossing(each) for each in found.torn],
        "processes": [crossing(each) for each in found.processes],
        "clashes": [clash(each) for each in found.clashes],
        "unsorted": list(found.unsorted),
        "holds": found.holds,
    }


ASK = """
import { readFileSync } from "node:fs";
const [source, trials] = JSON.parse(readFileSync(0, "utf8"));
const { evaluate, holds, crossed, clashed } = await import(
  `data:text/javascript;base64,${Buffer.from(source).toString("base64")}`);
console.log(JSON.stringify(trials.map(([data, sorting]) => {
  const found = evaluate(data, new Map(sorting));
  const crossing = (each) => [
    data.rules.indexOf(each.rule), each.contexts, crossed(each)];
  const clash = (each) => [each.context, each.word, [...each.meanings], clashed(each)];
  return {torn: found.torn.map(crossing), processes: found.processes.map(crossing),
    clashes: found.clashes.map(clash), unsorted: found.unsorted, holds: holds(found)};
})));
"""


def asked(trials: list[Any]) -> Any:
    """Return what the page finds in all trials, under Node."""
    env = frontend.environment()
    node = shutil.which("node", path=env["PATH"])
    assert node is not None
    done = subprocess.run(
        [node, "--input-type=module", "--eval", ASK],
        input=json.dumps([EVALUATE.read_text("utf-8"), trials]),
        capture_output=True, text=True, env=env, encoding="utf-8", check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_page_evaluates_as_the_book_does() -> None:
    """400 sortings of random boards and of the storming, each finding, in its order."""
    draw = random.Random(4)
    boards = [BOARD if i % 2 else random_board(draw) for i in range(400)]
    trials, expected = [], []
    for each in boards:
        places = ("", *CONTEXTS) if each is BOARD else PLACES
        assignment = {card.name: draw.choice(places) for card in each.events}
        data = board(each, contexts=CONTEXTS, title="t").data()
        trials.append([data, list(assignment.items())])
        expected.append(reported(each, each.evaluate(assignment)))
    assert {True, False} == {each["holds"] for each in expected}
    assert 50 < sum(bool(each["clashes"]) for each in expected)
    assert 50 < sum(bool(each["torn"] and each["processes"]) for each in expected)
    assert expected == asked(trials)
