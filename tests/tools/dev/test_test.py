"""`make test` counts what pytest reported, and does not overlook a missing browser."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.dev import junit
from tools.dev import test as runner
from tools.dev.junit import Count
from tools.dev.test import Run

REPORT = """\
<testsuites><testsuite tests="9" failures="1" errors="2" skipped="1"/></testsuites>
"""


@pytest.fixture
def this(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of which each part counts one test, and starts nothing."""
    parts = {part: (title, lambda this: Count(1)) for part, (title, _) in PARTS.items()}
    monkeypatch.setattr(runner, "PARTS", parts)
    monkeypatch.setattr(runner, "browser", lambda: None)
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    monkeypatch.setenv("CHROMIUM", "")
    return Run(tmp_path)


PARTS = dict(runner.PARTS)


def test_errors_are_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert Count(passed=5, failed=3, skipped=1) == junit.read(report).count


def test_the_last_line_counts() -> None:
    assert "5 passed, 3 failed" == str(Count(5, 3))
    assert "5 passed, 0 failed, 2 skipped" == str(Count(5, 0, 2))


def test_all_parts_are_counted(this: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "browser", lambda: "chromium")
    assert Count(passed=len(PARTS)) == runner.run(this)


def test_each_part_knows_how_long_the_parts_after_it_took(
    this: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[float] = []
    for seconds, part in enumerate(PARTS, 1):
        junit.write(this.report(part), float(seconds), {})
    spy = {
        part: (part, lambda this: later.append(this.later) or Count(1))
        for part in PARTS
    }
    monkeypatch.setattr(runner, "PARTS", spy)
    monkeypatch.setattr(runner, "browser", lambda: "chromium")
    runner.run(this)
    assert [9.0, 7.0, 4.0, 0.0] == later
    assert [] == list(this.results.glob("*.xml")), "no old report counts as a new one"


def test_without_a_browser_the_rest_runs_and_the_command_is_printed(
    this: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Count(passed=len(PARTS) - 1) == runner.run(this)
    output = capsys.readouterr().out
    assert "apt-get install chromium" in output
    assert "pages in a browser: DID NOT RUN" in output


def test_where_a_browser_is_required_its_absence_fails(
    this: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    assert Count(passed=len(PARTS) - 1, failed=1) == runner.run(this)


def test_a_book_that_was_not_built_is_not_looked_at(
    this: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = {**runner.PARTS, "book": ("book", lambda this: Count(failed=1))}
    monkeypatch.setattr(runner, "PARTS", failing)
    assert Count(passed=1, failed=1) == runner.run(this)
    output = capsys.readouterr().out
    assert 2 == output.count("did not run, since the book was not built")


def test_a_named_browser_that_is_not_there_is_no_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    assert runner.browser() is None


@pytest.mark.parametrize(("asked", "number"), [("03", "03"), ("3", "03")])
def test_a_chapter_is_run_alone_and_its_reports_stand_alone(
    asked: str, number: str
) -> None:
    this = runner.chosen([asked])
    assert this is not None
    assert (number, f"chapter-{number}") == (this.chapter, this.results.name)


def test_a_missing_chapter_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert runner.chosen(["99"]) is None
    assert "There is no chapter 99: 01, 02" in capsys.readouterr().err


@pytest.mark.slow
def test_a_part_in_which_nothing_was_found_fails(tmp_path: Path) -> None:
    """An empty folder of tests is a mistake, not a success."""
    quick = "--disable-plugin-autoload"
    assert Count(failed=1) == Run(tmp_path).pytest("nothing", quick, str(tmp_path))


def test_a_chapter_may_have_no_test_in_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.process, "run", lambda command: runner.NOTHING_FOUND)
    assert Count() == Run(tmp_path, "03").pytest("pages")


def test_what_shares_a_fixture_runs_in_one_worker(tmp_path: Path) -> None:
    """In some versions of pytest and xdist, groups count for nothing in silence."""
    (tmp_path / "test_group.py").write_text(
        "import os, pathlib, pytest\n"
        "@pytest.mark.xdist_group('one')\n"
        "@pytest.mark.parametrize('number', range(6))\n"
        "def test_it(number):\n"
        "    worker = os.environ['PYTEST_XDIST_WORKER']\n"
        "    pathlib.Path(__file__).with_name(worker).touch()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload"]
    command += [
        "-p",
        "xdist",
        *runner.GROUPED,
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 1 == len(list(tmp_path.glob("gw*")))
