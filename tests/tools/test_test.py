"""`make test` counts what pytest reported, and does not overlook a missing browser."""

from pathlib import Path

import pytest

from tools import test as runner
from tools.test import Count

REPORT = """\
<testsuites><testsuite tests="9" failures="1" errors="2" skipped="1"/></testsuites>
"""


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("unit", "labs", "book", "pages", "screens"):
        monkeypatch.setattr(runner, part, lambda: Count(passed=1))
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    monkeypatch.delenv("CHROMIUM", raising=False)


def test_errors_are_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert Count(passed=5, failed=3, skipped=1) == runner.read(report)


def test_the_last_line_counts() -> None:
    assert "5 passed, 3 failed" == str(Count(5, 3))
    assert "5 passed, 0 failed, 2 skipped" == str(Count(5, 0, 2))


def test_all_parts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "browser", lambda: "chromium")
    assert Count(passed=5) == runner.run()


def test_without_a_browser_the_rest_runs_and_the_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "browser", lambda: None)
    assert Count(passed=4) == runner.run()
    said = capsys.readouterr().out
    assert "apt-get install chromium" in said
    assert "browser tests: DID NOT RUN" in said


def test_where_a_browser_is_required_its_absence_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "browser", lambda: None)
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    assert Count(passed=4, failed=1) == runner.run()


def test_a_book_that_was_not_built_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "book", lambda: Count(failed=1))
    assert Count(passed=2, failed=1) == runner.run()
    assert "pages and browser: did not run" in capsys.readouterr().out


def test_a_named_browser_that_is_not_there_is_no_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    assert runner.browser() is None


@pytest.mark.slow
def test_a_part_in_which_nothing_was_found_fails(tmp_path: Path) -> None:
    """An empty folder of tests is a mistake, not a success."""
    assert Count(failed=1) == runner.pytest("nothing", str(tmp_path))
