"""Index the built book for its search, into `site/pagefind`."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# What is in an article and is not searched: answers that a reader has to find,
# drawings, and what belongs to the page rather than to its text.
NOT_SEARCHED = (
    "svg",
    "moving-parts-player",
    "moving-parts-knob",
    "moving-parts-board",
    ".mp-fold",
    ".mp-plan",
    ".mp-kicker",
    ".mp-meaning",
    ".headerlink",
    ".genindextable",
    "button",
    "[data-search-page]",
)
# Places in a page, as pagefind knows them, are headings with an id; here the section
# around the heading has it.
SECTION = re.compile(
    r'<section\b([^>]*?) id="([^"]+)"([^>]*)>'
    r'(\s*(?:<span id="[^"]*"></span>\s*)*)<(h[2-6])\b'
)
# pagefind's own faces, and the words of languages that no page is written in.
NOT_ASKED_FOR = ("*-ui.*", "pagefind-highlight.js", "wasm.unknown.pagefind")


class SearchError(Exception):
    """The book could not be indexed; the message says why."""


# A term of the glossary counts more than a page that uses it; 10 is pagefind's most.
TERM, FIRST = '<dt id="term-', '<dt data-pagefind-weight="10" id="term-'


def to_be_indexed(page: str) -> str:
    """Return a page whose headings have the ids of their sections.

    >>> to_be_indexed('<section id="a"><h2>A</h2></section>')
    '<section><h2 id="a">A</h2></section>'
    """
    page = page.replace(TERM, FIRST)
    return SECTION.sub(r'<section\1\3>\4<\5 id="\2"', page)


def index(site: Path) -> None:
    """Index the articles of all pages but JupyterLite's.

    Raises:
        SearchError: pagefind failed; its own words are the message.
    """
    target = site / "pagefind"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(site.rglob("index.html")):
            path = file.relative_to(site)
            if path.parts[0] != "lite":
                copy = Path(folder) / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(to_be_indexed(file.read_text("utf-8")), "utf-8")
        run(Path(folder), target)
    for pattern in NOT_ASKED_FOR:
        for file in target.glob(pattern):
            file.unlink()


def run(site: Path, target: Path) -> None:
    """Run pagefind over the pages of a folder.

    Raises:
        SearchError: it failed; its own words are the message.
    """
    command = [sys.executable, "-m", "pagefind", "--site", str(site), "--quiet"]
    command += ["--output-path", str(target), "--root-selector", "article.bd-article"]
    command += ["--exclude-selectors", ", ".join(NOT_SEARCHED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SearchError(f"{done.stdout}{done.stderr}")
