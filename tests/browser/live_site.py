"""The built site with pages of a test's own, a strict policy, and an unkind network."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tools.site.serve import SiteHandler, SiteServer

INLINE = re.compile(r"<(script|style)(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)
TITLE = re.compile(r'<article class="bd-article.*?</h1>', re.DOTALL)
META_POLICY = re.compile(r"<meta[^>]*Content-Security-Policy[^>]*>", re.IGNORECASE)
CELL = """<div class="cell tag_live docutils container">
<div class="cell_input docutils container"><div class="highlight-ipython3 notranslate">
<div class="highlight"><pre>{source}
</pre></div></div></div>{output}</div>"""
OUTPUT = """<div class="cell_output docutils container">
<div class="output text_plain highlight-myst-ansi notranslate"><div class="highlight">
<pre>{text}
</pre></div></div></div>"""


def cell(source: str, built: str | None = None) -> str:
    """A live cell as the build writes it, with the output that it had there."""
    output = "" if built is None else OUTPUT.format(text=escape(built))
    return CELL.format(source=escape(source.strip("\n")), output=output)


def policy(page: str) -> str:
    """The strictest policy that lets a page's own inline scripts and styles in."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for tag, text in INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[tag].append(f"'sha256-{digest}'")
    return (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; worker-src 'self'; "
        f"script-src 'self' 'wasm-unsafe-eval' {' '.join(hashes['script'])}; "
        f"style-src 'self' {' '.join(hashes['style'])}; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'"
    )


class LiveSite(SiteServer):
    """A site that holds back, or refuses, the files whose names a test names."""

    def __init__(self, folder: Path, *, prefix: str = "/moving-parts/") -> None:
        super().__init__(folder, prefix=prefix)
        self.RequestHandlerClass = LiveHandler
        self.own: dict[str, str] = {}
        self.scripts: dict[str, str] = {}
        self.refused: set[str] = set()
        self.held: dict[str, threading.Event] = {}
        self.answers: list[tuple[str, int]] = []

    def page(self, *cells: str) -> str:
        """Put a page on the site that has these live cells; return its address."""
        frame = (self.folder / "worlds" / "index.html").read_text("utf-8")
        # The theme's own script wants the sections that its contents list.
        frame = frame.replace('class="cell tag_live', 'class="cell')
        body = "\n<p>Then:</p>\n".join(cells)
        page = TITLE.sub(lambda title: title[0] + body, frame, count=1)
        path = f"trial-{len(self.own)}/"
        self.own[f"{path}index.html"] = page
        return self.url + path

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Hold a file back for the length of the block."""
        self.held[name] = threading.Event()
        try:
            yield
        finally:
            self.held.pop(name).set()

    def asked(self, part: str) -> list[tuple[str, int]]:
        """The answers so far to requests whose path holds this."""
        return [each for each in self.answers if part in each[0]]


class LiveHandler(SiteHandler):
    """Answers as a static host, with the policy on every page of the book."""

    server: LiveSite

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Hold, refuse or answer."""
        path = urlsplit(self.path).path.removeprefix(self.server.prefix)
        for name, event in list(self.server.held.items()):
            if name in path:
                event.wait(60)
        if any(name in path for name in self.server.refused):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return None
        for name, text in self.server.scripts.items():
            if name in path:
                return self.send_text(text, "text/javascript")
        if not path or path.endswith("/"):
            path += "index.html"
        if path.endswith(".html"):
            return self.send_page(path)
        return super().send_head()

    def send_page(self, path: str) -> io.BytesIO | BinaryIO | None:
        """Answer with a page, and with its policy in a header."""
        file = self.server.folder / path
        page = self.server.own.get(path) or (
            file.read_text("utf-8") if file.is_file() else None
        )
        if page is None:
            return super().send_head()
        # The policy of this test is the stricter one.
        text = META_POLICY.sub("", page)
        return self.send_text(
            text, "text/html; charset=utf-8", {"Content-Security-Policy": policy(text)}
        )

    def send_text(
        self, text: str, kind: str, headers: dict[str, str] | None = None
    ) -> io.BytesIO:
        """Answer with a text of the test's own."""
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        return io.BytesIO(body)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Note what was answered."""
        path = urlsplit(self.path).path.removeprefix(self.server.prefix)
        self.server.answers.append((path, int(code)))
        super().send_response(code, message)
