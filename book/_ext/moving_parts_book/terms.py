"""A term's meaning beside each link to the glossary, shown on hover, focus or tap.

The meaning is the glossary's own text. The style sheet shows it where the link is
pointed at or in focus; book/_js/_terms.js keeps it inside the window, shows it at the
first tap and lets Escape take it away.

The glossary in turn links each term to the first page that uses it.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"
LINK = re.compile(
    r'<a class="reference internal" href="(?P<to>[^"]*glossary/#(?P<id>term-[^"]+))">'
    r'(?P<text><span class="xref std std-term">.*?</span>)</a>'
)
# A term in a page's source: {term}`idempotency`, {term}`indefinite <indefinite error>`.
NAMED = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`")


def meanings(env: BuildEnvironment) -> dict[str, str]:
    """Return the meaning of each term, by its id on the glossary's page."""
    if GLOSSARY not in env.found_docs:
        return {}
    found = {}
    for glossary in env.get_doctree(GLOSSARY).findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            [definition] = item.findall(nodes.definition)
            for citation in list(definition.findall(addnodes.pending_xref)):
                if citation.get("refdomain") == "cite":
                    citation.parent.remove(citation)
            text = re.sub(r"\s+([.,;:])", r"\1", " ".join(definition.astext().split()))
            for term in item.findall(nodes.term):
                found |= dict.fromkeys(term["ids"], text)
    return found


def show_meanings(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Put its meaning beside each link to a term, but for the glossary's own."""
    body = context.get("body")
    if app.builder.name != "dirhtml" or not body or pagename == GLOSSARY:
        return
    known, numbers = meanings(app.env), count(1)

    def beside(found: re.Match[str]) -> str:
        if found["id"] not in known:
            return found[0]
        name = f"meaning-{next(numbers)}"
        return (
            f'<span class="mp-term"><a class="reference internal" href="{found["to"]}"'
            f' aria-describedby="{name}">{found["text"]}</a>'
            f'<span class="mp-meaning" role="tooltip" id="{name}">'
            f"{escape(known[found['id']])}</span></span>"
        )

    context["body"] = LINK.sub(beside, body)


def first_pages(env: BuildEnvironment) -> dict[str, str]:
    """Return the first page of a chapter that uses each term, by the term."""
    found: dict[str, str] = {}
    for document in sorted(env.found_docs):
        if document.startswith("chapters/") and not document.endswith("index"):
            text = Path(env.doc2path(document)).read_text("utf-8")
            for term in NAMED.findall(text):
                found.setdefault(" ".join(term.split()).lower(), document)
    return found


def link_pages(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a link to the first page that uses it below each meaning."""
    if docname != GLOSSARY or app.builder.name != "dirhtml":
        return
    pages = first_pages(app.env)
    for item in doctree.findall(nodes.definition_list_item):
        terms = [term.astext().lower() for term in item.findall(nodes.term)]
        shown = sorted(pages[term] for term in terms if term in pages)
        for definition in item.findall(nodes.definition) if shown else ():
            uri = app.builder.get_relative_uri(GLOSSARY, shown[0])
            title = app.env.titles[shown[0]].astext()
            link = nodes.reference("", title, internal=True, refuri=uri)
            line = nodes.paragraph("", "See it in: ", link, classes=["mp-see"])
            definition.append(line)


def reread(
    app: Sphinx,
    env: BuildEnvironment,
    added: set[str],
    changed: set[str],
    removed: set[str],
) -> list[str]:
    """Have the glossary written again when a chapter changed: its links may have."""
    pages = added | changed | removed
    touched = any(page.startswith("chapters/") for page in pages)
    return [GLOSSARY] if touched and GLOSSARY in env.found_docs else []


def setup(app: Sphinx) -> None:
    """Connect to the build."""
    app.connect("doctree-resolved", link_pages)
    app.connect("env-get-outdated", reread)
    app.connect("html-page-context", show_meanings)
