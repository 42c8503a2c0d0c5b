"""What a build says: a handful of lines, and in full what is wrong."""

import io
import os
from pathlib import Path

import pytest

from tools.site import build

PAGE = build.ROOT / "chapters" / "03-rules-inside.md"
PROGRAM = f"""\
import sys

print("myst v3: MdParserConfig(commonmark_only=False)")
print({str(PAGE)!r} + ": Executing notebook using local CWD [mystnb]")
print("[IPKernelApp] WARNING | Kernel is running over TCP without encryption. All",
      file=sys.stderr)
print({str(PAGE)!r} + ":7: WARNING: term not in glossary", file=sys.stderr)
print({str(PAGE)!r} + ": Executed notebook in 4.50 seconds [mystnb]")
sys.exit(3)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setattr(build, "LOG", tmp_path / "build.log")
    monkeypatch.setattr(build, "PATIENCE", -1.0)
    return io.StringIO()


def test_the_terminal_gets_what_is_wrong_and_the_log_has_the_rest(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 3 == build.Log(log).run(["-c", PROGRAM], os.environ)
    text = capsys.readouterr()
    assert f"{PAGE}:7: WARNING: term not in glossary\n" == text.err
    assert "  running chapters/03-rules-inside\n" == text.out
    for kept in ("MdParserConfig", "IPKernelApp", ":7: WARNING", "Executed notebook"):
        assert kept in log.getvalue()


def test_a_page_is_not_named_when_one_was_a_moment_ago(
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(build, "PATIENCE", 60.0)
    build.Log(log).output(f"{PAGE}: Executing notebook using local CWD [mystnb]")
    assert "" == capsys.readouterr().out


def test_seconds_are_shared_out_to_the_pages_that_ran(log: io.StringIO) -> None:
    assert {"book::build": 10.0} == build.times(10.0)
    build.LOG.write_text(f"{PAGE}: Executed notebook in 4.50 seconds [mystnb]\n")
    assert {"chapters/03-rules-inside::run": 4.5, "book::build": 5.5} == (
        build.times(10.0)
    )
