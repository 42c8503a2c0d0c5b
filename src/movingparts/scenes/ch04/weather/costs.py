"""What a second language costs: lines of code by concern, and packages."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from movingparts.world import Table

HERE = Path(__file__).parent
CONCERNS = ("answers", "trace and deadline", "errors", "health", "shutdown")


def lines_by_concern(text: str) -> Counter[str]:
    """Count the lines of code after each comment that names a concern.

    >>> lines_by_concern(written("weather.js"))["health"]
    3
    """
    found, concern = Counter[str](), "setup"
    for line in map(str.strip, text.splitlines()):
        comment = re.fullmatch(r"(?://|#) (.+)", line)
        if comment:
            concern = comment[1]
        elif line:
            found[concern] += 1
    return found


def written(name: str) -> str:
    """Return the text of a file of this folder."""
    return (HERE / name).read_text("utf-8")


def lines(name: str) -> Counter[str]:
    """Count the lines of a file of this folder by concern."""
    return lines_by_concern(written(name))


def around(name: str) -> int:
    """Count the lines of a file that serve the contract, but don't answer."""
    found = lines(name)
    return sum(found[each] for each in CONCERNS if each != "answers")


def packages() -> dict[str, set[str]]:
    """Return the packages that each of the two services needs."""
    python = python_packages("fastapi", "httpx", "uvicorn")
    return {"weather.js": node_packages("express"), "twin.py": python}


def costs() -> Table:
    """Return a table of both services: lines by concern, then packages."""
    js, py = lines("weather.js"), lines("twin.py")
    rows: list[tuple[str, ...]] = [
        (f"lines for {each}", str(js[each]), str(py[each])) for each in CONCERNS
    ]
    ours, theirs = (str(len(each)) for each in packages().values())
    rows.append(("packages", ours, theirs))
    return Table(("what", "weather.js", "the twin"), rows)


def node_packages(*names: str) -> set[str]:
    """Return these packages of Node.js with all that they depend on."""
    folder = next(p for p in HERE.parents if (p / "node_modules/express").is_dir())
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            manifest = folder / "node_modules" / name / "package.json"
            left += json.loads(manifest.read_text("utf-8")).get("dependencies", {})
    return found


def python_packages(*names: str) -> set[str]:
    """Return these packages of Python with all that they depend on."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = canonicalize_name(left.pop())
        if name not in found:
            found.add(name)
            left += _needed(requires(name) or ())
    return found


def _needed(lines: Iterable[str]) -> Iterable[str]:
    for each in map(Requirement, lines):
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            yield each.name
