"""What all browser tests are given: one browser a worker, the site, a reader.

The tests of a page, or of a file, stay together, and what takes longest begins:
`pytest -n 2 --dist loadgroup --no-loadscope-reorder`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.built import BUILT
from tests.browser.chromium import CHROMIUM, FLAGS, launched
from tests.browser.hung import watched
from tools.site.serve import SiteServer

LONGEST = ("test_lite", "test_live", "test_player")
REFUSED = {"profile": {"default_content_setting_values": {"cookies": 2}}}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a fixture: the tests of a file, unless they say how."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let no browser that hangs hold up all tests after it."""
    with watched(item.nodeid):
        return (yield)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium's headless shell, or else Chromium, for all tests of a worker.

    Tests with a profile start Chromium themselves: the shell reads no settings.
    """
    yield from launched()


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    """The address of the built book, under a sub-path."""
    assert (BUILT / "index.html").is_file(), "build the book first: make book"
    with SiteServer(BUILT, prefix="/moving-parts/").running() as url:
        yield url


@pytest.fixture(scope="session")
def root() -> Iterator[str]:
    """The address of the built book at the root of a host."""
    with SiteServer(BUILT).running() as url:
        yield url


@pytest.fixture
def reader(browser: Browser) -> Iterator[BrowserContext]:
    """A reader who is new to the book, at a desk."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture(scope="session")
def refusing(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A reader whose Chromium blocks all storage, as strict private windows do."""
    profile: Path = tmp_path_factory.mktemp("profile")
    (profile / "Default").mkdir()
    (profile / "Default" / "Preferences").write_text(json.dumps(REFUSED))
    with browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=FLAGS
    ) as context:
        yield context
