"""Progress where the browser keeps it: what Python does with the store's mirror.

The mirror itself, which is JavaScript, is tested in Chromium: tests/browser.
"""

import json
from types import SimpleNamespace

import pytest

from movingparts.check import browser, hint
from movingparts.check.browser import Tab, root
from movingparts.check.progress import Done, Progress


class Mirror:
    """The store's mirror, kept in a dictionary."""

    def __init__(self, why: str = "") -> None:
        self.rows: dict[str, dict] = {}
        self.why = why

    def text(self) -> str:
        return json.dumps(self.rows)

    def save(self, exercise_id, hints, checks, passed) -> None:
        row = {"hints": hints, "checks": checks, "passed": passed}
        self.rows[exercise_id] = row


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A mirror, as if this ran in a tab."""
    made = Mirror()
    tab = Tab(made)
    monkeypatch.setattr(browser, "tab", lambda: tab)
    return made


@pytest.mark.parametrize(
    ("path", "site"),
    [
        ("/lite/extensions/@jupyterlite/x/static/worker.js", "/"),
        ("/book/lite/extensions/@jupyterlite/x/static/worker.js", "/book/"),
        ("/lite/lite/extensions/x/worker.js", "/lite/"),
        ("/book/_static/vendor/js/worker.js", "/book/"),
        ("/elsewhere/worker.js", None),
        ("blob", None),
    ],
)
def test_the_site_is_known_by_its_workers_address(path: str, site: str | None) -> None:
    assert site == root(path)


def test_in_a_tab_progress_is_the_browsers_and_no_file(mirror, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Progress().save("1.2", Done(hints=1, checks=2, passed=True))
    assert {"1.2": {"hints": 1, "checks": 2, "passed": True}} == mirror.rows
    assert [] == list(tmp_path.iterdir())


def test_what_was_done_in_another_kernel_is_known(mirror: Mirror) -> None:
    mirror.rows["1.2"] = {"hints": 2, "checks": 5, "passed": False}
    assert Done(hints=2, checks=5) == Progress().of("1.2")
    assert hint("1.2").number == 3


def test_a_named_file_is_a_file_in_a_tab_too(mirror: Mirror, tmp_path) -> None:
    Progress(tmp_path / "mine.json").save("1.2", Done(hints=1))
    assert {} == mirror.rows
    assert (tmp_path / "mine.json").is_file()


def test_a_browser_that_stores_nothing_is_reported_once(mirror: Mirror) -> None:
    mirror.why = "The user denied\npermission."
    first, second = Progress(), Progress()
    first.save("1.1", Done(checks=1))
    second.save("1.1", Done(checks=2))
    wanted = "Progress is not kept: this browser keeps nothing for this site"
    assert [f"{wanted} (The user denied permission)."] == first.notes
    assert [] == second.notes
    assert Done(checks=2) == Progress().of("1.1")


def test_outside_a_tab_there_is_none() -> None:
    assert browser.tab() is None


def test_in_pyodide_without_a_page_there_is_none(monkeypatch) -> None:
    """As under Node, where a lab's cells are tested too."""
    monkeypatch.setattr(browser, "IN_PYODIDE", True)
    monkeypatch.setattr(browser, "import_module", lambda name: SimpleNamespace())
    assert browser.tab.__wrapped__() is None
