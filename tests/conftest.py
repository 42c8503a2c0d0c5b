"""What all tests are held to."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine is no reason to fail: no example has to end within a wall time.
settings.register_profile("moving-parts", deadline=None)
settings.load_profile("moving-parts")


class _Collected(logging.Handler):
    """What a logger was told, as lines."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(autouse=True)
def asyncio_logs_no_error() -> Iterator[None]:
    """Fail where a callback or a forgotten task raised.

    asyncio logs such an error and goes on, so the code under test can't notice, but a
    reader finds a traceback in the notebook.
    """
    collected = _Collected()
    logger = logging.getLogger("asyncio")
    logger.addHandler(collected)
    yield
    logger.removeHandler(collected)
    assert [] == collected.lines
