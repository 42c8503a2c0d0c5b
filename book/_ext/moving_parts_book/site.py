"""What makes the built site stand alone: addresses, styles, scripts, the 404 page."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.dirhtml import DirectoryHTMLBuilder as Builder
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

BOOK = Path(__file__).resolve().parent.parent.parent
PLAYER = BOOK.parent / "src/movingparts/draw/player.js"
PLAYER_TAG = "<moving-parts-player"
NUMBERED = re.compile(r"^(chapters|labs)/\d\d-")
SEARCH_PAGES = re.compile(r'"docnames":\s*(\[[^\]]*\])')
STARTED: dict[str, int] = {}  # of this build, in microseconds
BASE_URL_VARIABLE = "MOVING_PARTS_URL"


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

    def dump_search_index(self) -> None:
        """Write the search index, which makes addresses of its own from page names."""
        super().dump_search_index()
        self._rename_in_search_index(self._shown_as)

    def load_indexer(self, docnames: Iterable[str]) -> None:
        """Read the index of the last build, with the names that the sources have."""
        pages = {self._shown_as(name): name for name in self.env.all_docs}
        self._rename_in_search_index(lambda name: pages.get(name, name))
        super().load_indexer(docnames)

    def _rename_in_search_index(self, renamed: Callable[[str], str]) -> None:
        """Rename the pages in the written index, if there is one."""
        file = Path(self.outdir) / self.searchindex_filename
        if not file.is_file():
            return

        def with_new_names(found: re.Match[str]) -> str:
            names = [renamed(name) for name in json.loads(found[1])]
            return f'"docnames":{json.dumps(names, separators=(",", ":"))}'

        index = file.read_text("utf-8")
        file.write_text(SEARCH_PAGES.sub(with_new_names, index, count=1), "utf-8")


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
    """Load a script only on the pages that hold what it serves."""
    body = context.get("body") or ""
    if PLAYER_TAG in body:
        app.add_js_file("player.js", type="module", priority=700)
    if NUMBERED.match(pagename):
        context["body"] = body.replace("<h1>", kicker(app, pagename) + "<h1>", 1)


def kicker(app: Sphinx, pagename: str) -> str:
    """Return the line above a chapter's or a lab's title: its number, its sibling."""
    folder, _, slug = pagename.partition("/")
    number = slug.partition("-")[0]
    here, other = ("Chapter", "Lab") if folder == "chapters" else ("Lab", "Chapter")
    sibling = f"{'labs' if other == 'Lab' else 'chapters'}/{slug}"
    line = f"{here} {number}"
    if sibling in app.env.found_docs:
        address = escape(app.builder.get_relative_uri(pagename, sibling))
        line += f' <a href="{address}">{other} {number}</a>'
    return f'<p class="mp-kicker">{line}</p>\n'


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
    # After the theme's own handler, which writes pygments.css.
    app.connect("build-finished", finish, priority=900)
