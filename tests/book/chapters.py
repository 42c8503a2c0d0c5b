"""What the tests of chapters ask: a page's cells, its prose, and what its runs leave.

page = chapter("01-one-ride-two-services")
page.run()["lost_reply"].result
"""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import linecache
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cells import need_sockets
from tools.dev import siblings

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(
    r"^```\{code-cell\} ipython3\n((?::.*\n)*)((?:.*\n)*?)^```$", re.MULTILINE
)
FENCED = re.compile(
    r"^```\{(?:code-cell|literalinclude|exercise-card)\}.*?^```$",
    re.MULTILINE | re.DOTALL,
)
GLUE = """
def glue(name, value, display):
    glued[name] = value
"""

# What a chapter's cells leave behind, and in "glued" what its text speaks of.
Names = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """A code cell as it is written; `local` says whether it needs sockets."""

    source: str
    tags: frozenset[str]
    local: bool


@dataclass(frozen=True)
class Chapter:
    """A chapter as it is written."""

    name: str
    text: str

    @property
    def number(self) -> int:
        """Its number, by which its exercises are named."""
        return int(self.name[:2])

    @property
    def cells(self) -> list[Cell]:
        """Its code cells, in order."""
        found = CELL.findall(self.text)
        local = need_sockets(source for _, source in found)
        return [
            Cell(source, frozenset(re.findall(r"[\w-]+", options)) - {"tags"}, needs)
            for (options, source), needs in zip(found, local, strict=True)
        ]

    @property
    def words(self) -> int:
        """How many words its prose has, without code and without cards."""
        prose = FENCED.sub("", self.text.split("---", 2)[2])
        # What a reader sees of a role is its text, of a number or a citation one word.
        prose = re.sub(r"\{(?:glue(?::text)?|cite:[pt])\}`[^`]*`", "word", prose)
        prose = re.sub(r"\{\w+\}|<[\w -]+>(?=`)", "", prose)
        prose = re.sub(r"^(?::\w+:|[:`]{3}).*$", "", prose, flags=re.MULTILINE)
        return len(re.findall(r"\w[\w'.-]*", prose))

    @property
    def cards(self) -> list[str]:
        """The exercises that it shows, by id, in order."""
        return re.findall(r"^```\{exercise-card\} (\S+)$", self.text, re.MULTILINE)

    @property
    def sections(self) -> list[str]:
        """Its second-level headings, in order."""
        return re.findall(r"^## (.+)$", self.text, re.MULTILINE)

    @property
    def numbers(self) -> set[str]:
        """The names of the numbers that its text speaks of."""
        return set(re.findall(r"\{glue(?::text)?\}`(\w+)", self.text))

    def run(self) -> Names:
        """Run its cells but those that need sockets, once; return what they leave."""
        return _run(self)


def chapter(name: str) -> Chapter:
    """Return the chapter of that name."""
    return Chapter(name, (ROOT / "chapters" / f"{name}.md").read_text("utf-8"))


CHAPTERS = tuple(chapter(name) for name in siblings.chapters(ROOT))


@functools.cache
def _run(page: Chapter) -> Names:
    names: Names = {"glued": {}}
    with asyncio.Runner() as runner:
        for number, cell in enumerate(page.cells):
            if cell.local:
                continue
            source = cell.source.replace("from myst_nb import glue\n", GLUE)
            source = source.replace("../bench", (ROOT / "bench").as_posix())
            place = f"{page.name}.md, cell {number}"
            # So that a cell can read the source of what it or another one defines.
            lines = source.splitlines(keepends=True)
            linecache.cache[place] = (len(source), None, lines, place)
            code = compile(source, place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            left = eval(code, names)
            if inspect.iscoroutine(left):
                runner.run(left)
    return names
