"""What the tests of chapters ask: a page's cells, its prose, and what its runs leave.

found = page("01-one-ride-two-services/1-one-lost-reply")
found.run()["lost_reply"].result
"""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.cells import need_sockets
from tools.dev import chapters

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(
    r"^```\{code-cell\} ipython3\n((?::.*\n)*)((?:.*\n)*?)^```$", re.MULTILINE
)
FENCED = re.compile(
    r"^```\{(?:code-cell|literalinclude|exercise-card|chapter-pages)\}.*?^```$",
    re.MULTILINE | re.DOTALL,
)
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`")
NOT_SEEN = {"remove-cell", "remove-input", "hide-input"}
GLUES = "from movingparts.draw.glue import glue\n"
GLUE = """
def glue(name, value):
    glued[name] = value
"""

# What a page's cells leave behind, and in "glued" what its text speaks of.
Names = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """A code cell as it is written; `local` says whether it needs sockets."""

    source: str
    tags: frozenset[str]
    local: bool

    @property
    def seen(self) -> bool:
        """Whether a reader sees its code without asking for it."""
        return not NOT_SEEN & self.tags


@dataclass(frozen=True)
class Page:
    """A page of a chapter as it is written: its name is "NN-slug/1-title"."""

    name: str
    text: str

    @property
    def chapter(self) -> str:
        """The name of its chapter."""
        return self.name.partition("/")[0]

    @property
    def number(self) -> int:
        """The number of its chapter, by which its exercises are named."""
        return int(self.name[:2])

    @property
    def is_index(self) -> bool:
        """Whether it is the page that says what is on the others of its chapter."""
        return self.name.endswith("/index")

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
    def imported(self) -> set[str]:
        """The names that the cells which a reader sees import from the package."""
        return {
            alias.name
            for cell in self.cells
            if cell.seen
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.ImportFrom) and "movingparts" in str(node.module)
            for alias in node.names
        }

    @property
    def in_a_row(self) -> int:
        """The most cells that a reader sees with no prose between them."""
        pieces = re.split(f"({CELL.pattern})", self.text, flags=re.MULTILINE)
        # Of each cell: the whole, its options, its source; then the text after it.
        seen: list[bool] = []
        for at in range(1, len(pieces), 4):
            if not NOT_SEEN & set(re.findall(r"[\w-]+", pieces[at + 1])):
                seen.append(True)
            if pieces[at + 3].strip():
                seen.append(False)
        return max(
            (len(list(run)) for is_cell, run in groupby(seen) if is_cell), default=0
        )

    @property
    def terms(self) -> list[str]:
        """The terms of the glossary that it names, in order."""
        return [each.lower() for each in TERM.findall(self.text)]

    @property
    def words(self) -> int:
        """How many words its prose has, without code and without cards."""
        return words(FENCED.sub("", self.text.split("---", 2)[2]))

    @property
    def before_it_breaks(self) -> int:
        """How many words a reader meets before the first cell that shows something."""
        before = self.text.partition("```{code-cell}")[0]
        return words(before.split("---", 2)[2])

    @property
    def cards(self) -> list[str]:
        """The exercises that it shows, by id, in order."""
        return re.findall(r"^```\{exercise-card\} (\S+)$", self.text, re.MULTILINE)

    @property
    def sections(self) -> list[str]:
        """Its second-level headings, in order."""
        return re.findall(r"^## (.+)$", self.text, re.MULTILINE)

    def section(self, title: str) -> str:
        """The text of one of its sections."""
        after = self.text.partition(f"\n## {title}\n")[2]
        return after.partition("\n## ")[0]

    @property
    def numbers(self) -> set[str]:
        """The names of the numbers that its text speaks of."""
        return set(re.findall(r"\{glue(?::text)?\}`(\w+)", self.text))

    def run(self) -> Names:
        """Run its cells but those that need sockets, once; return what they leave."""
        return _run(self)


def words(prose: str) -> int:
    """Count words as a reader sees them: a number or a citation is one."""
    prose = re.sub(r"\{(?:glue(?::text)?|cite:[pt])\}`[^`]*`", "word", prose)
    prose = re.sub(r"\{\w+\}|<[\w -]+>(?=`)", "", prose)
    prose = re.sub(r"^(?::\w+:|[:`]{3}).*$", "", prose, flags=re.MULTILINE)
    return len(re.findall(r"\w[\w'.-]*", prose))


def page(name: str) -> Page:
    """Return the page of that name."""
    return Page(name, (ROOT / "chapters" / f"{name}.md").read_text("utf-8"))


def written() -> Iterator[Page]:
    """Yield every page of every chapter, in reading order."""
    for chapter in chapters.names(ROOT):
        for file in chapters.pages(ROOT, chapter):
            yield page(f"{chapter}/{file.stem}")


CHAPTERS = tuple(chapters.names(ROOT))
PAGES = tuple(written())


@functools.cache
def _run(page: Page) -> Names:
    names: Names = {"glued": {}}
    with asyncio.Runner() as runner:
        for number, cell in enumerate(page.cells):
            if cell.local:
                continue
            source = cell.source.replace(
                "from movingparts.draw.glue import glue\n", GLUE
            )
            source = source.replace("../../bench", (ROOT / "bench").as_posix())
            place = f"{page.name}.md, cell {number}"
            # So that a cell can read the source of what it or another one defines.
            lines = source.splitlines(keepends=True)
            linecache.cache[place] = (len(source), None, lines, place)
            code = compile(source, place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            left = eval(code, names)
            if inspect.iscoroutine(left):
                runner.run(left)
    return names
