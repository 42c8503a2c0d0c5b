"""What the tests in Pyodide share: its files, put together once, and one Python."""

from pathlib import Path
from typing import Any

import pytest

from tests.pyodide import node, test_lab, test_same_bytes
from tools.browser import pyodide
from tools.site import frontend


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pyodide, the wheels and their locks, as a site has them."""
    frontend.install()
    return pyodide.assemble(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def answers() -> dict[str, Any]:
    """What the code of two files says in Pyodide, from inside a tab's running loop."""
    codes = (test_same_bytes.CODE, test_lab.CODE)  # the first asks what was imported
    found: dict[str, Any] = node.answer("\n".join((*codes, "json.dumps(answers)")))
    return found
