"""Live cells: pages that hold some load the script that runs them in the browser."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

LIVE_CELL = 'class="cell tag_live'
SCRIPT = "vendor/js/live.js"


def prepare_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Load the script where there is a live cell.

    It stands before the player's: it takes the outputs down as they were built.
    """
    if LIVE_CELL in (context.get("body") or ""):
        app.add_js_file(SCRIPT, type="module", priority=690)


def setup(app: Sphinx) -> None:
    """Connect to the build."""
    app.connect("html-page-context", prepare_page)
