"""A short book for the tests of what is printed: the cover, a chapter, the glossary.

How a page is prepared for paper is tested with all pages (tests/book/test_epub.py);
what is done with the whole of them needs only a few.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tools.print import print_pages

PAGES = 2  # of the chapter, before its lab
REFERENCE = {"book/glossary", "book/bibliography"}


@contextmanager
def short_book(folder: Path) -> Iterator[None]:
    """Let what is printed be short, while this lasts."""
    toc = yaml.safe_load(print_pages.TOC.read_text("utf-8"))
    first, last = toc["parts"][0], toc["parts"][-1]
    chapter = first["chapters"][0]
    sections = chapter["sections"]
    chapter["sections"] = [*sections[:PAGES], sections[-1]]
    first["chapters"] = [chapter]
    last["chapters"] = [each for each in last["chapters"] if each["file"] in REFERENCE]
    short = folder / "_toc.yml"
    short.write_text(yaml.safe_dump({**toc, "parts": [first, last]}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(print_pages, "TOC", short)
        yield
