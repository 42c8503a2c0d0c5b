"""Keep of the theme's style sheets what some page or script of the book can use.

The theme brings 500 KB of rules, most of them for parts of Bootstrap that no page of
the book holds. A rule stays unless it asks for a class that no page has and no script
names. What was there before is kept beside the site, so that a later build starts
from the whole again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Node, QualifiedRule

# Style sheets of Sphinx, its theme and its extensions; the book's own are left alone.
THEIRS = ("_static/*.css", "_static/styles/*.css")
WHOLE = "whole-styles"
MARK = "/* Only what this site uses: tools/site/stylesheets.py */\n"
CLASSES = re.compile(r"""\sclass=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
WORD = re.compile(r"[A-Za-z_][\w-]*")
# Rules that hold other rules.
NESTING = frozenset({"media", "supports", "layer", "container"})
# The theme's icons come from a font that no page asks for (book/_static/css/icons.css).
UNUSED_FONT = re.compile(r"Font Awesome", re.IGNORECASE)
LICENSE = re.compile(r"^!|licen[cs]e|copyright", re.IGNORECASE)


def used_classes(site: Path) -> set[str]:
    """Return the classes of all pages, and all words of the scripts that they load."""
    used: set[str] = set()
    for page in site.rglob("*.html"):
        if page.relative_to(site).parts[0] != "lite":
            for found in CLASSES.finditer(page.read_text("utf-8")):
                used.update((found[1] or found[2] or found[3] or "").split())
    for script in (site / "_static").rglob("*.js"):
        used.update(WORD.findall(script.read_text("utf-8")))
    return used


def trimmed(sheet: str, used: set[str]) -> str:
    """Return a style sheet without the rules that no page can use.

    >>> trimmed(".a{color:red}.b,.a:not(.c){top:0}", {"a"})
    '.a{color:red}.a:not(.c){top:0}'
    """
    rules = tinycss2.parse_stylesheet(sheet, skip_whitespace=True)
    return "".join(_kept(rules, used))


def _kept(rules: list[Node], used: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "comment":
            if LICENSE.search(rule.value):
                yield rule.serialize() + "\n"
        elif isinstance(rule, QualifiedRule):
            yield _rule(rule, used)
        elif isinstance(rule, AtRule):
            yield _at_rule(rule, used)


def _rule(rule: QualifiedRule, used: set[str]) -> str:
    selectors = [text for text, wants in _selectors(rule.prelude) if wants <= used]
    if not selectors:
        return ""
    return f"{','.join(selectors)}{{{tinycss2.serialize(rule.content).strip()}}}"


def _at_rule(rule: AtRule, used: set[str]) -> str:
    if rule.lower_at_keyword in NESTING and rule.content is not None:
        inner = tinycss2.parse_rule_list(rule.content, skip_whitespace=True)
        kept = "".join(_kept(inner, used))
        head = tinycss2.serialize(rule.prelude).strip()
        return f"@{rule.at_keyword} {head}{{{kept}}}" if kept else ""
    text: str = rule.serialize()
    if rule.lower_at_keyword == "font-face" and UNUSED_FONT.search(text):
        return ""
    return text


def _selectors(prelude: list[Node]) -> Iterator[tuple[str, set[str]]]:
    """Yield each selector of a rule, and the classes that an element must have.

    Those inside `:not(…)` or `:is(…)` do not count: there one may be missing.
    """
    part: list[Node] = []
    for node in [*prelude, None]:
        if node is not None and node != ",":
            part.append(node)
            continue
        wants = {b.value for a, b in pairwise(part) if a == "." and b.type == "ident"}
        yield tinycss2.serialize(part).strip(), wants
        part = []


def trim(site: Path) -> int:
    """Trim the style sheets of a site; return the bytes that they lost."""
    used, freed = used_classes(site), 0
    for pattern in THEIRS:
        for file in sorted(site.glob(pattern)):
            before = file.stat().st_size
            text = MARK + trimmed(_whole(site, file), used)
            if text != file.read_text("utf-8"):
                file.write_text(text, "utf-8")
            freed += max(0, before - file.stat().st_size)
    return freed


def _whole(site: Path, file: Path) -> str:
    """Return a style sheet as it was before it was trimmed, and keep it."""
    kept = site.parent / WHOLE / file.relative_to(site)
    if not file.read_text("utf-8").startswith(MARK):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
    # Where it was lost, what is there is at least enough for the pages of that time.
    return (kept if kept.is_file() else file).read_text("utf-8").removeprefix(MARK)
