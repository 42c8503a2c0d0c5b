"""Every lab in JupyterLite: all its cells, run in a browser tab."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import MARKS
from tests.browser.lite import Lab, plain
from tests.browser.test_site import BUILT, Visit
from tests.labs.labs import LABS, local_cells
from tools.serve import SiteServer

LACKS = re.compile(
    r"This part needs sockets, which a browser tab does not have: .*"
    r"|This cell needs `\w+`, which needs a local kernel\."
)
pytestmark = MARKS


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The address of the site under a sub-path."""
    assert (BUILT / "lite" / "notebooks" / "index.html").is_file(), "run: make book"
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        yield url


@pytest.fixture(scope="module", params=LABS)
def lab(browser: Browser, base: str, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab, opened by the link on its page, with all its cells run."""
    with browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="dark"
    ) as context:
        lab = Lab(Visit(context.new_page(), base), request.param)
        lab.enter()
        lab.run_all()
        yield lab


def test_the_kernel_starts_by_itself_and_no_cell_fails(lab: Lab) -> None:
    """No question which kernel, no error, and the system's dark theme."""
    kinds = {
        output["output_type"]
        for cell in lab.cells().values()
        for output in cell["outputs"]
    }
    assert kinds <= {"stream", "execute_result", "display_data"}
    expect(lab.page.locator(".jp-Dialog")).to_have_count(0)
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")


def test_the_simulated_cells_give_what_is_committed(lab: Lab) -> None:
    """Text for text: the same seed gives the same run in a tab."""
    local = local_cells(lab.notebook)
    committed = {
        cell.id: plain(cell.outputs)
        for cell in lab.notebook.cells
        if cell.cell_type == "code" and cell.id not in local
    }
    here = {key: plain(cell["outputs"]) for key, cell in lab.cells().items()}
    assert committed
    assert committed == {key: here[key] for key in committed}


def test_what_needs_sockets_says_so_in_one_line(lab: Lab) -> None:
    """After what such a cell has printed before it came to that."""
    here = {
        key: plain(cell["outputs"]).strip().rpartition("\n")[2]
        for key, cell in lab.cells().items()
        if key in local_cells(lab.notebook)
    }
    assert here
    assert {} == {key: said for key, said in here.items() if not LACKS.fullmatch(said)}
