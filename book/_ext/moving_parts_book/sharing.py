"""What others show of a page: OpenGraph, its description, the site's map.

All addresses in it start with `html_baseurl`; none is asked for as the page shows.
"""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx.application import Sphinx

CARD = "_static/card.png"
CARD_ALT = "Moving Parts: a runnable book about microservices, and a city on the move"
LONGEST = 200  # characters of a description
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
# Which pages have no place of their own in search engines.
UNLISTED = frozenset({"search", "genindex"})


def description(doctree: nodes.document | None) -> str:
    """Return the first sentences of a page's prose: no cells, questions, captions."""
    if doctree is None:
        return ""
    text = ""
    for paragraph in doctree.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, (nodes.section, nodes.document)):
            continue
        for sentence in SENTENCE.split(" ".join(paragraph.astext().split())):
            longer = f"{text} {sentence}".strip()
            if text and len(longer) > LONGEST:
                return text
            text = longer
    return text


def address(app: Sphinx, pagename: str) -> str:
    """Return the public address of a page."""
    return urljoin(app.config.html_baseurl, app.builder.get_target_uri(pagename))


def describe(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put the page's description, its canonical address and its card in its head."""
    if app.builder.name != "dirhtml":
        return
    title = unescape(re.sub(r"<[^>]*>", "", context.get("title") or ""))
    cover = pagename == app.config.root_doc
    text = description(doctree) or f"{title}, in {app.config.html_title}."
    card = urljoin(app.config.html_baseurl, CARD)
    named = {"description": text, "twitter:card": "summary_large_image"}
    shown = {
        "og:site_name": app.config.html_title,
        "og:type": "book" if cover else "article",
        "og:title": title,
        "og:description": text,
        "og:url": address(app, pagename),
        "og:image": card,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": CARD_ALT,
    }
    tags = [_meta("name", *each) for each in named.items()]
    tags += [_meta("property", *each) for each in shown.items()]
    context["metatags"] = context.get("metatags", "") + "\n    ".join(["", *tags])
    context["pageurl"] = address(app, pagename)


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{escape(content)}">'


def write_map(app: Sphinx, exception: Exception | None) -> None:
    """Write sitemap.xml, with every page of the book and no other, and robots.txt."""
    if exception is not None or app.builder.name != "dirhtml":
        return
    out = Path(app.outdir)
    pages = sorted(address(app, name) for name in app.env.found_docs - UNLISTED)
    rows = "".join(f"  <url><loc>{escape(page)}</loc></url>\n" for page in pages)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    (out / "sitemap.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{space}">\n'
        f"{rows}</urlset>\n",
        "utf-8",
    )
    where = urljoin(app.config.html_baseurl, "sitemap.xml")
    (out / "robots.txt").write_text(f"User-agent: *\nSitemap: {where}\n", "utf-8")


def setup(app: Sphinx) -> None:
    """Connect to the build."""
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_map)
