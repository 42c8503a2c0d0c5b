"""The book where the browser refuses to keep anything, as in some private modes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

from tests.browser.built import BUILT, Visit, addresses
from tests.browser.chromium import CHROMIUM, FLAGS, MARKS
from tools.serve import SiteServer

pytestmark = MARKS
REFUSED = {"profile": {"default_content_setting_values": {"cookies": 2}}}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with SiteServer(BUILT).running() as url:
        yield url


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A Chromium whose settings block all storage of sites."""
    profile: Path = tmp_path_factory.mktemp("profile")
    (profile / "Default").mkdir()
    (profile / "Default" / "Preferences").write_text(json.dumps(REFUSED))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, headless=True
        )
        yield context
        context.close()


def test_storage_is_really_refused(context: BrowserContext, base: str) -> None:
    """Without the book's own first script, the browser throws."""
    page = context.new_page()
    page.goto(base + "objects.inv.txt")
    said = page.evaluate(
        "() => { try { return String(localStorage); } catch (e) { return e.name; } }"
    )
    assert "SecurityError" == said
    page.close()


@pytest.mark.parametrize("path", addresses())
def test_a_page_works_without_storage(
    context: BrowserContext, base: str, path: str
) -> None:
    """Colors change, the search finds, questions are answered; nothing complains."""
    visit = Visit(context.new_page(), base)
    page = visit.go(path)
    before = page.evaluate("document.documentElement.dataset.theme")
    page.locator(".theme-switch-button:visible").first.click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", before)
    page.keyboard.press("Control+k")
    dialog = page.locator("dialog.mp-search-dialog")
    dialog.get_by_role("searchbox").fill("world")
    expect(dialog.get_by_role("listitem").first).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_load_state("networkidle")
    assert [] == visit.problems()
    page.close()
