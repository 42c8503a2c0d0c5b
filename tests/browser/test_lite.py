"""A whole lab in JupyterLite, as a reader meets it: the site under a sub-path.

All labs run in the same kernel under Node: tests/pyodide/test_labs.py. Pyodide takes
its time to start, so one page serves most of the module. No test depends on the one
before it: what several look at is noted by a fixture when it is done.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from movingparts.check.browser import SCRIPT
from tests.browser.built import Visit
from tests.browser.chromium import MARKS
from tests.browser.lite import PATIENCE, STORED, Lab, plain
from tests.labs.labs import exercises_of, local_cells

LAB = "01-one-ride-two-services"
PAGE = f"labs/{LAB}/"
FIRST = "lite/notebooks/index.html?path="
NEEDED = "This part needs sockets, which a browser tab does not have"
LACKING = "This cell needs `world`, which needs a local kernel."
WRONG = 'def verdict(outcome):\n    return "unknown"'
OUTPUT = "cells['ex-1-1-check'].outputs[0]?.data['text/plain']"
pytestmark = MARKS


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="dark"
    ) as context:
        yield context


@pytest.fixture(scope="module")
def asked(context: BrowserContext) -> list[str]:
    """Every address that the context asked for, workers included."""
    found: list[str] = []
    context.on("request", lambda request: found.append(request.url))
    return found


@pytest.fixture(scope="module")
def lab(context: BrowserContext, asked: list[str], base: str) -> Lab:
    """The lab, opened by the link on its page, with all its cells run."""
    lab = Lab(Visit(context.new_page(), base), LAB)
    lab.enter()
    return lab


@pytest.fixture(scope="module")
def cells(lab: Lab) -> dict[str, Any]:
    """The cells of the lab after Run All, by id."""
    lab.run_all()
    return lab.cells()


@pytest.fixture(scope="module")
def verdicts(lab: Lab, cells: dict[str, Any]) -> list[str]:
    """What exercise 1.1 says to a wrong answer, and then to the solution."""
    solution = next(e for e in exercises_of(LAB) if e.id == "1.1").solution
    shown = []
    for answer, word in ((WRONG, "not yet"), (solution.rstrip(), "passed")):
        lab.write("ex-1-1-stub", answer)
        lab.run(2)
        lab.until(f"{OUTPUT}.includes('{word}')")
        shown.append(plain(lab.cells()["ex-1-1-check"]["outputs"]))
    return shown


def test_the_kernel_starts_by_itself_and_no_cell_fails(
    lab: Lab, cells: dict[str, Any]
) -> None:
    """No question which kernel, no error, and the system's dark theme."""
    kinds = {
        output["output_type"] for cell in cells.values() for output in cell["outputs"]
    }
    assert kinds <= {"stream", "execute_result", "display_data"}
    expect(lab.page.locator(".jp-Dialog")).to_have_count(0)
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")


def test_the_simulated_cells_give_what_is_committed(
    lab: Lab, cells: dict[str, Any]
) -> None:
    """Text for text: the same seed gives the same run in a tab."""
    local = local_cells(lab.notebook)
    committed = {
        cell.id: plain(cell.outputs)
        for cell in lab.notebook.cells
        if cell.cell_type == "code" and cell.id not in local
    }
    here = {key: plain(cell["outputs"]) for key, cell in cells.items()}
    assert committed
    assert committed == {key: here[key] for key in committed}


def test_what_needs_sockets_says_so_in_one_line(
    lab: Lab, cells: dict[str, Any]
) -> None:
    """What opens a world says what it lacks, the rest which name."""
    here = {
        key: plain(cell["outputs"])
        for key, cell in cells.items()
        if key in local_cells(lab.notebook)
    }
    assert here.pop("real-open").startswith(NEEDED)
    assert here.pop("own-replay").startswith(NEEDED)
    assert {LACKING} == {text.strip() for text in here.values()}


def test_the_figure_of_a_recording_plays(lab: Lab) -> None:
    player = lab.page.locator("moving-parts-player").first
    player.scroll_into_view_if_needed()
    slider = player.locator("input[type=range]").first
    expect(slider).to_be_visible()
    slider.focus()
    lab.page.keyboard.press("Home")
    lab.page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > 0


def test_a_wrong_answer_gets_a_reason(verdicts: list[str]) -> None:
    wrong, right = verdicts
    assert wrong.startswith("Exercise 1.1 not yet: ")
    assert "passed" in right


def test_what_was_solved_and_written_stays_until_the_reader_starts_over(
    lab: Lab, verdicts: list[str], base: str
) -> None:
    """The book knows what was solved, with both checks counted, even after that."""
    (row,) = lab.stored("moving-parts:/moving-parts/", "done")
    assert ("exercise/1.1", "exercise", "1.1") == (row["key"], row["kind"], row["id"])
    assert (0, 2, True) == (row["hints"], row["checks"], row["passed"])
    page = lab.page
    page.reload()
    lab.wait()
    written = page.get_by_text("never_sent = (").first
    expect(written).to_be_attached(timeout=PATIENCE)
    page.goto(f"{base}{PAGE}")
    over = page.get_by_role("button", name="Start over in the browser")
    over.click()
    page.get_by_role("button", name="Keep it").click()
    assert lab.cells()
    over.click()
    page.get_by_role("button", name="Delete my copy").click()
    expect(page.locator(".mp-lab-links [role=status]")).to_contain_text("Deleted.")
    assert not lab.cells()
    over.click()
    page.get_by_role("button", name="Delete my copy").click()
    expect(page.locator(".mp-lab-links [role=status]")).to_contain_text("holds no copy")
    assert [row] == lab.stored("moving-parts:/moving-parts/", "done")
    page.locator(".mp-lab-links").get_by_role(
        "link", name="Run in your browser"
    ).click()
    lab.wait()
    stub = page.get_by_text('NotImplementedError("Exercise 1.1').first
    expect(stub).to_be_attached(timeout=PATIENCE)


@pytest.mark.parametrize(
    "path",
    [
        "<img src=x onerror=document.title='broken-in'>",
        "../../x",
        "javascript:alert(1)",
    ],
)
def test_a_hostile_path_runs_nothing(
    context: BrowserContext, asked: list[str], base: str, path: str
) -> None:
    """It names a file that is not there, and that is what the reader is told."""
    page = context.new_page()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(f"{base}{FIRST}{path}")
    listed = page.locator(".jp-Dialog, .jp-Notification-Toast, .Toastify").first
    expect(listed).to_be_visible(timeout=PATIENCE)
    assert [] == alerts
    assert "broken-in" != page.title()
    assert 0 == page.locator("img[src=x]").count()
    page.close()


def test_no_request_leaves_the_site(lab: Lab, asked: list[str], base: str) -> None:
    """Whatever the tests above did, kernel and workers included."""
    assert len(asked) > 100
    outside = [a for a in asked if not a.startswith((base, "data:", "blob:"))]
    assert [] == outside


def test_the_doors_are_there_without_javascript(browser: Browser, base: str) -> None:
    """On the lab's page: a link, and a fold with two commands."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(base + PAGE)
        doors = page.locator(".mp-lab-links")
        expect(doors).to_have_count(1)
        fold = doors.locator("details")
        fold.locator("summary").click()
        expect(fold).to_contain_text("git clone ")
        expect(fold).to_contain_text("make serve")


def test_denied_storage_is_reported_in_a_sentence(browser: Browser, base: str) -> None:
    with browser.new_context() as context:
        context.add_init_script(DENIED)
        page = context.new_page()
        page.goto(base + PAGE)
        page.get_by_role("button", name="Start over in the browser").click()
        page.get_by_role("button", name="Delete my copy").click()
        status = page.locator(".mp-lab-links [role=status]")
        expect(status).to_contain_text("lets the page delete nothing")


MIRROR = f"(name) => {{ window.mirror = ({SCRIPT})(name); }}"
TEXT = "() => JSON.parse(mirror.text())"
DENIED = "Object.defineProperty(window, 'indexedDB', {{ get() {{ {} }} }});".format(
    "throw new DOMException('denied by the reader', 'SecurityError')"
)


def test_two_tabs_add_up_what_was_done(browser: Browser, base: str) -> None:
    """Each keeps the larger number, and what has passed stays so."""
    with browser.new_context(bypass_csp=True) as context:
        one, two = context.new_page(), context.new_page()
        for page in (one, two):
            page.goto(f"{base}404.html")
            page.evaluate(MIRROR, "moving-parts:/two-tabs/")
        one.evaluate("mirror.save('1.2', 2, 1, true)")
        two.wait_for_function("mirror.text().includes('1.2')", timeout=PATIENCE)
        two.evaluate("mirror.save('1.2', 0, 4, false)")
        both = {"1.2": {"hints": 2, "checks": 4, "passed": True}}
        assert both == two.evaluate(TEXT)
        one.wait_for_function("JSON.parse(mirror.text())['1.2'].checks === 4")
        assert both == one.evaluate(TEXT)
        found = one.evaluate(STORED, ["moving-parts:/two-tabs/", "done"])
        assert ["exercise/1.2"] == [row["key"] for row in found]


def test_where_storage_is_denied_the_kernel_still_knows(
    browser: Browser, base: str
) -> None:
    """For as long as it runs; and it can say why nothing is kept."""
    with browser.new_context(bypass_csp=True) as context:
        context.add_init_script(DENIED)
        page = context.new_page()
        page.goto(f"{base}404.html")
        page.evaluate(MIRROR, "moving-parts:/denied/")
        page.evaluate("mirror.save('1.2', 1, 1, true)")
        page.wait_for_function("mirror.why === 'denied by the reader'")
        wanted = {"1.2": {"hints": 1, "checks": 1, "passed": True}}
        assert wanted == page.evaluate(TEXT)
