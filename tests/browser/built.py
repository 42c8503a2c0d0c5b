"""The built book in Chromium: what a page asks for, and what it complains of."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, Request

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "chapters/01-one-ride-two-services/1-one-lost-reply/"
CALLS = "chapters/01-one-ride-two-services/2-what-a-call-costs/"
BUILT = Path(os.environ.get("BOOK_SITE", ROOT / "book" / "_build" / "dirhtml"))


def addresses() -> list[str]:
    """Every page of the book, as its address below the root; "" is the cover."""
    files = sorted(BUILT.rglob("index.html"))
    folders = [file.parent.relative_to(BUILT).as_posix() for file in files]
    return [
        "" if folder == "." else f"{folder}/"
        for folder in folders
        if folder.partition("/")[0] != "lite"
    ]


class Visit:
    """A page, with what it asked for and what it complained of since it was opened."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.asked: list[Request] = []
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._record)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _asked(self, request: Request) -> None:
        self.asked.append(request)
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.outside.append(request.url)

    def _failed(self, request: Request) -> None:
        # Chromium asks for the icon last, and no more when the page is left.
        if "favicon" not in request.url:
            self.complaints.append(f"failed: {request.url}")

    def _answered(self, response: object) -> None:
        status = getattr(response, "status", 0)
        if status >= 400:
            self.complaints.append(f"{status}: {getattr(response, 'url', '')}")

    def _record(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.complaints.append(str(getattr(message, "text", ""))[:400])

    def go(self, path: str) -> Page:
        """Open a page of the book."""
        self.page.goto(self.base + path, wait_until="load")
        return self.page

    def names(self) -> list[str]:
        """The files of the site that were asked for, with "" for its cover."""
        urls = [
            request.url for request in self.asked if request.url.startswith(self.base)
        ]
        return [url.removeprefix(self.base).partition("?")[0] for url in urls]

    def problems(self) -> list[str]:
        """All that went to other hosts or wrong."""
        return [*self.outside, *self.complaints]
