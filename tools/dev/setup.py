"""Make .venv and install the lock into it, or see that this was done.

Runs on the bare Python that tools/dev/setup.sh found, so it imports the standard
library alone. With uv on the PATH it takes seconds, with venv and pip about a
minute. What was installed is written to .venv/.ready last of all: an install
that was interrupted has no such stamp and is done afresh.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / ".ready"
LOCK = ROOT / "requirements.lock"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# The lock holds the build backend as well, so nothing is fetched outside it.
ITSELF = ("--no-deps", "--no-build-isolation", "-e")

NO_VENV = """\
This Python ({python}) cannot make a virtual environment: a part of it is missing.
On Debian or Ubuntu: apt-get install python3-venv
Or install uv, which needs no such part, and run make again."""


class SetupError(Exception):
    """The environment could not be made; the message says what to do."""


def wanted() -> str:
    """The stamp of a finished install: the two files it follows, and the Python."""
    digest = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml"):
        # Line ends differ between a Windows checkout and the others.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{digest.hexdigest()} python{version}\n"


def current() -> str:
    """The stamp of the install that is there, or an empty string."""
    return STAMP.read_text("utf-8") if STAMP.is_file() else ""


def create(uv: str | None) -> None:
    """Make an empty virtual environment, instead of one that is unfinished."""
    if VENV.exists():
        print("An unfinished .venv is here: starting afresh.", flush=True)
        shutil.rmtree(VENV)
    if uv:
        command = [uv, "venv", "--quiet", "--no-project", "--python", sys.executable]
        subprocess.run([*command, str(VENV)], check=True)
        return
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        details = (made.stdout + made.stderr).strip()
        raise SetupError(f"{details}\n\n{NO_VENV.format(python=sys.executable)}")


def install_with_uv(uv: str) -> None:
    """Install the lock, then the package itself without its dependencies."""
    pip = [uv, "pip", "install", "--quiet", "--no-config", "--python", str(PYTHON)]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    subprocess.run([*pip, *ITSELF, str(ROOT)], check=True)


def install_with_pip() -> None:
    """The same with pip, whose many lines are shown as one that counts."""
    pip = [str(PYTHON), "-m", "pip"]
    there = subprocess.run([*pip, "--version"], capture_output=True, check=False)
    if there.returncode:  # uv made this .venv, and uv is gone
        subprocess.run([str(PYTHON), "-m", "ensurepip"], check=True)
    install = [*pip, "install", "--disable-pip-version-check", "--progress-bar", "off"]
    follow([*install, "--require-hashes", "-r", str(LOCK)])
    follow([*install, *ITSELF, str(ROOT)])


def follow(command: list[str]) -> None:
    """Run pip and show how far through the lock it is, in place of its lines."""
    lines = max(1, len(LOCK.read_text("utf-8").splitlines()))
    last: deque[str] = deque(maxlen=30)
    shown = -1
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            last.append(line)
            at = re.search(r"requirements\.lock \(line (\d+)\)", line)
            step = int(at[1]) * 10 // lines if at else shown
            if step > shown:
                shown = step
                print(f"  downloading: {shown * 10} %", flush=True)
            elif line.startswith("Installing collected packages"):
                print("  unpacking", flush=True)
    if pip.returncode:
        raise SetupError("".join(last) + "\npip failed; its last lines are above.")


def main() -> int:
    """Bring .venv up to date; 0 when it is, 1 when it could not be."""
    if "--check" in sys.argv:
        return 0 if current() == wanted() else 1
    uv = shutil.which("uv")
    kept = current()
    fresh = kept.split()[-1:] != wanted().split()[-1:] or not PYTHON.exists()
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Setting up .venv: Python {version}, {'uv' if uv else 'pip'}, "
        f"about {'10 seconds' if uv else 'a minute'} the first time.",
        flush=True,
    )
    try:
        STAMP.unlink(missing_ok=True)
        if fresh:
            create(uv)
        install_with_uv(uv) if uv else install_with_pip()
    except (SetupError, subprocess.CalledProcessError, OSError) as error:
        print(f"\n{error}\nThe environment is not ready.", file=sys.stderr)
        print("Fix that, then run make again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next run starts the set-up afresh.", file=sys.stderr)
        return 130
    STAMP.write_text(wanted(), "utf-8")
    print("Set up.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
