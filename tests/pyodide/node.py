"""Python code in Pyodide under Node, with the libraries where a tab has them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tools.browser import lite, pyodide
from tools.site import frontend

ROOT = Path(__file__).parents[2]


def answer(code: str) -> Any:
    """Run code whose last value is JSON; return what that says."""
    wheels = json.dumps([str(file) for file in pyodide.core_wheels()])
    return ask("run.mjs", wheels, str(ROOT), code=code)


def lab_cells(kit: Path, notebooks: list[list[str]]) -> list[dict[str, Any]]:
    """Run cells with what labs have in JupyterLite; return what lab.mjs says of each.

    One notebook after the other, each in a kernel that was reset.
    """
    asked = {"packages": lite.PACKAGES, "notebooks": notebooks}
    lock = str(kit / "pyodide-lock-lab.json")
    reports: list[dict[str, Any]] = ask("lab.mjs", lock, code=json.dumps(asked))
    return reports


def page_cells(site: Path, pages: list[list[str]]) -> list[list[list[dict[str, Any]]]]:
    """Run the live cells of pages with their own worker; return what it sends of each.

    One after the other in one Python, each with no names but those of a new one.
    """
    reported: list[list[list[dict[str, Any]]]] = ask(
        "page.mjs", str(site), code=json.dumps(pages)
    )
    return reported


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
        timeout=600,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    # Pyodide says before it which packages it loads.
    return json.loads(done.stdout.rpartition("\n")[2])
