"""The directive `progress`: the page that lists what its reader has done.

What there is to do is listed in `_static/book-index.json`, written at each build: every
page in reading order, with its predictions, questions and exercises. The lists are
filled in by scripts (book/_js/progress.js), from the reader's browser alone.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .chapter import place
from .markup import element, make, text

logger = logging.getLogger(__name__)

INDEX = "book-index.json"
FORMAT = "movingparts.index/1"
SCRIPT = "vendor/js/book.js"
TITLE_LENGTH = 110
ATTRIBUTES = {
    "predict": "data-question",
    "question": "data-question",
    "exercise": "data-exercise",
}
WITHOUT_SCRIPTS = (
    "Your progress is kept and shown by scripts of this page, and scripts are off. "
    "All else in the book reads without them."
)


class ProgressPage(SphinxDirective):
    """Where the reader's progress shows."""

    def run(self) -> list[nodes.Node]:
        """Return an empty place for it, and a line for those without scripts."""
        wording = make("p", text(WITHOUT_SCRIPTS), class_="mp-without-scripts")
        return [make("div", wording, class_="mp-progress", data_progress=INDEX)]


def items(document: nodes.document) -> Iterator[dict[str, str]]:
    """Yield what there is to do on a page: kind, id, title and anchor of each."""
    for node in document.findall(element):
        kind = node["html"].get("data-kind", "")
        if kind in ATTRIBUTES:
            yield {
                "kind": kind,
                "id": node["html"][ATTRIBUTES[kind]],
                "title": title_of(node, kind),
                "anchor": node["ids"][0],
            }


def title_of(node: element, kind: str) -> str:
    """Return an exercise's number and title, or what a question asks, in one line."""
    wanted = "mp-exercise-title" if kind == "exercise" else "mp-stem"
    found = next(
        (each for each in node.findall(element) if each["html"].get("class") == wanted),
        None,
    )
    wording = " ".join(found.astext().split()) if found is not None else ""
    if kind == "exercise":
        return f"Exercise {node['html']['data-exercise']}: {wording}"
    return textwrap.shorten(wording, TITLE_LENGTH, placeholder=" …")


def collected(env: BuildEnvironment) -> dict[str, list[dict[str, str]]]:
    """Return what there is to do, by page, as it was read so far."""
    # The environment is pickled between builds, and this with it.
    found: dict[str, list[dict[str, str]]] = vars(env).setdefault(
        "moving_parts_items", {}
    )
    return found


def collect(app: Sphinx, document: nodes.document) -> None:
    """Note what there is to do on a page that was read."""
    collected(app.env)[app.env.docname] = list(items(document))


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again, or removed."""
    collected(env).pop(docname, None)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what another process has read."""
    theirs = collected(other)
    collected(env).update({name: theirs[name] for name in docnames if name in theirs})


def reading_order(env: BuildEnvironment) -> list[str]:
    """Return all pages in the order of the table of contents; others come last."""
    order: list[str] = []
    waiting = [env.config.root_doc]
    while waiting:
        page = waiting.pop(0)
        if page not in order:
            order.append(page)
            waiting = [*env.toctree_includes.get(page, []), *waiting]
    return order + sorted(env.found_docs - set(order))


def check_ids(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of an id that two pages use: a reader's answers are kept by it."""
    seen: dict[tuple[str, str], str] = {}
    for page in reading_order(env):
        for item in collected(env).get(page, []):
            key = (item["kind"], item["id"])
            if key in seen:
                logger.warning(
                    "%s %r is on the page %s as well: a reader's answers are kept by "
                    "its id, so give each its own.",
                    *key,
                    seen[key],
                    location=page,
                )
            seen.setdefault(key, page)


def index(app: Sphinx) -> dict[str, Any]:
    """Return every page that has something to do, as scripts read it."""
    pages = []
    for page in reading_order(app.env):
        found = collected(app.env).get(page)
        if found:
            address = app.builder.get_target_uri(page)
            there = [
                {
                    "kind": item["kind"],
                    "id": item["id"],
                    "title": item["title"],
                    "address": f"{address}#{item['anchor']}",
                }
                for item in found
            ]
            pages.append(
                {
                    "title": page_title(app.env, page),
                    "address": address,
                    "items": there,
                }
            )
    return {"format": FORMAT, "pages": pages}


def page_title(env: BuildEnvironment, page: str) -> str:
    """Return a page's title; a chapter's with its number."""
    title = env.titles[page].astext()
    here = place(page)
    if here is None or here.folder != "chapters":
        return title
    step = f".{here.step}" if here.step else ""
    return f"{here.number}{step} {title}"


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write what there is to do beside the pages."""
    if exception is None and app.builder.format == "html":
        file = Path(app.outdir) / "_static" / INDEX
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(index(app), ensure_ascii=False), "utf-8")


def setup(app: Sphinx) -> None:
    """Register the directive, the index, and the script that each page loads."""
    app.add_directive("progress", ProgressPage)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-check-consistency", check_ids)
    app.connect("build-finished", write_index)
    app.add_js_file(SCRIPT, type="module")
