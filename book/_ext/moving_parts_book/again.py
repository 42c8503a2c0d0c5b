"""The directive `again`: a question of an earlier page, asked once more.

    ```{again} 01-methods
    ```

stands in a `quiz` (or alone), repeats the question with its options, answer and
explanations, and links to where it was first asked. A reader's answer counts for the
question, wherever it was given. An unknown id, or one of a later page, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join, logging
from sphinx.util.docutils import SphinxDirective

from .markup import element, make, text
from .plan import page_link
from .progress import collected, page_title, reading_order

logger = logging.getLogger(__name__)


class asked_again(nodes.General, nodes.Element):  # noqa: N801  docutils names nodes so
    """Where a question of another page will stand."""


class Again(SphinxDirective):
    """A question of an earlier page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return its place, which is filled once all pages are known."""
        node = asked_again(question=str(self.arguments[0]))
        self.set_source_info(node)
        return [node]


def home_of(env: BuildEnvironment, question: str) -> str | None:
    """Return the page that asks a question first, if there is one."""
    for page, items in collected(env).items():
        for item in items:
            if (item["kind"], item["id"]) == ("question", question):
                return page
    return None


def refusal(env: BuildEnvironment, question: str, page: str) -> str | None:
    """Return why a page may not repeat a question, or None where it may."""
    home = home_of(env, question)
    if home is None:
        known = sorted(
            item["id"]
            for items in collected(env).values()
            for item in items
            if item["kind"] == "question"
        )
        named = ", ".join(known) or "none"
        return f"again {question!r}: no page asks it. There are: {named}."
    if home == page:
        return (
            f"again {question!r}: this very page asks it. Repeat a question of an "
            "earlier page."
        )
    order = reading_order(env)
    if order.index(home) > order.index(page):
        return (
            f"again {question!r}: {home} asks it, and comes later. Repeat a question "
            "that its reader has met."
        )
    return None


class RepeatQuestions(SphinxPostTransform):
    """Put each repeated question in its place, before links are resolved."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        """Fill every place of this page."""
        for place in list(self.document.findall(asked_again)):
            why = refusal(self.env, place["question"], self.env.docname)
            home = home_of(self.env, place["question"])
            if why or home is None:
                logger.warning("%s", why, location=place)
                place.parent.remove(place)
            else:
                place.replace_self(self.repeated(place["question"], home))

    def repeated(self, question: str, home: str) -> element:
        """Return a copy of a question that belongs on this page."""
        tree = self.env.get_doctree(home)
        found = next(
            node
            for node in tree.findall(element)
            if node["html"].get("data-kind") == "question"
            and node["html"].get("data-question") == question
        )
        copy: element = found.deepcopy()
        for node in copy.findall(nodes.Element):
            if not isinstance(node, element):
                node["ids"] = []  # docutils counts by page: this one counts its own
        for link in copy.findall(addnodes.pending_xref):
            moved(link, home, self.env.docname)
        copy["html"]["data-again"] = "true"
        title = text(page_title(self.env, home))
        link = page_link(home, title)
        link["refdoc"] = self.env.docname
        copy += make("p", text("First asked in "), link, text("."), class_="mp-from")
        return copy


def moved(link: addnodes.pending_xref, home: str, page: str) -> None:
    """Let a link that was written on one page lead from another to the same place."""
    if link.get("reftype") in ("doc", "download"):
        target = link["reftarget"]
        link["reftarget"] = "/" + docname_join(home, target).lstrip("/")
    link["refdoc"] = page


def note(app: Sphinx, document: nodes.document) -> None:
    """Note that a page repeats a question."""
    repeating(app.env).discard(app.env.docname)
    if next(iter(document.findall(asked_again)), None) is not None:
        repeating(app.env).add(app.env.docname)


def repeating(env: BuildEnvironment) -> set[str]:
    """Return the pages that repeat a question."""
    pages: set[str] = vars(env).setdefault("moving_parts_again", set())
    return pages


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read anew, or gone."""
    repeating(env).discard(docname)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what another process has read."""
    repeating(env).update(repeating(other) & set(docnames))


def rewrite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write the pages that repeat a question anew: the question may have changed."""
    return sorted(repeating(env))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_node(asked_again)
    app.add_directive("again", Again)
    app.add_post_transform(RepeatQuestions)
    app.connect("doctree-read", note)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite)
