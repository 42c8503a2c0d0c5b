"""The directives `book-plan` and `start-here`: the cover's table of contents.

Both read book/_ext/plan.yml. A chapter is linked when the table of contents lists it;
the others are named as coming.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from .markup import element, make, text

PLAN = Path(__file__).resolve().parent.parent / "plan.yml"


@dataclass(frozen=True)
class Chapter:
    """A chapter of the plan, written or not."""

    slug: str
    title: str
    does: str

    @property
    def number(self) -> str:
        """Its number, from its slug: chapters are not written in order."""
        return self.slug.partition("-")[0]

    @property
    def document(self) -> str:
        """Its index page."""
        return f"chapters/{self.slug}/index"


@dataclass(frozen=True)
class Part:
    """A part of the book."""

    title: str
    chapters: tuple[Chapter, ...]


def read_plan(file: Path = PLAN) -> tuple[Part, ...]:
    """Return the parts with their chapters.

    Raises ValueError that names the file when a part or a chapter lacks something.
    """
    loaded: Any = yaml.safe_load(file.read_text("utf-8"))
    try:
        return tuple(
            Part(part["title"], tuple(Chapter(**each) for each in part["chapters"]))
            for part in loaded["parts"]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{file}: each part needs 'title' and 'chapters', each chapter 'slug', "
            f"'title' and 'does' ({error})"
        ) from error


def page_link(document: str, *content: nodes.Node) -> addnodes.pending_xref:
    """Return a link to a page that Sphinx resolves once all pages are known."""
    inside = nodes.inline("", "", *content)
    return addnodes.pending_xref(
        "",
        inside,
        refdomain="std",
        reftype="doc",
        reftarget=f"/{document}",
        refexplicit=True,
        refwarn=True,
    )


class BookPlan(SphinxDirective):
    """Every part and chapter of the book, those to come included."""

    def run(self) -> list[nodes.Node]:
        """Return the plan as a list of lists."""
        self.env.note_dependency(str(PLAN))
        plan = make("div", class_="mp-plan")
        for part in read_plan():
            chapters = make("ol", class_="mp-chapters")
            for chapter in part.chapters:
                chapters += self.entry(chapter)
            heading = make("p", text(part.title), class_="mp-part-title")
            plan += make("div", heading, chapters, class_="mp-part")
        return [plan]

    def entry(self, chapter: Chapter) -> element:
        """Return one chapter: a link if it is written, else its name and 'coming'."""
        written = chapter.document in self.env.found_docs
        number = make("span", text(chapter.number), class_="mp-number")
        title = make("p", number, text(" "), class_="mp-chapter-title")
        if written:
            title += page_link(chapter.document, text(chapter.title))
        else:
            title += make("span", text(chapter.title))
            title += text(" ")
            title += make("span", text("coming"), class_="mp-coming")
        lab = f"labs/{chapter.slug}"
        does = make("p", text(chapter.does), class_="mp-does")
        if lab in self.env.found_docs:
            does += text(" ")
            does += page_link(lab, text(f"Lab {chapter.number}"))
        return make(
            "li",
            title,
            does,
            data_chapter=chapter.slug,
            data_written=str(written).lower(),
        )


class StartHere(SphinxDirective):
    """A link to the first chapter that is written, and to its lab."""

    def run(self) -> list[nodes.Node]:
        """Return the links, or nothing while no chapter is written."""
        self.env.note_dependency(str(PLAN))
        chapters = [chapter for part in read_plan() for chapter in part.chapters]
        for chapter in chapters:
            if chapter.document in self.env.found_docs:
                return [self.links(chapter)]
        return []

    def links(self, chapter: Chapter) -> element:
        """Return the links to a chapter and to its lab."""
        label = text(f"Chapter {chapter.number}: {chapter.title}")
        row = make("p", page_link(chapter.document, label), class_="mp-start")
        lab = f"labs/{chapter.slug}"
        if lab in self.env.found_docs:
            row += text(" ")
            row += page_link(lab, text(f"Lab {chapter.number}"))
        return row


def reread_cover(
    app: Sphinx,
    env: BuildEnvironment,
    added: set[str],
    changed: set[str],
    removed: set[str],
) -> list[str]:
    """Read the cover again when a chapter is added or removed."""
    return [app.config.root_doc] if added or removed else []


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("book-plan", BookPlan)
    app.add_directive("start-here", StartHere)
    app.connect("env-get-outdated", reread_cover)
