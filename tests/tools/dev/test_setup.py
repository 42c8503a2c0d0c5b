"""The set-up says in plain words what is missing, and repairs what was interrupted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(
    os.name == "nt",
    reason="plays with symbolic links and a PATH; run on Linux or macOS",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the set-up reads, with a lock that asks for nothing."""
    (tmp_path / "tools/dev").mkdir(parents=True)
    for name in ("setup.sh", "setup.py"):
        shutil.copy(ROOT / "tools/dev" / name, tmp_path / "tools/dev" / name)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def path_with(folder: Path, **programs: str) -> dict[str, str]:
    """An environment whose PATH has the shell's tools and these scripts alone."""
    folder.mkdir()
    for tool in ("sh", "dirname", "cat"):
        where = shutil.which(tool)
        assert where
        (folder / tool).symlink_to(where)
    for name, script in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return {"PATH": str(folder)}


def set_up(clone: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/dev/setup.sh"],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def stamp(clone: Path) -> str:
    """Ask the set-up itself what it would write when it has finished."""
    program = (
        "import sys; sys.path[:0] = ['tools/dev']; import setup; print(setup.wanted())"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip() + "\n"


def test_without_any_python_it_says_what_to_install(clone: Path) -> None:
    result = set_up(clone, path_with(clone / "bin"))
    assert 1 == result.returncode
    assert "needs Python 3.11, 3.12, 3.13 or 3.14, and none was found" in result.stderr
    assert "no Python at all" in result.stderr
    assert "apt-get install python3 python3-venv" in result.stderr


def test_with_an_old_python_only_it_names_the_one_it_found(clone: Path) -> None:
    old = '[ "$3" = -c ] && case "$4" in *print*) echo 3.9; exit 0;; esac; exit 1'
    result = set_up(clone, path_with(clone / "bin", python3=old))
    assert 1 == result.returncode
    assert "Found: python3 (3.9)." in result.stderr


@pytest.mark.slow
def test_a_python_without_venv_is_reported_with_the_command_that_helps(
    clone: Path,
) -> None:
    """As on Debian, where ensurepip is a separate package."""
    lacking = (
        f'case "$*" in *ensurepip*|*"-m venv"*) echo "No module named ensurepip"; '
        f'exit 1;; esac; exec {sys.executable} "$@"'
    )
    venv = clone / "lacking.py"
    venv.write_text("raise SystemExit('ensurepip is not available')\n")
    program = (clone / "tools/dev/setup.py").read_text("utf-8")
    # The set-up asks its own interpreter, so the interpreter is made to lack venv.
    program = program.replace('"-m", "venv", str(VENV)', f'"{venv}"')
    (clone / "tools/dev/setup.py").write_text(program, "utf-8")
    result = set_up(clone, path_with(clone / "bin", python3=lacking))
    assert 1 == result.returncode
    assert "ensurepip is not available" in result.stderr
    assert "apt-get install python3-venv" in result.stderr
    assert not (clone / ".venv" / ".ready").exists()


def test_a_python_that_fits_but_lacks_venv_is_passed_over_for_one_that_has_it(
    clone: Path,
) -> None:
    fits = 'case "$*" in *print*) echo 3.11;; *ensurepip*) exit 1;; esac'
    both = 'case "$*" in *print*) echo 3.12;; *setup.py) echo "set up by 3.12";; esac'
    env = path_with(clone / "bin", python3=fits)
    able = clone / "bin" / "python3.12"
    able.write_text(f"#!/bin/sh\n{both}\n")
    able.chmod(0o755)
    assert "set up by 3.12" in set_up(clone, env).stdout


def test_a_finished_set_up_is_left_alone(clone: Path) -> None:
    """The second run starts at once, without looking for a Python."""
    folder = clone / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    (clone / ".venv" / ".ready").write_text(stamp(clone))
    result = set_up(clone, path_with(clone / "bin"))
    assert (0, "", "") == (result.returncode, result.stdout, result.stderr)


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_is_noticed(clone: Path, changed: str) -> None:
    folder = clone / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    (clone / ".venv" / ".ready").write_text(stamp(clone))
    (clone / changed).write_text("# something new\n")
    result = set_up(clone, path_with(clone / "bin"))
    assert "none was found" in result.stderr


@pytest.mark.slow
def test_an_interrupted_set_up_is_done_afresh(clone: Path) -> None:
    """A .venv without its stamp may lack anything, so it goes."""
    leftover = clone / ".venv" / "half-installed"
    leftover.mkdir(parents=True)
    mkdir = shutil.which("mkdir")
    fake = (
        'for last; do :; done; case "$1" in venv) '
        f'{mkdir} -p "$last/bin"; : > "$last/bin/python";; esac'
    )
    env = path_with(clone / "bin", uv=fake)
    (clone / "bin" / "python3").symlink_to(sys.executable)
    result = set_up(clone, env)
    assert "unfinished .venv is here: starting afresh" in result.stdout
    assert 0 == result.returncode, result.stderr
    assert not leftover.exists()
    assert (clone / ".venv" / ".ready").read_text() == stamp(clone)
