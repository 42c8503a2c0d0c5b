"""The pages of the built book as paper and e-readers take them.

`pages(site)` reads book/_build/dirhtml in the order of book/_toc.yml. Each page comes
without what needs a script or a pointer; hints, answers and the tables behind figures
are at its end (tools/print/print_notes.py), and links lead to places of this book.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag

from tools.dev import process
from tools.print import print_figures, print_notes
from tools.site import build

TOC = build.BOOK / "_toc.yml"
CONFIG = build.BOOK / "_config.yml"

# What only works on a screen: controls, their scripts, and links of the site's frame.
SCREEN_ONLY = (
    *("script", "template", "noscript", "button", "input", "select", "textarea"),
    *("dialog", "form", "label.mp-pause", "a.headerlink", ".toctree-wrapper"),
    *("[hidden]:not(.mp-art)", '[class^="mp-live"]', '[class*=" mp-live"]'),
    *(".mp-dials", ".mp-note", ".mp-run-in", ".mp-print-none", "output"),
    *("p.mp-start", "p.mp-kicker", "p.mp-lab-link", ".mp-lab-links"),
    ".mp-meaning",
)
SCREEN_ATTRIBUTES = re.compile(r"^(?:data-|on)|^(?:slot|tabindex|hidden|nonce)$")
# A page that shows what this browser has kept says nothing on paper.
NOT_PRINTED = re.compile(r"(?:^|/)(?:progress|your-progress|search)$")


@dataclass(slots=True)
class PrintedPage:
    """A page of the book: what it is called, where it stands, and its text."""

    document: str
    address: str  # on the site, "" for the cover
    part: str | None  # the title of the part that it opens
    title: str
    article: Tag

    @property
    def key(self) -> str:
        """Its name among the ids and files of the printed book."""
        return self.address.strip("/").replace("/", "-") or "welcome"

    @property
    def number(self) -> str:
        """`Chapter 01` or `Lab 01`; empty for the other pages."""
        found = re.fullmatch(r"(chapter|lab)s/(\d\d)-[^/]+(?:/index)?", self.document)
        return f"{found[1].title()} {found[2]}" if found else ""


def documents(part: object) -> Iterator[str]:
    """Yield the documents of a part of the table of contents, in reading order."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("root", "file"):
                yield value
            elif name != "caption":
                yield from documents(value)
    elif isinstance(part, list):
        for each in part:
            yield from documents(each)


def contents() -> Iterator[tuple[str, str, str | None]]:
    """Yield each document with its address and the part that begins with it."""
    toc: dict[str, Any] = yaml.safe_load(TOC.read_text("utf-8"))
    yield toc["root"], "", None
    for part in toc.get("parts", [toc]):
        opened = part.get("caption")
        for document in documents(part.get("chapters", [])):
            yield (
                document,
                document.removeprefix("book/").removesuffix("/index") + "/",
                opened,
            )
            opened = None


def pages(site: Path = build.SITE) -> list[PrintedPage]:
    """Return all pages that are printed, ready for either book.

    Raises:
        FileNotFoundError: the site lacks a page of the table of contents.
    """
    found, waiting = [], None
    for document, address, part in contents():
        waiting = part or waiting
        if NOT_PRINTED.search(document):
            continue
        soup = BeautifulSoup(
            (site / address / "index.html").read_text("utf-8"), "html.parser"
        )
        article = soup.select_one("article.bd-article")
        if article is None:
            raise ValueError(f"{document}: the built page has no article")
        page = PrintedPage(document, address, waiting, "", article)
        prepare(page)
        found.append(page)
        waiting = None
    lead_links_home(found)
    return found


def prepare(page: PrintedPage) -> None:
    """Turn the article of a page into one that needs no screen."""
    article = page.article
    for pattern in SCREEN_ONLY:
        for found in article.select(pattern):
            if not found.decomposed:
                found.decompose()
    heading = article.find("h1")
    page.title = heading.get_text().strip() if heading else page.document
    open_players(article)
    set_formulas(article)
    print_notes.gather(article)
    print_figures.settle(article)
    for element in article.find_all(True):
        for name in [name for name in element.attrs if SCREEN_ATTRIBUTES.match(name)]:
            del element[name]


def open_players(article: Tag) -> None:
    """Turn each player into a figure, and any other element of ours into a division."""
    for player in article.find_all("moving-parts-player"):
        player.name = "figure"
        player.attrs = {"class": ["mp-figure"]}
    for element in article.find_all(re.compile("^[a-z]+-")):
        if not element.find_parent("svg"):
            element.attrs = {"class": [element.name]}
            element.name = "div"
    for figure in article.select("figure.mp-figure"):
        for style in figure.find_all("style", recursive=False):
            style.decompose()


def set_formulas(article: Tag) -> None:
    """Name each formula by its TeX, which a screen reader can say."""
    for formula in article.select("span.katex"):
        source = formula.find("annotation")
        if source is not None:
            formula["data-tex"] = source.get_text().strip()
            formula["role"] = "math"
            formula["aria-label"] = source.get_text().strip()


def lead_links_home(found: list[PrintedPage]) -> None:
    """Write each link between pages as `book:KEY#id`; unlink what is not printed."""
    known = {page.address: page for page in found}
    for page in found:
        for link in page.article.select("a[href]"):
            target = urlsplit(str(link["href"]))
            if target.scheme or target.netloc:
                continue
            path = posixpath.normpath(posixpath.join("/", page.address, target.path))
            address = path.strip("/") + "/" if path != "/" else ""
            to = known.get(unquote(address) if target.path else page.address)
            if to is None:
                link.name, link.attrs = "span", {}
            else:
                link["href"] = f"book:{to.key}#{unquote(target.fragment)}"


def settings() -> dict[str, Any]:
    """Return the book's settings: title, author, copyright."""
    loaded: dict[str, Any] = yaml.safe_load(CONFIG.read_text("utf-8"))
    return loaded


class PrintError(Exception):
    """The book cannot be printed; the message says what to do."""


def command(make: Callable[[], int], out: Path, unit: str) -> int:
    """Build the book, make a file of it, and say how large that is; the exit code."""
    process.end_like_ctrl_c()
    try:
        if not built():
            return 1
        count = make()
    except (*build.WRONG, PrintError) as error:
        process.report(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        return 130
    size = out.stat().st_size / 1024
    process.report(f"{out.relative_to(build.ROOT)}: {count} {unit}, {size:.0f} KiB")
    return 0


def built() -> bool:
    """Build the book, which takes seconds when nothing changed; True when it is there.

    `--no-build` takes the book that is there.
    """
    if "--no-build" in sys.argv and (build.SITE / "index.html").is_file():
        return True
    return build.build()
