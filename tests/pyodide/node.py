"""Python code in Pyodide under Node, with the libraries where a tab has them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tools import frontend, pyodide

ROOT = Path(__file__).parents[2]


def answer(code: str) -> Any:
    """Run code whose last value is JSON; return what that says."""
    frontend.install()
    env = frontend.environment()
    node = shutil.which("node", path=env["PATH"])
    assert node is not None
    wheels = json.dumps([str(file) for file in pyodide.core_wheels()])
    done = subprocess.run(
        [node, str(Path(__file__).with_name("run.mjs")), wheels, str(ROOT)],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        timeout=180,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)
