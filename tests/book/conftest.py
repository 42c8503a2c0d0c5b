"""The built book, for the tests that read it.

`make test` builds it first. A test run alone builds it once if it is not there;
`BOOK_SITE=path` names another one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "book" / "_build" / "dirhtml"
EXTENSIONS = ROOT / "book" / "_ext"
sys.path.insert(0, str(EXTENSIONS))


CHAPTER = re.compile(r"test_chapter_(\d\d)\.py|\[(\d\d)-")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, under `-n 2 --dist loadgroup`, what runs a chapter's cells once.

    Of the rest, the tests of a file stay together.
    """
    for item in items:
        found = CHAPTER.search(item.nodeid)
        group = "".join(filter(None, found.groups())) if found else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    named = os.environ.get("BOOK_SITE")
    if named:
        return Path(named).resolve()
    if not (BUILT / "index.html").is_file():
        command = [sys.executable, "-m", "tools.site.build"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return BUILT
