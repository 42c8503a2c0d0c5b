"""Knob figures: their settings in files of their own, which pages load when turned.

A cell's output holds all drawings of a knob figure as JSON. A page keeps the first
drawing and the table, names the file, and has room for the controls from the start.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = "_static/knobs"
TAG = "<moving-parts-knob>"
# The JSON holds no "<" (movingparts.draw.knob writes it as an escape).
ELEMENT = re.compile(
    rf"{TAG}(?P<figure>(?:(?!{TAG}).)*?)"
    r'<script type="application/json">(?P<data>[^<]*)</script></moving-parts-knob>',
    re.DOTALL,
)
NAMED = re.compile(rf"{FOLDER}/([0-9a-f]{{16}}\.json)")
# Pages that are not the book's, and may be large.
FOREIGN = frozenset({"lite", "pyodide", "pagefind", "_static"})


def prepare_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Take the settings out of the page."""
    body = context.get("body") or ""
    if TAG not in body:
        return
    if app.builder.name not in {"dirhtml", "html"}:
        context["body"] = ELEMENT.sub(r"\g<figure>", body)
        return
    context["body"] = ELEMENT.sub(lambda found: kept(app, found), body)


def kept(app: Sphinx, found: re.Match[str]) -> str:
    """Write the settings to a file; return the element that names it."""
    text = found["data"]
    name = f"{sha256(text.encode()).hexdigest()[:16]}.json"
    file = Path(app.outdir) / FOLDER / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    dials = json.loads(text)["dials"]
    data = escape(json.dumps(dials, ensure_ascii=False, separators=(",", ":")))
    return (
        f'<moving-parts-knob src="{FOLDER}/{name}" dials="{data}">'
        f"{room(dials)}{found['figure']}</moving-parts-knob>"
    )


def room(dials: list[dict[str, Any]]) -> str:
    """Return a placeholder for the controls, as high as they are."""
    each = "".join(
        f'<div class="mp-dial"><span class="mp-dial-name">{escape(dial["label"])}'
        "</span></div>"
        for dial in dials
    )
    return f'<div class="mp-dials">{each}</div>'


def remove_unused(app: Sphinx, exception: Exception | None) -> None:
    """Delete the files that no page names; pages that did not change keep theirs."""
    folder = Path(app.outdir) / FOLDER
    if exception is not None or not folder.is_dir():
        return
    named: set[str] = set()
    for page in sorted(Path(app.outdir).rglob("*.html")):
        if page.relative_to(app.outdir).parts[0] not in FOREIGN:
            named.update(NAMED.findall(page.read_text("utf-8")))
    for file in sorted(folder.glob("*.json")):
        if file.name not in named:
            file.unlink()


def setup(app: Sphinx) -> None:
    """Connect to the build."""
    app.connect("html-page-context", prepare_page)
    app.connect("build-finished", remove_unused)
