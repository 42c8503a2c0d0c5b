"""What a newcomer expects to find is there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

TARGETS = (
    *("serve", "labs", "test", "check", "budget", "lint", "bench", "book", "measure"),
    *("new-chapter", "lock", "clean", "help"),
)


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("target", TARGETS)
def test_make_help_lists_the_target(target: str) -> None:
    result = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"^  make {target} +\S", result.stdout, re.MULTILINE)


def test_each_target_that_runs_something_sets_up_first() -> None:
    """So that any of them works as the first command."""
    rules = re.findall(r"^([a-z-]+):([^#\n]*)", MAKEFILE, re.MULTILINE)
    first = {name: needs.split() for name, needs in rules}
    bare = {
        name
        for name, needs in first.items()
        if "setup" not in needs and "lint-fast" not in needs
    }
    assert {"help", "setup", "clean"} == bare


def test_each_decision_says_how_to_leave_it() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert list(range(1, len(pages) + 1)) == numbers
    assert len(pages) >= 4
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert ["Context", "Decision", "Consequences", "Exit"] == headings, page.name


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## Unreleased" in read("CHANGELOG.md")


def test_both_licenses_are_there_in_full_and_named() -> None:
    assert read("LICENSE").startswith("MIT License")
    text = read("LICENSE-text")
    assert text.startswith("Attribution 4.0 International")
    assert "Section 8 -- Interpretation." in text
    assert "MIT" in read("README.md")
    assert "CC BY 4.0" in read("README.md")


def test_the_readme_shows_two_commands_and_a_picture() -> None:
    readme = read("README.md")
    assert "make serve" in readme
    assert "make test" in readme
    [picture] = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert (ROOT / picture).is_file(), f"{picture} is not there"


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert f'version = "{citation["version"]}"' in read("pyproject.toml")
    assert ["MIT", "CC-BY-4.0"] == citation["license"]


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no executable bit; run it with bash .ci/run"
)
def test_ci_runs_all_tests_with_a_browser() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "REQUIRE_BROWSER=1 make test" in script.read_text("utf-8")


SHELL = "chromium-headless-shell"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no apt-get; run it on Debian")
@pytest.mark.parametrize(
    ("known", "broken", "environment", "installed"),
    [
        (SHELL, "nothing", {}, ["chromium", SHELL]),
        ("nothing", "nothing", {}, ["chromium"]),
        (SHELL, SHELL, {}, ["chromium", SHELL]),
        (SHELL, "nothing", {"CHROMIUM_SHELL": ""}, ["chromium"]),
    ],
    ids=["apt has it", "apt has none", "it fails", "it is not wanted"],
)
def test_ci_installs_the_headless_shell_if_it_can_and_tests_anyway(
    tmp_path: Path,
    known: str,
    broken: str,
    environment: dict[str, str],
    installed: list[str],
) -> None:
    """On a machine that has Python and make, and no browser."""
    programs = {
        "apt-cache": f'[ "$2" = {known} ]',
        "apt-get": f'echo "apt-get $*"; case "$*" in *{broken}) exit 1;; esac',
        "dirname": 'echo "${1%/*}"',
        "id": "echo 0",
        "make": 'echo "REQUIRE_BROWSER=$REQUIRE_BROWSER make $*"',
        "python3": "exit 0",
    }
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    ran = subprocess.run(
        [str(shutil.which("bash")), ROOT / ".ci" / "run"],
        env={"PATH": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    install = "apt-get install -y -qq --no-install-recommends "
    lines = ran.stdout.splitlines()
    assert installed == [
        line.removeprefix(install) for line in lines if line.startswith(install)
    ]
    assert "REQUIRE_BROWSER=1 make test" == lines[-1]


def test_the_workflow_runs_what_ci_runs_on_each_python() -> None:
    jobs = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]
    linux = jobs["linux"]
    assert {"run": ".ci/run"} == linux["steps"][-1]
    assert ["3.11", "3.12", "3.13", "3.14"] == linux["strategy"]["matrix"]["python"]
