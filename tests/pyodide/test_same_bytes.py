"""In Pyodide, which is what a browser tab runs, the same seed gives the same bytes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from movingparts.world import simulate
from tests.world.busy_morning import busy_morning, digest
from tools import frontend, pyodide

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheels() -> list[Path]:
    """What Pyodide installs; fetched once, at the lock's versions and hashes."""
    frontend.install()
    return pyodide.core_wheels()


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
def answers(wheels: list[Path]) -> dict[str, list[str]]:
    """What the code says in Pyodide, started from inside a tab's running loop."""
    env = frontend.environment()
    node = shutil.which("node", path=env["PATH"])
    assert node is not None
    done = subprocess.run(
        [
            node,
            str(Path(__file__).with_name("run.mjs")),
            json.dumps([str(file) for file in wheels]),
            str(ROOT),
        ],
        input=CODE,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        timeout=180,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_recording_is_the_same_to_the_byte_in_pyodide(answers) -> None:
    """Two seeds, every fault that there is."""
    here = [digest(simulate(busy_morning, seed=seed)) for seed in (11, 12)]
    assert here == answers["digests"]


@pytest.mark.slow
def test_the_simulated_world_imports_nothing_that_needs_sockets(answers) -> None:
    """What needs them is never imported on the way to `simulate`."""
    assert [] == answers["foreign"]
