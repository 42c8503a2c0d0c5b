"""In Pyodide, which is what a browser tab runs, the same seed gives the same bytes."""

import pytest

from movingparts.world import simulate
from tests.pyodide import node
from tests.world.busy_morning import busy_morning, digest

CODE = """
import json, sys
from movingparts.world import simulate
libraries = ("nats", "uvicorn", "ipywidgets", "anywidget")
foreign = [name for name in libraries if name in sys.modules]
from tests.world.busy_morning import busy_morning, digest
digests = [digest(simulate(busy_morning, seed=seed)) for seed in (11, 12)]
json.dumps({"foreign": foreign, "digests": digests})
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, list[str]]:
    """What the code says in Pyodide, started from inside a tab's running loop."""
    return node.answer(CODE)


@pytest.mark.slow
def test_a_recording_is_the_same_to_the_byte_in_pyodide(answers) -> None:
    """Two seeds, every fault that there is."""
    here = [digest(simulate(busy_morning, seed=seed)) for seed in (11, 12)]
    assert here == answers["digests"]


@pytest.mark.slow
def test_the_simulated_world_imports_nothing_that_needs_sockets(answers) -> None:
    """What needs them is never imported on the way to `simulate`."""
    assert [] == answers["foreign"]
