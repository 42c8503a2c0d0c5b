"""Which few pages of the book hold one of each kind of element.

What a style sheet or a script does to a kind of element is the same on every page; so
what depends on it alone need not be looked at on all of them.
"""

from __future__ import annotations

from functools import cache

from bs4 import BeautifulSoup

from tests.browser.built import BUILT

# What other tests look at, element by element: drawings, formulas, colored code.
DRAWN = "svg, math, .katex, .highlight pre > *, script, style"


def cover(paths: list[str]) -> list[str]:
    """Return as few pages as possible that together hold each kind once: nearly so."""
    found = {path: kinds(path) for path in paths}
    left = frozenset[str]().union(*found.values())
    chosen: list[str] = []
    while left:
        chosen.append(max(paths, key=lambda path: len(found[path] & left)))
        left -= found[chosen[-1]]
    return chosen


@cache
def kinds(path: str) -> frozenset[str]:
    """Return the kinds of elements in the text of a page: tags, and our classes."""
    file = BUILT / path / "index.html"
    text = BeautifulSoup(file.read_text("utf-8"), "html.parser").select_one("main")
    assert text is not None, f"{path} has no text"
    for drawn in text.select(DRAWN):
        drawn.extract()
    found = set()
    for element in text.find_all(True):
        found.add(element.name)
        found |= {f".{name}" for name in element.get("class", []) if "mp-" in name}
        given = [key for key in ("type", "role", "data-kind") if element.get(key)]
        found |= {f"{element.name}[{key}={element[key]}]" for key in given}
    return frozenset(found)
