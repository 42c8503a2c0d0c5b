"""End a browser that does not answer any more, and go on with another.

Playwright limits most of what it waits for, but not `evaluate`: a page that stops
running its scripts would hold a test forever. `watched` kills the browser of a test
that takes too long, so the test fails with Playwright's own "has been closed", and
`Restarted` starts another one for the tests after it.
"""

from __future__ import annotations

import faulthandler
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Error

NOTES = Path(__file__).parents[2] / ".movingparts/test/hung.txt"
LIMIT = 240.0  # seconds; the longest test takes about 60 on two busy cores


def closed(error: BaseException) -> bool:
    """Whether this is Playwright's word for a browser or a page that is gone."""
    return isinstance(error, Error) and "closed" in str(error)


def browsers() -> list[psutil.Process]:
    """All processes of the browsers that this process has started."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in child.name() or "headless" in child.name():
                found.append(child)
    return found


def kill(found: Callable[[], list[psutil.Process]]) -> None:
    """Kill these processes, and mind none that is already gone."""
    for process in found():
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def watched(
    what: str,
    *,
    limit: float = LIMIT,
    found: Callable[[], list[psutil.Process]] = browsers,
    file: Path = NOTES,
) -> Iterator[None]:
    """Kill the browsers that are found if the block takes more than `limit` seconds.

    Says so in `file`, with what each thread was doing; `make test` prints them.
    """

    def end() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as notes:
            print(f"{what} took {limit:.0f} s: its browser is killed", file=notes)
            notes.flush()
            faulthandler.dump_traceback(notes)
        kill(found)

    timer = threading.Timer(limit, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Restarted:
    """A `Browser` that is started anew when it is gone."""

    def __init__(self, launch: Callable[[], Browser]) -> None:
        self._launch = launch
        self._browser = launch()

    def __getattr__(self, name: str) -> Any:
        if not self._browser.is_connected():
            self._browser = self._launch()
        return getattr(self._browser, name)
