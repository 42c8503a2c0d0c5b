"""A browser that hangs costs one look at a page, and not the rest of the run."""

from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Error

from tests.browser.chromium import CHROMIUM, FLAGS, MARKS, SHELL
from tests.browser.hung import Restarted, browsers, watched
from tests.browser.seen import Seen, once

pytestmark = MARKS


def test_a_page_that_never_answers_ends_its_own_test_alone(
    browser: Browser, tmp_path: Path
) -> None:
    before = {process.pid for process in browsers()}
    own = Restarted(
        partial(
            browser.browser_type.launch,
            executable_path=SHELL or CHROMIUM,
            args=FLAGS,
        )
    )

    def found() -> list[psutil.Process]:
        return [process for process in browsers() if process.pid not in before]

    page = own.new_context().new_page()
    with (
        watched("a test", limit=1.0, found=found, file=tmp_path / "hung.txt"),
        pytest.raises(Error, match="closed"),
    ):
        page.evaluate("new Promise(() => {})")
    assert own.new_context().new_page().evaluate("6 * 7") == 42
    said = (tmp_path / "hung.txt").read_text().splitlines()
    assert said[0] == "a test took 1 s: its browser is killed"
    assert any("Thread" in line for line in said)
    own.close()


class Hanging(Seen):
    """A page whose browser hangs at the first look, or always."""

    tries = 0

    @once
    def new(self) -> dict[str, Any]:
        """Hang at first."""
        self.tries += 1
        if self.tries == 1:
            raise Error("Target page, context or browser has been closed")
        return {"tries": self.tries}

    @once
    def wrong(self) -> dict[str, Any]:
        """Go wrong in another way."""
        self.tries += 1
        raise Error("no such element")


def test_a_page_is_looked_at_once_more_in_another_browser(browser: Browser) -> None:
    seen = Hanging(browser, "", "")
    assert {"tries": 2} == seen.new
    seen.close()


def test_what_goes_wrong_by_itself_is_not_tried_again(browser: Browser) -> None:
    seen = Hanging(browser, "", "")
    with pytest.raises(Error, match="no such element"):
        _ = seen.wrong
    assert 1 == seen.tries
    seen.close()
