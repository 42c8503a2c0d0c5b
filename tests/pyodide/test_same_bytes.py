"""In Pyodide, which is what a browser tab runs, the same seed gives the same bytes."""

from typing import Any

import pytest

from movingparts.world import simulate
from tests.world.busy_morning import busy_morning, digest

CODE = """
import json, sys
from movingparts.world import simulate
libraries = ("nats", "uvicorn", "ipywidgets", "anywidget")
foreign = [name for name in libraries if name in sys.modules]
from tests.world.busy_morning import busy_morning, digest
digests = [digest(simulate(busy_morning, seed=seed)) for seed in (11, 12)]
answers = {"foreign": foreign, "digests": digests}
"""


@pytest.mark.slow
def test_a_recording_is_the_same_to_the_byte_in_pyodide(
    answers: dict[str, Any],
) -> None:
    """Two seeds, every fault that there is."""
    here = [digest(simulate(busy_morning, seed=seed)) for seed in (11, 12)]
    assert here == answers["digests"]


@pytest.mark.slow
def test_the_simulated_world_imports_nothing_that_needs_sockets(
    answers: dict[str, Any],
) -> None:
    """What needs them is never imported on the way to `simulate`."""
    assert [] == answers["foreign"]
