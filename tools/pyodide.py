"""Fetch the wheels with which the simulated world runs in Pyodide.

The versions and hashes are the lock's. Pyodide itself is an npm package of
package.json; the tests run it in Node (tests/pyodide).
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
KIT = ROOT / ".movingparts" / "pyodide"
PYTHON = "3.14"  # of the Pyodide in package.json, and so the tags that follow
PLATFORM = "pyemscripten_2026_0_wasm32"
INSIDE = {
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "platform_machine": "wasm32",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "extra": "",
}


class KitError(Exception):
    """The wheels could not be fetched; the message says what to do."""


def needed() -> list[str]:
    """Return the names of what the package's core needs inside Pyodide, sorted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    found: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if name in found or (marker is not None and not marker.evaluate(INSIDE)):
            continue
        found.add(name)
        waiting += [Requirement(text) for text in requires(name) or []]
    return sorted(found)


def pins(names: list[str]) -> str:
    """Return the lock's lines, with hashes, of the packages named."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.findall(r"^[a-z0-9].*(?:\n +--hash.*)*", lock, re.MULTILINE)
    wanted = {
        canonicalize_name(re.split(r"[=\[ ]", entry, maxsplit=1)[0]): entry
        for entry in entries
    }
    # The lock's markers speak of the machine that asks; here Pyodide is asked for.
    return "\n".join(re.sub(r" ;[^\\\n]*", " ", wanted[name]) for name in names) + "\n"


def fetch() -> Path:
    """Return the folder of wheels, filled if the lock has changed since."""
    text = pins(needed())
    stamp = KIT / "ready"
    wanted = hashlib.sha256(f"{PLATFORM}\n{text}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return KIT / "wheels"
    print("Fetching the wheels that Pyodide runs.", flush=True)
    shutil.rmtree(KIT, ignore_errors=True)
    KIT.mkdir(parents=True)
    listed = KIT / "pins.txt"
    listed.write_text(text, "utf-8")
    target = ["--python-version", PYTHON, "--implementation", "cp"]
    for kind in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
        target += ["--abi", kind]
    target += ["--platform", PLATFORM, "--platform", "any"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--require-hashes"]
    command += [*target, "-r", str(listed), "-d", str(KIT / "wheels")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KitError(f"{done.stdout}{done.stderr}\npip could not fetch the wheels.")
    stamp.write_text(wanted, "utf-8")
    return KIT / "wheels"


def main() -> int:
    """Fetch them; 0 when they are there."""
    try:
        wheels = fetch()
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(list(wheels.glob('*.whl')))} wheels for Pyodide are there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
