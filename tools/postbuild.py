"""Finish the built book: drop what pages do not need, mend the theme, check addresses.

`python -m tools.postbuild [SITE]` works on book/_build/dirhtml unless told otherwise.
It can be run again and changes nothing then. It fails when a page would load anything
from another host, and says which page and what.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tools.mend import mended

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "book" / "_build" / "dirhtml"

# 1.5 MB of icons as a script; ours are masks in book/_static/css/icons.css.
ICON_SCRIPT = re.compile(r'\s*<script[^>]*src="[^"]*fontawesome\.js[^"]*"></script>')
ICON_COMMENT = re.compile(r"\s*<!-- So that users can add custom icons -->")
# docutils calls the bibliography a list, which has no list items in it, and its entries
# by a role that no longer exists: a screen reader announces an empty list.
CITATION_ROLE = re.compile(
    r'<div(?: role="list")? class="(citation-list|citation)"( id="[^"]*")?'
    r'(?: role="doc-biblioentry")?>'
)
# Names, operators and spaces of code, which have the color of the text anyway
# (book/_static/css/code.css): a tenth of a chapter's page is such marks.
PLAIN_CODE = re.compile(r'<span(?: class="(?:n|o|w|nn|nb|nv|vm|x|go)")?>([^<]*)</span>')
LISTING = re.compile(r'<div class="highlight">.*?</div>', re.DOTALL)
UNUSED = (
    "_static/scripts/*.map",
    "_static/styles/*.map",
    "_static/scripts/fontawesome.js*",
    "_static/*webpack-macros.html",
)

OUTSIDE = re.compile(r"^\s*(?:https?:|wss?:|ftp:)?//", re.IGNORECASE)
IN_STYLE = re.compile(
    r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""", re.IGNORECASE
)
# Attributes whose address is fetched as the page is shown; a link's href is not.
FETCHED = frozenset({"src", "srcset", "poster", "data", "background", "xlink:href"})
LINKS_FETCHED = frozenset(
    {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect",
     "dns-prefetch", "apple-touch-icon", "manifest", "shortcut icon"}
)  # fmt: skip
NOT_FETCHED = frozenset({"a", "area"})


class Loads(HTMLParser):
    """The addresses that a page fetches when it is shown, as `addresses`."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses that this element fetches."""
        found = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "link":
            if found.get("rel", "").lower() in LINKS_FETCHED:
                self.addresses.append(found.get("href", ""))
        elif tag in {"use", "image"}:
            self.addresses.append(found.get("href", ""))
        if tag not in NOT_FETCHED:
            for name in sorted(FETCHED & found.keys()):
                pieces = found[name].split(",") if name == "srcset" else [found[name]]
                self.addresses.extend(
                    piece.split()[0] for piece in pieces if piece.split()
                )
        self.addresses.extend(IN_STYLE.findall(found.get("style", "")))

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Note the addresses that a style sheet in the page fetches."""
        if self._in_style:
            self.addresses.extend(IN_STYLE.findall(data))


def finished(page: str) -> str:
    """Return a page without what it does not need, and with its roles mended."""
    page = ICON_COMMENT.sub("", ICON_SCRIPT.sub("", page))
    page = LISTING.sub(lambda listing: PLAIN_CODE.sub(r"\1", listing[0]), page)
    return mended(CITATION_ROLE.sub(r'<div class="\1"\2>', page))


def finish_pages(site: Path) -> int:
    """Rewrite the pages that need it; return how many did."""
    changed = 0
    for file in sorted(site.rglob("*.html")):
        before = file.read_text("utf-8")
        after = finished(before)
        if after != before:
            file.write_text(after, "utf-8")
            changed += 1
    return changed


def remove_unused(site: Path) -> int:
    """Delete files that no page asks for; return the bytes that they took."""
    freed = 0
    for pattern in UNUSED:
        for file in sorted(site.glob(pattern)):
            freed += file.stat().st_size
            file.unlink()
    return freed


def outside_addresses(site: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file that would load something from another host, and what."""
    for file in sorted(site.rglob("*.html")):
        loads = Loads()
        loads.feed(file.read_text("utf-8"))
        for address in loads.addresses:
            if OUTSIDE.match(address):
                yield file, address
    for file in sorted(site.rglob("*.css")):
        for address in IN_STYLE.findall(file.read_text("utf-8")):
            yield file, address


def main(arguments: list[str]) -> int:
    """Finish the site, print one line, and return the exit code."""
    site = Path(arguments[0]).resolve() if arguments else SITE
    if not (site / "index.html").is_file():
        print(
            f"{site} holds no built book: build it first (make book).", file=sys.stderr
        )
        return 1
    changed, freed = finish_pages(site), remove_unused(site)
    outside = list(outside_addresses(site))
    for file, address in outside:
        print(
            f"{file.relative_to(site)} loads {address} from another host: vendor it "
            "(tools/vendor.py) or leave it out.",
            file=sys.stderr,
        )
    print(f"postbuild: {changed} pages finished, {freed // 1024} KiB removed")
    return 1 if outside else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
