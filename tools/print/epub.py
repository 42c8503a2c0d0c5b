"""Make an EPUB 3 of the whole book (`make epub`): book/_build/moving-parts.epub.

The same book gives the same bytes: files are in a fixed order and have one date,
that of SOURCE_DATE_EPOCH or the first day of the book's year. Sphinx's own builder was
tried: EPUBCheck finds 7 fatal errors and 58 others in what it makes of these pages, and
none in this.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, Comment, Tag

from tools.print import print_figures, print_pages
from tools.print.print_pages import PrintedPage
from tools.site import build

OUT = build.BUILD / "moving-parts.epub"
STYLES = build.BOOK / "_print"
STATIC = build.BOOK / "_static"
EPOCH = 1_767_225_600  # 2026-01-01: the date of a book whose build names none
IDENTIFIER = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'moving-parts')}"

# Names of SVG that HTML's parser writes in lower case.
SVG_NAMES = {
    name.lower(): name
    for name in (
        *("clipPath", "linearGradient", "radialGradient", "textPath", "foreignObject"),
        *("viewBox", "preserveAspectRatio", "textLength", "lengthAdjust", "refX"),
        *("refY", "markerWidth", "markerHeight", "markerUnits", "gradientUnits"),
        *("gradientTransform", "patternUnits", "clipPathUnits", "pathLength"),
    )
}
# What XHTML does not know: attributes of old HTML and of elements that changed names.
OLD_ATTRIBUTES = {"border", "align", "valign", "bgcolor", "type", "name", "summary"}
KEEPS_TYPE = {"ol", "style", "source"}
# The rules of book.css that color the city on the cover.
CITY_RULES = re.compile(
    r"^\.mp-(?:city text|city \.|water|river|streets|stations|bars|clock|bikes).*$",
    re.MULTILINE,
)

CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="EPUB/content.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""

ACCESS = """\
    <meta property="schema:accessMode">textual</meta>
    <meta property="schema:accessMode">visual</meta>
    <meta property="schema:accessModeSufficient">textual</meta>
    <meta property="schema:accessModeSufficient">textual,visual</meta>
    <meta property="schema:accessibilityFeature">alternativeText</meta>
    <meta property="schema:accessibilityFeature">longDescription</meta>
    <meta property="schema:accessibilityFeature">MathML</meta>
    <meta property="schema:accessibilityFeature">readingOrder</meta>
    <meta property="schema:accessibilityFeature">structuralNavigation</meta>
    <meta property="schema:accessibilityFeature">tableOfContents</meta>
    <meta property="schema:accessibilityFeature">displayTransformability</meta>
    <meta property="schema:accessibilityHazard">none</meta>
    <meta property="schema:accessibilitySummary">Each figure has a text alternative \
and a table of what it shows, formulas are MathML, and nothing moves or flashes.</meta>
"""

MEDIA_TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


def adapt(page: PrintedPage) -> None:
    """Turn an article into what XHTML, MathML and SVG allow, with links to files."""
    article = page.article
    for formula in article.select("span.katex"):
        math = formula.find("math")
        if isinstance(math, Tag):
            math["alttext"] = str(formula.get("aria-label", ""))
            formula.replace_with(math)
    for comment in article.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for link in article.select("a[href]"):
        link["href"] = file_link(str(link["href"]), page)
    for line in article.select(".page-title, h1"):
        if page.number:
            line.string = line.get_text().removeprefix(f"{page.number}: ").strip()
    for element in article.find_all(True):
        rename(element)


def rename(element: Tag) -> None:
    """Give an element of SVG its own case, and drop attributes of old HTML."""
    if element.find_parent("svg") or element.name == "svg":
        element.name = SVG_NAMES.get(element.name, element.name)
        element.attrs = {
            SVG_NAMES.get(key, key): value for key, value in element.attrs.items()
        }
        return
    if element.find_parent("math") or element.name == "math":
        return
    for name in OLD_ATTRIBUTES & element.attrs.keys():
        if not (name == "type" and element.name in KEEPS_TYPE):
            del element[name]


def file_link(href: str, page: PrintedPage) -> str:
    """Return where a link leads among the files of the book."""
    if not href.startswith("book:"):
        return href
    to, _, place = href.removeprefix("book:").partition("#")
    file = "" if to == page.key and place else f"{to}.xhtml"
    return f"{file}#{place}" if place else file


def xhtml(title: str, body: str, *, css: str = "book.css", kind: str = "") -> str:
    """Return a document of the book."""
    role = f' epub:type="{kind}"' if kind else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">\n'
        f"<head>\n<title>{escape(title)}</title>\n"
        f'<link rel="stylesheet" type="text/css" href="{css}"/>\n</head>\n'
        f"<body{role}>\n{body}\n</body>\n</html>\n"
    )


def written(page: PrintedPage) -> str:
    """Return a page of the book as a document."""
    above = ""
    if page.part:
        above += f'<p class="page-part">{escape(page.part)}</p>\n'
    if page.number:
        above += f'<p class="page-number">{page.number}</p>\n'
    kind = "chapter" if page.number else "bodymatter"
    return xhtml(page.title, above + page.article.decode_contents(), kind=kind)


def cover(picture: Tag) -> str:
    """Return the cover: the title above the city, as one drawing."""
    city = BeautifulSoup(str(picture), "html.parser").svg
    if city is None:
        raise ValueError("the first page has no picture for the cover")
    for element in city.find_all(True):
        rename(element)
    city.attrs = {"x": "46", "y": "330", "width": "908", "height": "845",
                  "viewBox": "0 0 908 845"}  # fmt: skip
    css = (STYLES / "book.css").read_text("utf-8")
    rules = CITY_RULES.findall(css)
    known = print_figures.light_palette()
    style = print_figures.without_variables("\n".join(rules), known)
    font = escape(known["--mp-font-sign"].strip(), quote=True)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1400" '
        'class="mp-city" role="img" aria-label="Moving Parts, a runnable book about '
        f'microservices: a map of a city with bikes on its streets"><style>{style}'
        '</style><rect width="1000" height="1400" fill="#ffffff"/>'
        f'<g fill="#2e3440" font-family="{font}">'
        '<text x="46" y="180" style="font-size:132px;font-weight:800;fill:#2e3440">'
        'Moving Parts</text><text x="50" y="250" style="font-size:37px;fill:#596273">'
        f"A runnable book about microservices</text></g>{city}</svg>"
    )


def navigation(pages: list[PrintedPage]) -> str:
    """Return the table of contents, with parts, pages and their sections."""
    items, open_part = [], False
    for page in pages:
        if page.part:
            items.append("</ol></li>" if open_part else "")
            items.append(f"<li><span>{escape(page.part)}</span><ol>")
            open_part = True
        items.append(nav_entry(page))
    items.append("</ol></li>" if open_part else "")
    first = pages[0].key
    body = (
        '<nav epub:type="toc" role="doc-toc" id="toc"><h1>Contents</h1>'
        f"<ol>{''.join(items)}</ol></nav>\n"
        '<nav epub:type="landmarks" hidden="hidden"><ol>'
        '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>'
        '<li><a epub:type="toc" href="#toc">Contents</a></li>'
        f'<li><a epub:type="bodymatter" href="{first}.xhtml">Start</a></li>'
        "</ol></nav>"
    )
    return xhtml("Contents", body)


def nav_entry(page: PrintedPage) -> str:
    """Return a page's line in the table of contents, with its sections."""
    title = page.title.removeprefix(f"{page.number}: ")
    words = f"{page.number}: {title}" if page.number else title
    lines = [
        f'<li><a href="{page.key}.xhtml#{heading.parent["id"]}">'
        f"{escape(heading.get_text().strip())}</a></li>"
        for heading in page.article.find_all("h2")
        if isinstance(heading.parent, Tag) and heading.parent.get("id")
    ]
    inner = f"<ol>{''.join(lines)}</ol>" if lines else ""
    return f'<li><a href="{page.key}.xhtml">{escape(words)}</a>{inner}</li>'


def stylesheet() -> str:
    """Return the one style sheet, with the fonts of the book and plain values."""
    sheets = (
        STATIC / "css/fonts.css",
        *(STATIC / "css/code.css", STYLES / "book.css", STYLES / "epub.css"),
    )
    css = "\n".join(sheet.read_text("utf-8") for sheet in sheets)
    css = css.replace("../vendor/fonts/", "fonts/")
    return print_figures.without_variables(css, print_figures.light_palette())


def files(site: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each file of the book, in reading order."""
    pages = print_pages.pages(site)
    picture = pages[0].article.select_one("figure.mp-city")
    drawn = cover(picture) if picture else ""
    if picture is not None:
        picture.extract()
    for page in pages:
        adapt(page)
    front = f'<div class="cover">{drawn}</div>'
    yield "cover.xhtml", xhtml("Moving Parts", front, kind="cover").encode()
    yield "nav.xhtml", navigation(pages).encode()
    for page in pages:
        yield f"{page.key}.xhtml", written(page).encode()
    yield "cover.svg", drawn.encode()
    yield "book.css", stylesheet().encode()
    for font in sorted((STATIC / "vendor/fonts").iterdir()):
        yield f"fonts/{font.name}", font.read_bytes()


def manifest_item(name: str, content: bytes) -> str:
    """Return a file's line in the manifest, with what it holds."""
    holds = {"nav.xhtml": ["nav"], "cover.svg": ["cover-image"]}.get(name, [])
    if name.endswith(".xhtml"):
        holds += ["svg"] if b"<svg" in content else []
        holds += ["mathml"] if b"<math" in content else []
    properties = f' properties="{" ".join(holds)}"' if holds else ""
    kind = MEDIA_TYPES[Path(name).suffix]
    return (
        f'    <item id="{item_id(name)}" href="{name}" media-type="{kind}"'
        f"{properties}/>"
    )


def item_id(name: str) -> str:
    """Return the id of a file in the manifest."""
    return "file-" + re.sub(r"[^\w-]", "-", name)


def package(contents: dict[str, bytes], date: datetime) -> str:
    """Return content.opf: what the book is, what it holds, and in which order."""
    settings = print_pages.settings()
    manifest = "\n".join(manifest_item(*each) for each in contents.items())
    spine = "\n".join(
        f'    <itemref idref="{item_id(name)}"/>'
        for name in contents
        if name.endswith(".xhtml")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="book-id" xml:lang="en">\n'
        '  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'    <dc:identifier id="book-id">{IDENTIFIER}</dc:identifier>\n'
        f"    <dc:title>{escape(str(settings['title']))}</dc:title>\n"
        "    <dc:language>en</dc:language>\n"
        f"    <dc:creator>{escape(str(settings['author']))}</dc:creator>\n"
        "    <dc:subject>Microservices</dc:subject>\n"
        "    <dc:rights>Text: CC BY 4.0. Code: MIT.</dc:rights>\n"
        f'    <meta property="dcterms:modified">{date:%Y-%m-%dT%H:%M:%SZ}</meta>\n'
        f"{ACCESS}  </metadata>\n"
        f"  <manifest>\n{manifest}\n  </manifest>\n"
        f"  <spine>\n{spine}\n  </spine>\n</package>\n"
    )


def make_epub(out: Path = OUT, site: Path = build.SITE) -> int:
    """Write the EPUB; return how many documents it has."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))
    date = datetime.fromtimestamp(epoch, UTC)
    contents = dict(files(site))
    rest = {
        "META-INF/container.xml": CONTAINER.encode(),
        "EPUB/content.opf": package(contents, date).encode(),
        **{f"EPUB/{name}": content for name, content in contents.items()},
    }
    with zipfile.ZipFile(out, "w") as archive:
        # First and not compressed: a reader knows the file by its bytes 30 to 58.
        add(archive, "mimetype", b"application/epub+zip", date, zipfile.ZIP_STORED)
        for name, content in rest.items():
            add(archive, name, content, date, zipfile.ZIP_DEFLATED)
    return sum(name.endswith(".xhtml") for name in contents)


def add(
    archive: zipfile.ZipFile, name: str, content: bytes, date: datetime, how: int
) -> None:
    """Add a file under the one date of the book."""
    entry = zipfile.ZipInfo(name, (date.year, date.month, date.day, 0, 0, 0))
    entry.compress_type, entry.external_attr, entry.create_system = how, 0o644 << 16, 3
    archive.writestr(entry, content)


def main() -> int:
    """Build the book and make the EPUB; 0 when it went well."""
    return print_pages.command(make_epub, OUT, "documents")


if __name__ == "__main__":
    sys.exit(main())
