import pytest

from movingparts.check import progress


@pytest.fixture(autouse=True)
def _progress_of_this_test(tmp_path, monkeypatch):
    """Keep each test's progress apart, and the reader's own out of it."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))
