"""Python code in Pyodide under Node, with the libraries where a tab has them."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.browser import lite, pyodide
from tools.site import frontend

ROOT = Path(__file__).parents[2]


def answer(code: str) -> Any:
    """Run code whose last value is JSON; return what that says."""
    wheels = json.dumps([str(file) for file in pyodide.core_wheels()])
    return ask("run.mjs", wheels, str(ROOT), code=code)


@contextmanager
def lab_kernel(kit: Path) -> Iterator[Callable[[list[str]], dict[str, Any]]]:
    """Start JupyterLite's kernel; give what runs a notebook's cells in it.

    One notebook after the other, each in a kernel that was reset; it returns what
    lab.mjs says of one.
    """
    lock = str(kit / "pyodide-lock-lab.json")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command, settings = node_command("lab.mjs", lock, *lite.PACKAGES)
    with subprocess.Popen(command, **settings, **pipes) as process:

        def run(cells: list[str]) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps(cells), file=process.stdin, flush=True)
            for line in process.stdout:
                if line.startswith("REPORT "):
                    report: dict[str, Any] = json.loads(line.removeprefix("REPORT "))
                    return report
            raise AssertionError("The kernel has ended; what it said is above.")

        yield run


def page_cells(site: Path, pages: list[list[str]]) -> list[list[list[dict[str, Any]]]]:
    """Run the live cells of pages with their own worker; return what it sends of each.

    One after the other in one Python, each with no names but those of a new one.
    """
    reported: list[list[list[dict[str, Any]]]] = ask(
        "page.mjs", str(site), code=json.dumps(pages)
    )
    return reported


def node_command(script: str, *arguments: str) -> tuple[list[str], dict[str, Any]]:
    """The command that runs a script of this folder, and where and how it runs."""
    frontend.install()
    env = frontend.environment()
    node = shutil.which("node", path=env["PATH"])
    assert node is not None
    file = str(Path(__file__).with_name(script))
    return [node, file, *arguments], {"cwd": ROOT, "env": env}


def ask(script: str, *arguments: str, code: str) -> Any:
    """Run a script of this folder with code as its input; return the JSON it prints."""
    command, settings = node_command(script, *arguments)
    done = subprocess.run(
        command,
        **settings,
        input=code,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    # Pyodide says before it which packages it loads.
    return json.loads(done.stdout.rpartition("\n")[2])
