"""Index the built book for its search, into `site/pagefind`."""

import subprocess
import sys
from pathlib import Path


class SearchError(Exception):
    """The book could not be indexed; the message says why."""


def index(site: Path) -> None:
    """Index the articles of all pages.

    Raises:
        SearchError: pagefind failed; its own words are the message.
    """
    command = [sys.executable, "-m", "pagefind", "--site", str(site)]
    command += ["--root-selector", "article.bd-article", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SearchError(f"{done.stdout}{done.stderr}")
