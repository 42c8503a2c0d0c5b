"""What makes the built site stand alone: addresses, styles, scripts, the 404 page."""

from __future__ import annotations

import os
import shutil
import time
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.dirhtml import DirectoryHTMLBuilder as Builder
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from . import sharing
from .chapter import Place, duration, lab_minutes, place

BOOK = Path(__file__).resolve().parent.parent.parent
PLAYER = BOOK.parent / "src/movingparts/draw/player.js"
FRAME = "vendor/js/frame.js"
STARTED: dict[str, int] = {}  # of this build, in microseconds
BASE_URL_VARIABLE = "MOVING_PARTS_URL"

# Scripts of the book that not every page needs, in the order in which they come: live
# cells take their outputs down as they were built, before the others touch them.
SCRIPTS = {
    "vendor/js/live.js": 'class="cell tag_live',
    "player.js": "<moving-parts-player",
    "vendor/js/knob.js": "<moving-parts-knob",
    "vendor/js/board.js": "<moving-parts-board",
}
# What a reader does not see on a cell: that its code can be changed, and what it costs.
LIVE_HINT = '<span class="mp-live-hint">code that runs here (10 MB at first)</span>'
STYLES = ("css/board.css",)  # as well
# What is loaded unless it is left out, and what on a page it serves; "" where that is
# nothing here (book/_js/frame.js does it).
SERVES = SCRIPTS | {
    "css/board.css": "<moving-parts-board",
    "documentation_options.js": "",
    "DOCUMENTATION_OPTIONS.": "",
    "doctools.js": "",
    "sphinx_highlight.js": "",
    "scripts/sphinx-book-theme.js": "",
    "design-tabs.js": "sd-tab-set",
    "sphinx-design.min.css": 'class="sd-',
    "katex.min.css": 'class="katex',
    "katex-math.css": 'class="katex',
    "mystnb.": 'class="cell',
}


# sphinx-sitemap and others know the builder by the name of its class.
class DirectoryHTMLBuilder(Builder):
    """Clean addresses: the cover is the root, and `book/glossary` is `/glossary/`."""

    def _shown_as(self, pagename: str) -> str:
        """Return the page's name in addresses, where that of its source differs."""
        if pagename == self.config.root_doc:
            return "index"
        return pagename.removeprefix("book/")

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return the page's address from the root of the site."""
        return super().get_target_uri(self._shown_as(docname), typ)

    def get_outfilename(self, pagename: str) -> str:
        """Return the file that the page is written to."""
        return super().get_outfilename(self._shown_as(pagename))

    # Pages have another index (tools/site/search.py), made of what is written.
    search = False


def set_address(app: Sphinx, config: Config) -> None:
    """Take the site's public address, if it is known, from the environment."""
    address = os.environ.get(BASE_URL_VARIABLE, "")
    if address:
        config.html_baseurl = address.rstrip("/") + "/"


def prepare_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Give each page of a chapter, and each lab, the line above its title."""
    body = context.get("body") or ""
    here = place(pagename)
    if here is not None:
        live = LIVE_HINT if SCRIPTS["vendor/js/live.js"] in body else ""
        line = f'<p class="mp-kicker">{kicker(app, here)}{live}</p>\n'
        context["body"] = body.replace("<h1>", line + "<h1>", 1)


def load_what_serves(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Leave out the scripts and style sheets that do nothing on this page."""
    if app.builder.name != "dirhtml":
        return
    body = context.get("body") or ""
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if serves(named(file), body)]


def named(file: object) -> str:
    """Return a file's name, or an inline script's text."""
    inline: object = getattr(file, "attributes", {}).get("body", "")
    return str(getattr(file, "filename", file) or inline)


def serves(name: str, body: str) -> bool:
    """Return whether a script or a style sheet has anything to do on a page.

    >>> serves("_static/design-tabs.js", "<p>No tabs</p>")
    False
    """
    wanted = [mark for part, mark in SERVES.items() if f"/{part}" in f"/{name}"]
    return all(mark and mark in body for mark in wanted)


def kicker(app: Sphinx, here: Place) -> str:
    """Return the line above the title: the chapter, the page within it, the lab."""

    def link(document: str, words: str) -> str:
        if document == here.document or document not in app.env.found_docs:
            return words
        address = escape(app.builder.get_relative_uri(here.document, document))
        return f'<a href="{address}">{words}</a>'

    parts = [link(here.chapter, f"Chapter {here.number}")]
    if here.folder == "labs":
        parts.insert(0, f"Lab {here.number}")
        parts.append(f"about {duration(lab_minutes(here.number))}")
    elif here.step:
        page = here.pages[here.step - 1]
        parts.append(f"page {here.step} of {len(here.pages)}")
        parts.append(f"about {duration(page.minutes)}")
    elif here.lab in app.env.found_docs:
        parts.append(link(here.lab, f"Lab {here.number}"))
    return "".join(f"<span>{part}</span>" for part in parts)


def note_start(app: Sphinx, docname: str, source: list[str]) -> None:
    """Note when a page's text was taken, which is before its cells are run."""
    STARTED[docname] = time.time_ns() // 1_000


def date_by_start(app: Sphinx, env: BuildEnvironment) -> None:
    """Date each page by its start: an edit made while its cells ran is seen next time.

    Sphinx dates it by the end, and would take such an edit for old.
    """
    for docname, started in STARTED.items():
        if docname in env.all_docs:
            env.all_docs[docname] = min(env.all_docs[docname], started)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Put the site's own files in place once all pages are written."""
    if exception is not None or app.builder.name != "dirhtml":
        return
    static = Path(app.outdir) / "_static"
    # Sphinx copies static files only when a page is written; an edit of one must show.
    for file in sorted((BOOK / "_static").rglob("*")):
        if file.is_file():
            copy_if_changed(file, static / file.relative_to(BOOK / "_static"))
    copy_if_changed(BOOK / "_static/css/code.css", static / "pygments.css")
    if PLAYER.exists():
        copy_if_changed(PLAYER, static / PLAYER.name)
    write_not_found_page(Path(app.outdir))


def copy_if_changed(source: Path, target: Path) -> None:
    """Copy a file unless the target holds the same bytes."""
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def write_not_found_page(out: Path) -> None:
    """Write 404.html, which brings its own style: no relative address would hold."""
    page = (BOOK / "_templates/not-found.html").read_text("utf-8")
    palette = (BOOK / "_static/css/palette.css").read_text("utf-8")
    (out / "404.html").write_text(page.replace("/* palette.css */", palette), "utf-8")


def setup(app: Sphinx) -> None:
    """Connect to the build."""
    app.add_builder(DirectoryHTMLBuilder, override=True)
    app.connect("config-inited", set_address)
    app.connect("source-read", note_start)
    app.connect("env-updated", date_by_start)
    app.connect("html-page-context", prepare_page)
    # After all others, which add what they bring.
    app.connect("html-page-context", load_what_serves, priority=950)
    app.add_js_file(FRAME, type="module")
    for rank, script in enumerate(SCRIPTS):
        app.add_js_file(script, type="module", priority=700 + rank)
    for sheet in STYLES:
        app.add_css_file(sheet)
    sharing.setup(app)
    # After the theme's own handler, which writes pygments.css.
    app.connect("build-finished", finish, priority=900)
