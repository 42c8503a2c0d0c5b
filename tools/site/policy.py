"""The content security policy of each page of the built book.

A page runs the site's own scripts and those few of its own text whose hashes are in
its policy; its style attributes become classes of one style sheet, since a policy
that lets attributes through lets everybody's through. JupyterLite (`lite/`) compiles
code as it runs and inserts its own styles: its pages have a wider policy, which
tools/browser/lite.py gives them, and the chapters never frame or import anything of it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

META = '<meta http-equiv="Content-Security-Policy" content="{}">'
WRITTEN = re.compile(r'\s*<meta http-equiv="Content-Security-Policy"[^>]*>')
# The encoding comes first: a browser looks for it in the first kilobyte alone.
BEFORE = re.compile(r'<meta charset="[^"]*"\s*/?>|<head\b[^>]*>(?!\s*<meta charset)')
# Text that no browser runs: data for scripts that are the site's own.
DATA_TYPES = frozenset({"application/json", "application/ld+json"})
TAG = re.compile(r"""<[a-zA-Z](?:[^>"']|"[^"]*"|'[^']*')*>""")
ATTRIBUTE = re.compile(r"""\s+([^\s"'<>/=]+)(?:=("[^"]*"|'[^']*'|[^\s"'>]+))?""")
# What is no markup of the page, however much it looks like it.
TEXT = re.compile(r"<(script|style|textarea|title)\b.*?</\1>|<!--.*?-->", re.DOTALL)


class PolicyError(Exception):
    """A page holds what its policy would block; the message says what."""


class Inline(HTMLParser):
    """The scripts and style sheets in a page's text, and what must not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.refused: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes, and whether its text is to be hashed."""
        found = {name: value or "" for name, value in attrs}
        self._into = None
        if tag == "style":
            self._into = self.styles
        elif tag == "script" and "src" not in found:
            data = found.get("type", "") in DATA_TYPES
            self._into = None if data else self.scripts
        if self._into is not None:
            self._into.append("")
        for name, value in found.items():
            if name.startswith("on"):
                self.refused.append(f"<{tag} {name}=…>, a handler in the markup")
            elif name == "style":
                self.refused.append(f"<{tag} style=…>, a style attribute")
            elif value.strip().lower().startswith("javascript:"):
                self.refused.append(f"<{tag} {name}=javascript:…>, a script as address")
        if tag in {"base", "object", "embed", "iframe"}:
            self.refused.append(f"<{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>` is `<br>`: the slash means nothing in HTML."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Leave a script or a style sheet."""
        if tag in {"script", "style"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        """Keep the text of a script or a style sheet unchanged."""
        if self._into is not None:
            self._into[-1] += data


def digest(text: str) -> str:
    """Return a text's hash as a policy names it.

    >>> digest("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    reported = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(reported).decode('ascii')}'"


def policy(page: str) -> str:
    """Return the policy of a page.

    Raises:
        PolicyError: the page holds something that no hash can let through.
    """
    inline = Inline()
    inline.feed(page)
    inline.close()
    if inline.refused:
        raise PolicyError(inline.refused[0])
    scripts = sorted({digest(text) for text in inline.scripts})
    styles = sorted({digest(text) for text in inline.styles})
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self' 'wasm-unsafe-eval'", *scripts)),
            " ".join(("style-src 'self'", *styles)),
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


def with_policy(page: str) -> str:
    """Return a page with its policy as early in its head as it can stand.

    Raises:
        PolicyError: the page holds something that no hash can let through.
    """
    page = without_style_attributes(WRITTEN.sub("", page))
    meta = META.format(policy(page))
    before = BEFORE.search(page)
    if before is None:
        return f"{meta}\n{page}"
    return f"{page[: before.end()]}\n    {meta}{page[before.end() :]}"


def without_style_attributes(page: str) -> str:
    """Move the style attributes of a page into one style sheet, as classes.

    A class counts there as much as an id does, so that it wins over the page's other
    rules as the attribute did.
    """
    rules: dict[str, str] = {}
    pieces, end = [], 0
    for text in TEXT.finditer(page):
        pieces += [TAG.sub(lambda tag: _moved(tag[0], rules), page[end : text.start()])]
        pieces += [text[0]]
        end = text.end()
    pieces.append(TAG.sub(lambda tag: _moved(tag[0], rules), page[end:]))
    if not rules:
        return page
    sheet = "".join(f":is(#\\_,.{name}){{{rule}}}" for rule, name in rules.items())
    style, text = f"<style data-attributes>{sheet}</style>\n", "".join(pieces)
    return (
        text.replace("</head>", f"{style}</head>", 1)
        if "</head>" in text
        else style + text
    )


def _moved(tag: str, rules: dict[str, str]) -> str:
    """Return a start tag with a class in place of its style attribute."""
    found = {each[1].lower(): each for each in ATTRIBUTE.finditer(tag)}
    style = found.get("style")
    if style is None:
        return tag
    rule = unescape((style[2] or "").strip("\"'")).strip().rstrip(";")
    if not rule:
        return tag[: style.start()] + tag[style.end() :]
    if re.search(r"[{}<]", rule):
        raise PolicyError(f"a style attribute that is more than a style: {rule[:60]}")
    name = rules.setdefault(rule, f"mp{len(rules)}")
    named = found.get("class")
    if named is None:
        return f'{tag[: style.start()]} class="{name}"{tag[style.end() :]}'
    there = (named[2] or "").strip("\"'")
    both = f' class="{there} {name}"'
    first, second = sorted((style, named), key=lambda each: each.start())
    before, after = ("" if each is style else both for each in (first, second))
    return (
        f"{tag[: first.start()]}{before}{tag[first.end() : second.start()]}{after}"
        f"{tag[second.end() :]}"
    )
