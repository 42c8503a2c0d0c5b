"""What all browser tests are given."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.chromium import launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of one file."""
    yield from launched()


@pytest.fixture
def reader(browser: Browser) -> Iterator[BrowserContext]:
    """A reader who is new to the book, at a desk."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context
