"""Print the whole book as one PDF (`make pdf`): book/_build/moving-parts.pdf.

Chromium prints all pages as one document, without a script and without the network.
It prints until the page numbers in the table of contents are those of the paper,
which takes two or three times.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import BooleanObject, DictionaryObject, NameObject

from tools.dev.test import browser
from tools.print import print_figures, print_pages
from tools.print.print_notes import make
from tools.print.print_pages import PrintedPage, PrintError
from tools.site import build

OUT = build.BUILD / "moving-parts.pdf"
STYLES = build.BOOK / "_print"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
TIMES = 5  # page numbers settle at the second or third printing
EPOCH = 1_767_225_600  # 2026-01-01: the date of a book whose build names none
POINTERS = ("href", "aria-labelledby", "aria-describedby", "headers", "for")

NO_BROWSER = """\
Chromium was not found, and it is what prints the book.
  Debian:  apt-get install chromium
  Ubuntu:  snap install chromium
  Fedora:  dnf install chromium
  macOS:   brew install --cask chromium
Or name one that is installed: CHROMIUM=/path/to/chrome make pdf"""


def join(page: PrintedPage) -> Tag:
    """Return a page as a part of the one document: own ids, headings one level down."""
    article, key = page.article, page.key
    for element in article.select("[id]"):
        element["id"] = f"{key}--{element['id']}"
    for name in POINTERS[1:]:
        for element in article.select(f"[{name}]"):
            words = element[name]
            ids = words if isinstance(words, list) else str(words).split()
            element[name] = " ".join(f"{key}--{each}" for each in ids)
    for element in article.select("[clip-path]"):
        element["clip-path"] = str(element["clip-path"]).replace("#", f"#{key}--")
    for link in article.select("a[href]"):
        link["href"] = destination(str(link["href"]), key)
    for level in (5, 4, 3, 2, 1):
        for heading in article.find_all(f"h{level}"):
            heading.name = f"h{level + 1}"
    for hidden in article.select(".katex-mathml"):
        hidden.decompose()
    return opened(page)


def destination(href: str, key: str) -> str:
    """Return where a link leads in the one document."""
    if href.startswith("#"):
        return f"#{key}--{href[1:]}"
    if not href.startswith("book:"):
        return href
    to, _, place = href.removeprefix("book:").partition("#")
    return f"#{to}--{place}" if place else f"#{to}"


def opened(page: PrintedPage) -> Tag:
    """Return the page's article with its part, its number and its title on top."""
    article = page.article
    article.name, article.attrs = "article", {"class": ["page"], "id": page.key}
    title = article.find("h2")
    if page.part:
        article.insert(0, make("h1", page.part, class_="page-part"))
    if isinstance(title, Tag):
        title["class"] = "page-title"
        if page.number:
            words = title.get_text().removeprefix(f"{page.number}: ")
            title.string = words
            title.insert(0, make("span", f"{page.number} ", class_="page-number"))
            title.contents[0].append(make("br"))
    article["style"] = f"page: {page.key}"
    return article


def running_heads(pages: list[PrintedPage]) -> str:
    """Return a page rule for each page of the book, with its title as running head."""
    font = 'font: 600 8.5pt "Overpass Variable", sans-serif; color: #596273;'
    rules = []
    for page in pages:
        title = page.title.replace("\\", "").replace('"', '\\"')
        head = title if not page.number or ":" in title else f"{page.number}: {title}"
        rules.append(
            f"@page {page.key} {{"
            f'@top-left {{ content: "Moving Parts"; {font} }}'
            f'@top-right {{ content: "{head}"; {font} }} }}'
        )
    return "\n".join(rules)


def cover(welcome: PrintedPage, author: str) -> Tag:
    """Take the picture and the first words off the first page, as the book's cover."""
    front = make("div", class_="cover", id="cover")
    front.append(make("p", welcome.title, class_="cover-title"))
    for pattern in (".mp-lead", "figure.mp-city"):
        found = welcome.article.select_one(pattern)
        if found is not None:
            front.append(found.extract())
    front.append(make("p", author, class_="cover-author"))
    heading = welcome.article.find("h1")
    if isinstance(heading, Tag):
        heading.string = "About this book"
    welcome.title = "About this book"
    return front


def contents(pages: list[PrintedPage], numbers: Mapping[str, int]) -> Tag:
    """Return the table of contents, with the page numbers that are known."""
    entries = make("ol")
    for page in pages:
        if page.part:
            entries.append(make("li", page.part, class_="part"))
        title = page.article.find("h2")
        words = " ".join(title.get_text(" ").split()) if title else page.title
        entries.append(entry(words, page.key, "whole", numbers))
        for heading in page.article.find_all("h3"):
            section = heading.parent
            if isinstance(section, Tag) and section.get("id"):
                words = " ".join(heading.get_text().split())
                entries.append(entry(words, str(section["id"]), "section", numbers))
    title = make("h1", "Contents", class_="contents-title")
    return make("nav", title, entries, class_="contents page", id="contents")


def entry(words: str, target: str, kind: str, numbers: Mapping[str, int]) -> Tag:
    """Return a line of the table of contents."""
    number = str(numbers.get(target, "000"))
    link = make(
        "a",
        make("span", words, class_="words"),
        make("span", class_="leader"),
        make("span", number, class_="number"),
        href=f"#{target}",
    )
    return make("li", link, class_=kind)


def document(pages: list[PrintedPage], numbers: Mapping[str, int]) -> str:
    """Return the whole book as HTML; `pages` are used up."""
    settings = print_pages.settings()
    author, year = str(settings["author"]), str(settings["copyright"])
    front = cover(pages[0], author)
    joined = [join(page) for page in pages]
    listing = contents(pages, numbers)
    for page in joined:
        for link in page.select("a.mp-ref"):
            target = str(link["href"])[1:]
            link.append(f", p. {numbers.get(target, '000')}")
    body = "".join(str(part) for part in (front, imprint(author, year), listing))
    body += "".join(str(page) for page in joined)
    title = escape(str(settings["title"]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title>{styles()}"
        f"<style>{running_heads(pages)}</style></head><body>{body}</body></html>"
    )


def imprint(author: str, year: str) -> Tag:
    """Return the page with the licenses."""
    text = (
        '<section class="imprint page" id="imprint">'
        f"<p><strong>Moving Parts</strong></p><p>© {year} {escape(author)}</p>"
        "<p>The text is licensed under Creative Commons Attribution 4.0 International "
        "(CC BY 4.0), the code under the MIT License.</p>"
        "<p>Every listing was run when this book was made, and every figure is a "
        "recording of such a run. On the site of the book they run again, in the "
        "browser.</p>"
        "<p>Hints, answers and the tables behind the figures stand at the end of each "
        "chapter, so that a question can be answered before its answer is seen.</p>"
        "</section>"
    )
    section = BeautifulSoup(text, "html.parser").section
    assert section is not None  # narrows the type: it is written above
    return section


def styles() -> str:
    """Return the links to the fonts and styles, and the print styles themselves."""
    static = build.BOOK / "_static"
    linked = ("css/palette.css", "css/fonts.css", "vendor/katex/katex.min.css")
    sheets = [static / "css/code.css", STYLES / "book.css", STYLES / "pdf.css"]
    known = print_figures.light_palette()
    css = "\n".join(
        print_figures.without_variables(sheet.read_text("utf-8"), known)
        for sheet in sheets
    )
    links = "".join(
        f'<link rel="stylesheet" href="{(static / name).as_uri()}">' for name in linked
    )
    return f"{links}<style>{css}</style>"


def printed(chromium: Browser, html: str) -> bytes:
    """Print a document; nothing but files of the book is loaded.

    Raises:
        PrintError: something was asked for that is not there.
    """
    file = build.BUILD / f"print-{os.getpid()}.html"
    file.write_text(html, "utf-8")
    lacking: list[str] = []
    page = chromium.new_page(offline=True)
    page.on("requestfailed", lambda request: lacking.append(request.url))
    try:
        page.goto(file.as_uri())
        page.evaluate("document.fonts.ready.then(() => true)")
        paper = page.pdf(
            prefer_css_page_size=True, print_background=True, outline=True, tagged=True
        )
    finally:
        page.close()
        file.unlink(missing_ok=True)
    if lacking:
        raise PrintError(f"The book asks for {lacking[0]}, which is not there.")
    return paper


def page_numbers(paper: bytes) -> dict[str, int]:
    """Return the page on which each place that a link leads to stands."""
    reader = PdfReader(io.BytesIO(paper))
    return {
        name.lstrip("/"): number + 1
        for name, place in reader.named_destinations.items()
        if (number := reader.get_destination_page_number(place)) is not None
    }


def settled(chromium: Browser, site: Path) -> bytes:
    """Print until the page numbers in the book are those of the paper.

    Raises:
        PrintError: they did not settle.
    """
    numbers: dict[str, int] = {}
    for _ in range(TIMES):
        paper = printed(chromium, document(print_pages.pages(site), numbers))
        found = page_numbers(paper)
        if found == numbers:
            return paper
        numbers = found
    raise PrintError(f"After {TIMES} printings the page numbers still change.")


def finished(paper: bytes) -> bytes:
    """Return the PDF with its title, author, subject and a date that does not vary."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(paper)))
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))
    date = datetime.fromtimestamp(epoch, UTC).strftime("D:%Y%m%d%H%M%SZ")
    settings: dict[str, Any] = print_pages.settings()
    writer.add_metadata(
        {
            "/Title": str(settings["title"]),
            "/Author": str(settings["author"]),
            "/Subject": "A runnable book about microservices",
            "/CreationDate": date,
            "/ModDate": date,
        }
    )
    show = DictionaryObject({NameObject("/DisplayDocTitle"): BooleanObject(True)})
    writer.root_object[NameObject("/ViewerPreferences")] = show
    writer.page_mode = "/UseOutlines"
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def make_pdf(out: Path = OUT, site: Path = build.SITE) -> int:
    """Write the PDF; return how many pages it has.

    Raises:
        PrintError: there is no Chromium, or the book cannot be printed.
    """
    found = browser()
    if found is None:
        raise PrintError(NO_BROWSER)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            paper = finished(settled(chromium, site))
        finally:
            chromium.close()
    out.write_bytes(paper)
    return len(PdfReader(io.BytesIO(paper)).pages)


def main() -> int:
    """Build the book and print it; 0 when it went well."""
    return print_pages.command(make_pdf, OUT, "pages")


if __name__ == "__main__":
    sys.exit(main())
