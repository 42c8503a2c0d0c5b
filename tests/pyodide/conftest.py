"""What the tests in Pyodide share: its files, put together once."""

from pathlib import Path

import pytest

from tools.browser import pyodide
from tools.site import frontend


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pyodide, the wheels and their locks, as a site has them."""
    frontend.install()
    return pyodide.assemble(tmp_path_factory.mktemp("site"))
