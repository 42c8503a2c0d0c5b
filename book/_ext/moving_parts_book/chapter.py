"""Where a page is in its chapter, and the directive `chapter-pages`.

A chapter is a folder: `chapters/NN-slug/index.md` and its pages `1-….md`, `2-….md`.
A page's front matter says how long it takes (`minutes: 10`) and, for the index page,
what it is about (`about: One lost reply charges a rider twice.`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from movingparts.check import exercises

from .markup import make, text
from .plan import page_link

ROOT = Path(__file__).resolve().parents[3]
PAGE = re.compile(r"(?P<folder>chapters|labs)/(?P<slug>(?P<number>\d\d)-[^/]+)(/.*)?")
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
BESIDE_EXERCISES = 50  # minutes in a lab, as the tables of labs 01 and 02 count them


@dataclass(frozen=True)
class Place:
    """A page of a chapter, or its lab: `document` is its name in the book."""

    document: str
    folder: str
    slug: str
    number: str

    @property
    def chapter(self) -> str:
        """The index page of its chapter."""
        return f"chapters/{self.slug}/index"

    @property
    def lab(self) -> str:
        """The lab of its chapter."""
        return f"labs/{self.slug}"

    @property
    def pages(self) -> list[ChapterPage]:
        """The pages of its chapter, in order, without the index."""
        folder = ROOT / "chapters" / self.slug
        return [ChapterPage(file) for file in sorted(folder.glob("[0-9]*.md"))]

    @property
    def step(self) -> int | None:
        """Which page of its chapter it is, from 1; None for the index and the lab."""
        documents = [page.document for page in self.pages]
        here = self.document
        return documents.index(here) + 1 if here in documents else None


@dataclass(frozen=True)
class ChapterPage:
    """The source of a page of a chapter."""

    file: Path

    @property
    def document(self) -> str:
        """Its name in the book."""
        return self.file.relative_to(ROOT).with_suffix("").as_posix()

    @cached_property
    def front(self) -> dict[str, Any]:
        """What its front matter says."""
        front = self.file.read_text("utf-8").split("---\n", 2)[1]
        found: dict[str, Any] = yaml.safe_load(front)
        return found

    @property
    def title(self) -> str:
        """Its title."""
        found = TITLE.search(self.file.read_text("utf-8"))
        return found[1] if found else self.file.stem

    @property
    def minutes(self) -> int:
        """How long it takes to read."""
        return int(self.front["minutes"])

    @property
    def about(self) -> str:
        """What it is about, in a sentence."""
        return str(self.front["about"])


def place(document: str) -> Place | None:
    """Return where a page is in its chapter; None for a page of no chapter.

    >>> place("chapters/01-one-ride/2-calls").chapter
    'chapters/01-one-ride/index'
    >>> place("book/glossary") is None
    True
    """
    found = PAGE.fullmatch(document)
    if found is None:
        return None
    return Place(document, found["folder"], found["slug"], found["number"])


def duration(minutes: int) -> str:
    """Say how long something takes.

    >>> duration(10), duration(150)
    ('10 minutes', '2.5 hours')
    """
    if minutes < 90:
        return f"{minutes} minutes"
    return f"{round(minutes / 30) / 2:g} hours"


def lab_minutes(number: str) -> int:
    """Return how long a chapter's lab takes: its exercises, and all that it runs."""
    return sum(each.minutes for each in exercises(int(number))) + BESIDE_EXERCISES


class ChapterPages(SphinxDirective):
    """The map of a chapter: its pages and its lab, and how long each takes."""

    def run(self) -> list[nodes.Node]:
        """Return the map as a list."""
        here = place(self.env.docname)
        if here is None or not here.pages:
            raise self.error("chapter-pages belongs on the index page of a chapter.")
        steps = make("ol", class_="mp-pages")
        for page in here.pages:
            self.env.note_dependency(str(page.file))
            link = page_link(page.document, text(page.title))
            steps += self.entry(link, page.minutes, page.about)
        if here.lab in self.env.found_docs:
            found = exercises(int(here.number))
            about = (
                "The same services in a notebook, then on real sockets; with "
                f"{len(found)} exercises."
            )
            link = page_link(here.lab, text(f"Lab {here.number}"))
            steps += self.entry(link, lab_minutes(here.number), about)
        return [steps]

    def entry(self, link: nodes.Node, minutes: int, about: str) -> nodes.Node:
        """Return one line of the map."""
        time = make("span", text(f"{duration(minutes)}"), class_="mp-quiet")
        return make("li", make("p", link, text(" "), time), make("p", text(about)))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("chapter-pages", ChapterPages)
