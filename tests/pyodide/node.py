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
    wheels = json.dumps([str(file) for file in pyodide.core_wheels()])
    return ask("run.mjs", wheels, str(ROOT), code=code)


def lab_cell(site: Path, cell: str) -> Any:
    """Run a cell with what a lab of that site has; return what lab.mjs says."""
    frontend.install()
    lock = pyodide.assemble(site) / "pyodide-lock-lab.json"
    return ask("lab.mjs", str(lock), code=cell)


def ask(script: str, *arguments: str, code: str) -> Any:
    """Run a script of this folder with code as its input; return the JSON it prints."""
    frontend.install()
    env = frontend.environment()
    node = shutil.which("node", path=env["PATH"])
    assert node is not None
    done = subprocess.run(
        [node, str(Path(__file__).with_name(script)), *arguments],
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
