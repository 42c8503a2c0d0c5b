"""Index the built book for its search, into `site/pagefind`."""

import shutil
import subprocess
import sys
from pathlib import Path

# What stands in an article and is not searched: answers that a reader has to find,
# drawings, and what belongs to the page rather than to its text.
NOT_FOUND = (
    "svg",
    "moving-parts-player",
    ".mp-fold",
    ".headerlink",
    ".mp-plan",
    ".genindextable",
    "button",
    "[data-search-page]",
)
# Characters that are part of a name in code: `ask_pricing`, `world.serve`.
NAMES = "_."
# pagefind's own faces, and the words of languages that no page is written in.
NOT_ASKED_FOR = ("*-ui.*", "pagefind-highlight.js", "wasm.unknown.pagefind")


class SearchError(Exception):
    """The book could not be indexed; the message says why."""


def index(site: Path) -> None:
    """Index the articles of all pages.

    Raises:
        SearchError: pagefind failed; its own words are the message.
    """
    command = [sys.executable, "-m", "pagefind", "--site", str(site)]
    command += ["--root-selector", "article.bd-article"]
    command += ["--exclude-selectors", ", ".join(NOT_FOUND)]
    command += ["--include-characters", NAMES, "--quiet"]
    shutil.rmtree(site / "pagefind", ignore_errors=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SearchError(f"{done.stdout}{done.stderr}")
    for pattern in NOT_ASKED_FOR:
        for file in (site / "pagefind").glob(pattern):
            file.unlink()
