"""Chapter 01 says nothing that its own runs do not bear out."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "chapters" / "01-one-ride-two-services.md"
TEXT = PAGE.read_text("utf-8")
CELL = re.compile(
    r"^```\{code-cell\} ipython3\n((?::.*\n)*)((?:.*\n)*?)^```$", re.MULTILINE
)
CELLS = [(tags, source) for tags, source in CELL.findall(TEXT)]
LOCAL = [source for tags, source in CELLS if "async with LocalWorld" in source]

Page = dict[str, Any]


@pytest.fixture(scope="module")
def page() -> Page:
    """What the page's cells leave behind, but for those that need sockets."""
    names: Page = {"glued": {}}
    shim = "def glue(name, value, display): glued[name] = value\n"
    for number, (_, source) in enumerate(CELLS):
        if source in LOCAL:
            continue
        code = source.replace("from myst_nb import glue\n", shim)
        code = code.replace("../bench", (ROOT / "bench").as_posix())
        exec(compile(code, f"{PAGE.name}, cell {number}", "exec"), names)
    return names


# --- form -------------------------------------------------------------------------


def test_no_cell_is_longer_than_twelve_lines() -> None:
    shown = [source for tags, source in CELLS if "remove-cell" not in tags]
    assert [] == [source for source in shown if len(source.splitlines()) > 12]


def test_the_first_cell_has_the_imports_and_the_seed() -> None:
    assert "import" in CELLS[0][1]
    assert "SEED = " in CELLS[0][1]


def test_what_is_hidden_only_glues() -> None:
    hidden = [source for tags, source in CELLS if "remove-cell" in tags]
    assert hidden
    assert [] == [source for source in hidden if "glue(" not in source]


def test_cells_that_need_sockets_are_not_live() -> None:
    assert len(LOCAL) == 2
    assert [] == [tags for tags, source in CELLS if source in LOCAL and "live" in tags]


def test_the_prose_is_as_long_as_a_chapter_may_be() -> None:
    prose = TEXT.split("---", 2)[2]
    fenced = r"^```\{(?:code-cell|literalinclude|exercise-card)\}.*?^```$"
    prose = re.sub(fenced, "", prose, flags=re.MULTILINE | re.DOTALL)
    # What a reader sees of a role is its text, of a number or a citation one word.
    prose = re.sub(r"\{(?:glue:text|cite:[pt])\}`[^`]*`", "word", prose)
    prose = re.sub(r"\{\w+\}|<[\w -]+>(?=`)", "", prose)
    prose = re.sub(r"^(?::\w+:|[:`]{3}).*$", "", prose, flags=re.MULTILINE)
    assert 1500 <= len(re.findall(r"\w[\w'.-]*", prose)) <= 2500


def test_it_has_its_five_exercises() -> None:
    cards = re.findall(r"^```\{exercise-card\} (\S+)$", TEXT, re.MULTILINE)
    assert ["1.1", "1.2", "1.3", "1.4", "1.5"] == cards


def test_every_number_in_the_text_was_glued_and_every_glued_one_is_used(
    page: Page,
) -> None:
    used = set(re.findall(r"\{glue:text\}`(\w+)", TEXT))
    assert used == set(page["glued"])


def test_what_was_measured_says_when_and_on_what_and_not_on_whose() -> None:
    text = (ROOT / "bench" / "measured" / "01.json").read_text("utf-8")
    found = json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert re.fullmatch(r"\w+ on \w+, \d+ cores", found["machine"])
    assert re.fullmatch(r"\w+ \d+\.\d+\.\d+\S*", found["python"])
    assert socket.gethostname() not in text


# --- findings ---------------------------------------------------------------------


@pytest.mark.slow
def test_one_lost_reply_charges_twice_and_nothing_else_was_lost(page: Page) -> None:
    status, receipt, charges = page["lost_reply"].result
    assert (201, {"ride_id": "ride-1", "cents": 280}) == (status, receipt)
    assert 2 == len(charges)
    lost = [m.kind for m in page["lost_reply"].messages if m.fate == "lost"]
    assert ["reply"] == lost


@pytest.mark.slow
def test_three_failures_look_the_same_and_are_not(page: Page) -> None:
    seen = {run.result[0] for run in page["runs"].values()}
    truths = [run.result[1] for run in page["runs"].values()]
    assert (1, [0, 1, 1]) == (len(seen), truths)


@pytest.mark.slow
def test_the_slow_service_charges_after_its_caller_gave_up(page: Page) -> None:
    spans = page["runs"]["slow service"].spans
    [caller] = [span for span in spans if span.kind == "client"]
    [callee] = [span for span in spans if span.kind == "server"]
    assert caller.end_us < callee.end_us


@pytest.mark.slow
def test_ten_in_a_row_take_more_than_ten_times_the_median(page: Page) -> None:
    lines = page["hops"]
    assert lines["p50"][-1][1] > 10 * lines["p50"][0][1]
    assert lines["p99"][-1][1] < 10 * lines["p99"][0][1]
    for line in lines.values():
        assert sorted(line) == line
        assert line[-1][1] == max(y for _, y in line)


@pytest.mark.slow
def test_the_share_of_slow_pages_is_the_one_derived(page: Page) -> None:
    for n, times in enumerate(page["slowest"], start=1):
        over = sum(time > page["p99"] for time in times) / len(times)
        assert over == pytest.approx(1 - 0.99**n, abs=0.05)
    assert 18 == round(100 * (1 - 0.99**20))
    assert ":answer: 18" in TEXT
    assert 1 - 0.99 ** page["glued"]["half_at"] >= 0.5


@pytest.mark.slow
def test_a_chain_fails_about_as_many_calls_as_derived(page: Page) -> None:
    for percent, chains in page["failed"].items():
        for n, calls in enumerate(chains, start=1):
            derived = 1 - (1 - percent / 100) ** (2 * n)
            assert sum(calls) / len(calls) == pytest.approx(derived, abs=0.08)
    # The text speaks of the setting that the page shows first.
    start = page["rate"].text(page["rate"].start)
    assert f"At {start} lost, {{glue:text}}`one_fails" in TEXT


@pytest.mark.slow
def test_no_ride_fails_while_pricing_is_replaced(page: Page) -> None:
    outcomes, cents = page["split_deploy"].result
    assert ({"201": 60}, {280, 240}) == (dict(outcomes), set(cents))
    assert 60 == sum(cents.values())
    outcomes, _ = page["whole_deploy"].result
    assert {"201", "ConnectError"} == set(outcomes)


@pytest.mark.slow
def test_each_copy_of_pricing_shortens_the_tail_and_rides_needs_none(
    page: Page,
) -> None:
    quote, look = page["quote"], page["look"]
    assert quote[1].p99 > 4 * quote[2].p99 > 4 * quote[3].p99
    assert 1 == len({look[n] for n in (1, 2, 3)})
    names = [node.name for node in page["scaled"][3].nodes]
    assert ["rides"] == [name for name in names if name.startswith("rides")]


@pytest.mark.slow
def test_only_the_two_services_charge_twice_in_a_lossy_morning(page: Page) -> None:
    glued = page["glued"]
    assert 0 == glued["overcharged_one"]
    assert glued["overcharged"] > 0
    assert sum(page["one"].result.values()) == glued["rides_in_all"]


@pytest.mark.slow
def test_a_request_takes_thousands_of_times_as_long_as_a_call(page: Page) -> None:
    assert page["glued"]["ratio"] > 1000
