"""What `make test` says while it runs: how far, how long, and at once what failed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.dev import junit
from tools.dev.progress import Pace

ROOT = Path(__file__).parents[3]
TESTS = """\
import pytest

@pytest.mark.parametrize("n", range(30))
def test_passes(n):
    pass

@pytest.mark.parametrize("lab", ["03-rules-inside"])
def test_fails(lab):
    assert lab == "another"
"""
pytest_plugins = ["pytester"]
A, B = "tests/test_a.py::test_a", "tests/test_b.py::test_b"


def test_time_left_weighs_each_test_by_what_it_took_before() -> None:
    pace = Pace({junit.name(A): 9.0, junit.name(B): 1.0})
    pace.collected([A, B])
    pace.ended(A)
    assert 3.0 == pytest.approx(pace.left(27.0), rel=0.01)
    assert "  1 of 2 tests, 0:28, about 0:03 left" == pace.line(28.0, 0)


def test_a_test_that_is_new_counts_as_the_others_do_on_average() -> None:
    pace = Pace({})
    pace.collected([A, B, "tests/test_c.py::test_c"])
    pace.ended(A)
    assert 20.0 == pytest.approx(pace.left(10.0))


def test_what_took_longest_is_left_out_where_time_is_short() -> None:
    new = "tests/test_c.py::test_c"
    pace = Pace({junit.name(A): 9.0, junit.name(B): 1.0})
    assert {B, new} == pace.fitting([A, B, new], 5.0)
    assert {A, B, new} == pace.fitting([A, B, new], 10.0)


def test_the_parts_that_come_after_are_added() -> None:
    pace = Pace({})
    pace.collected([A, B])
    pace.ended(A)
    result = "  1 of 2 tests, 1:00, about 1:00 left, with the parts after it 3:00"
    assert result == pace.line(60.0, 120.0)


def test_a_line_comes_now_and_then_and_each_failure_at_once(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-q", "-p", "tools.dev.progress")
    result.stdout.fnmatch_lines(
        ["  failed: *test_fails?03-rules-inside?", "  31 of 31 tests, 0:*"]
    )
    result.stdout.no_fnmatch_line("*...*%*")
    result.stdout.fnmatch_lines(["FAILED *test_fails?03-rules-inside?*"])
    result.assert_outcomes(passed=30, failed=1)


def test_one_chapter_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    (pytester.path / "chapters" / "03-rules-inside").mkdir(parents=True)
    (pytester.path / "chapters" / "03-rules-inside" / "index.md").touch()
    result = pytester.runpytest_inprocess("-p", "tools.dev.progress", "--chapter=03")
    result.assert_outcomes(failed=1, deselected=30)


@pytest.mark.slow
def test_workers_share_the_tests_and_one_line_counts_them(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.dev.progress"]
    command += [
        "--disable-plugin-autoload",
        "-p",
        "xdist",
        "-n",
        "2",
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
    ]
    result = subprocess.run(
        [*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "  31 of 31 tests, " in result.stdout, result.stdout + result.stderr
    assert 1 == result.stdout.count("  failed: ")
