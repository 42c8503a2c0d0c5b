"""One docutils node for the HTML elements that docutils has no node for."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

INLINE = frozenset({"a", "em", "span", "strong"})
HOLDS_TEXT = INLINE | {"p", "summary"}


class element(nodes.General, nodes.Element):
    """An HTML element: `tag` names it, `html` holds its attributes.

    Other builders (print, text) render its children alone.
    """


class phrase(element, nodes.TextElement):
    """An HTML element that holds text: docutils allows links in such nodes only."""


def make(tag: str, *children: nodes.Node, **attributes: str | None) -> element:
    """Return an element; `class_` is its class, underscores become hyphens.

    An attribute that is None is left out, one that is "" is written without a value.
    """
    html = {
        name.rstrip("_").replace("_", "-"): value
        for name, value in attributes.items()
        if value is not None
    }
    if tag in HOLDS_TEXT:
        return phrase("", "", *children, tag=tag, html=html)
    return element("", *children, tag=tag, html=html)


def text(content: str) -> nodes.Text:
    """Return plain text as a node."""
    return nodes.Text(content)


def start_tag(node: element) -> str:
    """Return the opening tag with its attributes in the order they were given."""
    parts = [node["tag"]]
    attributes: dict[str, str] = dict(node["html"])
    if node["ids"]:
        attributes = {"id": node["ids"][0], **attributes}
    for name, value in attributes.items():
        parts.append(f'{name}="{escape(value)}"' if value else name)
    return f"<{' '.join(parts)}>"


def _visit(translator: HTML5Translator, node: element) -> None:
    translator.body.append(start_tag(node))


def _depart(translator: HTML5Translator, node: element) -> None:
    end = "" if node["tag"] in INLINE else "\n"
    translator.body.append(f"</{node['tag']}>{end}")


def _pass(translator: Any, node: element) -> None:
    """Render nothing of the element itself."""


def setup(app: Sphinx) -> None:
    """Register the nodes."""
    for node in (element, phrase):
        app.add_node(
            node,
            html=(_visit, _depart),
            latex=(_pass, _pass),
            text=(_pass, _pass),
            man=(_pass, _pass),
            texinfo=(_pass, _pass),
        )
