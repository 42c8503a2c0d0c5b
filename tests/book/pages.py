"""What the tests of the book ask: its pages, their sources, and what these hold."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from bs4 import BeautifulSoup, Tag
from jupyter_cache import get_cache

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"^(`{3,}|:{3,})\{code-cell\}", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page of the table of contents."""

    document: str

    def address(self) -> str:
        """Its address from the root of the site: "" for the cover."""
        if self.document == table_of_contents()["root"]:
            return ""
        return self.document.removeprefix("book/").removesuffix("/index") + "/"

    def file(self, site: Path) -> Path:
        """The built page."""
        return site / self.address() / "index.html"

    def source(self) -> Path:
        """The file that it is written in."""
        for suffix in (".md", ".ipynb"):
            source = ROOT / f"{self.document}{suffix}"
            if source.is_file():
                return source
        raise FileNotFoundError(f"{self.document} is in _toc.yml, but in no file")

    def cells(self, site: Path) -> list[dict[str, Any]]:
        """The code cells that its built page is to show, as they were run."""
        source = self.source()
        if source.suffix == ".md":
            if not CELL.search(source.read_text("utf-8")):
                return []
            notebook = executed(site, self.document)
        else:
            notebook = json.loads(source.read_text("utf-8"))
        return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@functools.cache
def executed(site: Path, document: str) -> dict[str, Any]:
    """The notebook of a page as the build ran it, with its outputs.

    What the build writes lacks the outputs where they came from its cache.
    """
    file = site.parent / "jupyter_execute" / f"{document}.ipynb"
    cache = get_cache(site.parent / ".jupyter_cache")
    notebook: dict[str, Any]
    _, notebook = cache.merge_match_into_notebook(nbformat.read(file, as_version=4))
    return notebook


@functools.cache
def table_of_contents() -> dict[str, Any]:
    """The source of the table of contents."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "book/_toc.yml").read_text("utf-8"))
    return loaded


def documents(part: object) -> Iterator[str]:
    """Yield every page that the table of contents names, in its order."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("root", "file"):
                yield value
            else:
                yield from documents(value)
    elif isinstance(part, list):
        for each in part:
            yield from documents(each)


PAGES = tuple(Page(document) for document in documents(table_of_contents()))


@functools.cache
def read(file: Path) -> BeautifulSoup:
    """A built page, parsed once for all tests, which only read in it."""
    return BeautifulSoup(file.read_text("utf-8"), "html.parser")


def article(file: Path) -> Tag:
    """The text of a built page, without the frame around it."""
    found = read(file).select_one("article.bd-article")
    assert found is not None, f"{file} has no article"
    return found


def source_of(cell: dict[str, Any]) -> str:
    """The content of a cell."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def plain_outputs(cell: dict[str, Any]) -> list[str]:
    """The outputs of a cell that a page shows as text."""
    texts = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            text = output["text"]
        elif set(output.get("data", {})) == {"text/plain"}:
            text = output["data"]["text/plain"]
        else:
            continue
        texts.append(text if isinstance(text, str) else "".join(text))
    return texts
