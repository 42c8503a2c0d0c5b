"""How the browser tests find and start Chromium."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from typing import cast

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.hung import Restarted

CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium")) or shutil.which(
    "google-chrome"
)
# The same Chromium without windows and settings, which takes less time for a page.
SHELL = shutil.which(os.environ.get("CHROMIUM_SHELL", "chromium-headless-shell"))
# A machine that builds and tests at once may take its time.
expect.set_options(timeout=30_000)
REQUIRED = os.environ.get("REQUIRE_BROWSER") == "1"
MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and not REQUIRED,
        reason="needs Chromium: apt-get install chromium",
    ),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    # The shell would round the width of each letter to whole pixels, and so break
    # lines where a reader's Chromium does not.
    "--font-render-hinting=none",
]


def launched() -> Iterator[Browser]:
    """The shell, or else Chromium, while the generator is held: a fixture's body."""
    with sync_playwright() as playwright:
        launch = partial(
            playwright.chromium.launch, executable_path=SHELL or CHROMIUM, args=FLAGS
        )
        browser = cast("Browser", Restarted(launch))
        yield browser
        browser.close()
