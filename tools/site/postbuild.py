"""Finish the built book: drop what pages don't need, repair the theme, check addresses.

`python -m tools.site.postbuild [SITE]` works on book/_build/dirhtml unless given
otherwise. It can be run again and changes nothing then. Each page but
JupyterLite's gets its content security policy (tools/site/policy.py). It fails when a
page would load anything from another host, or holds what its policy would block, and
says which page and what.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tools.site import policy, stylesheets
from tools.site.repair import repaired

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "book" / "_build" / "dirhtml"

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
# Comments of templates, blank lines between tags: nothing of it is shown.
COMMENT = re.compile(r"<!--(?!\[).*?-->", re.DOTALL)
BLANK = re.compile(r"\n\s*\n")
KEPT_AS_IT_IS = re.compile(
    r"<(pre|script|style|textarea)\b.*?</\1>", re.DOTALL | re.IGNORECASE
)
# Files of Sphinx, its theme and its extensions that no page asks for: scripts whose
# part book/_js/frame.js plays, icons as a script and as fonts, translations, the
# pictures of services that the book does not offer.
UNUSED = (
    "_static/*.css",
    "_static/*.js",
    "_static/*.png",
    "_static/*-*.svg",
    "_static/*webpack-macros.html",
    "_static/images",
    "_static/locales",
    "_static/scripts",
    "_static/styles/*.map",
)
# A script or a style sheet with a query, which distinguishes one version from the
# next: so it has to be made of what the file holds now.
VERSIONED = re.compile(r'(?<=[\s"])(href|src)="([^"?#]*\.(?:css|js))\?[^"]*"')

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
    """Return a page without what it does not need, and with its roles repaired."""
    page = LISTING.sub(lambda listing: PLAIN_CODE.sub(r"\1", listing[0]), page)
    return without_blanks(repaired(CITATION_ROLE.sub(r'<div class="\1"\2>', page)))


def without_blanks(page: str) -> str:
    """Return a page without comments and blank lines, but for code."""
    pieces, end = [], 0
    for code in KEPT_AS_IT_IS.finditer(page):
        pieces += [_tight(page[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _tight(page[end:])])


def _tight(markup: str) -> str:
    return BLANK.sub("\n", COMMENT.sub("", markup))


def versioned(page: str, file: Path) -> str:
    """Return a page whose scripts and style sheets are named with what they hold."""

    def name(found: re.Match[str]) -> str:
        target = file.parent / found[2]
        if not target.is_file():
            return found[0]
        reported = hashlib.sha256(target.read_bytes()).hexdigest()[:8]
        return f'{found[1]}="{found[2]}?v={reported}"'

    return VERSIONED.sub(name, page)


def pages(site: Path) -> list[Path]:
    """Return the pages of the book itself, without JupyterLite's."""
    found = sorted(site.rglob("*.html"))
    return [file for file in found if file.relative_to(site).parts[0] != "lite"]


def finish_pages(site: Path) -> tuple[int, list[str]]:
    """Rewrite the pages that need it.

    Returns how many did, and a sentence on each that holds what its policy blocks.
    """
    changed, refused = 0, []
    for file in pages(site):
        before = file.read_text("utf-8")
        after = versioned(finished(before), file)
        try:
            after = policy.with_policy(after)
        except policy.PolicyError as error:
            refused.append(f"{file.relative_to(site)} holds {error}: it would not work")
        if after != before:
            file.write_text(after, "utf-8")
            changed += 1
    return changed, refused


def remove_unused(site: Path) -> int:
    """Delete files that no page asks for; return the bytes that they took."""
    named = [*pages(site), *site.glob("_static/**/*.css")]
    text = "".join(file.read_text("utf-8") for file in named)
    freed = 0
    for pattern in UNUSED:
        for place in sorted(site.glob(pattern)):
            if (f"_static/{place.name}/" if place.is_dir() else place.name) in text:
                continue
            freed += sum(f.stat().st_size for f in [place, *place.rglob("*")])
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()
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
    freed = stylesheets.trim(site) + remove_unused(site)
    changed, refused = finish_pages(site)
    for sentence in refused:
        print(f"{sentence} under the page's policy.", file=sys.stderr)
    outside = list(outside_addresses(site))
    for file, address in outside:
        print(
            f"{file.relative_to(site)} loads {address} from another host: vendor it "
            "(tools/site/vendor.py) or leave it out.",
            file=sys.stderr,
        )
    print(f"postbuild: {changed} pages finished, {freed // 1024} KiB removed")
    return 1 if outside or refused else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
