"""Every lab in JupyterLite's own kernel, in Pyodide: its cells, then its exercises.

Node stands for the browser tab; that the notebook works in one is tested with one lab,
in Chromium (tests/browser/test_lite.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from movingparts.check import Exercise
from tests.labs.labs import LABS, exercises_of, local_cells, read, texts
from tests.pyodide import node
from tools.browser import pyodide

pytestmark = pytest.mark.slow
LACKS = re.compile(
    r"This part needs sockets, which a browser tab does not have: .*"
    r"|This cell needs `\w+`, which needs a local kernel\."
)


@dataclass
class Run:
    """What came of a lab: of its cells by id, and of its exercises once solved.

    `earlier` are the labs that ran in this kernel before it; `before` and `after` are
    the packages that Pyodide had loaded.
    """

    lab: str
    earlier: list[str]
    ended: dict[str, str]
    shown: dict[str, str]
    solved: dict[str, str]
    before: set[str]
    after: set[str]


def sources(lab: str) -> dict[str, str]:
    """The code of a lab's cells, by id."""
    return {c.id: c.source for c in read(lab).cells if c.cell_type == "code"}


def check_cell(lab: str, exercise: Exercise) -> str:
    """The cell of a lab that checks an exercise."""
    asks = f'check("{exercise.id}"'
    return next(source for source in sources(lab).values() if asks in source)


def solving(lab: str) -> list[str]:
    """The cells of a lab, and then, for each exercise, its solution and its check."""
    pairs = [(e.solution, check_cell(lab, e)) for e in exercises_of(lab)]
    return [*sources(lab).values(), *(cell for pair in pairs for cell in pair)]


class Kernel:
    """JupyterLite's kernel, once it is needed, and the labs that have run in it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._run: Callable[[list[str]], dict[str, Any]] | None = None
        self.labs: list[str] = []

    def run(self, kit: Path, lab: str) -> dict[str, Any]:
        """Run a lab from top to bottom, then each exercise solved and checked."""
        if self._run is None:
            self._run = self._stack.enter_context(node.lab_kernel(kit))
        earlier = [*self.labs]
        self.labs.append(lab)
        return {"earlier": earlier, **self._run(solving(lab))}


@pytest.fixture(scope="session")
def kernel() -> Iterator[Kernel]:
    """A kernel for this worker's labs, which starts when the first one is to run."""
    with ExitStack() as stack:
        yield Kernel(stack)


def report_of(lab: str, run: Callable[[], dict[str, Any]], folder: Path) -> Any:
    """What came of a lab, which runs once for all workers."""
    with (folder / f"{lab}.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        if not text:
            text = json.dumps(run())
            file.write(text)
    return json.loads(text)


@pytest.fixture(scope="module", params=LABS)
def run(
    kernel: Kernel,
    kit: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Run:
    """A lab's report, by the ids of its cells and of its exercises."""
    lab, folder = request.param, tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    report = report_of(lab, lambda: kernel.run(kit, lab), folder)
    cells, ids = report["cells"], list(sources(lab))
    checks = [text for _, text in cells[len(ids) + 1 :: 2]]
    return Run(
        lab,
        earlier=report["earlier"],
        ended={key: cells[i][0] for i, key in enumerate(ids)},
        shown={key: cells[i][1] for i, key in enumerate(ids)},
        solved=dict(zip([e.id for e in exercises_of(lab)], checks, strict=True)),
        before=set(report["before"]),
        after=set(report["after"]),
    )


def test_no_cell_fails(run: Run) -> None:
    assert dict.fromkeys(run.ended, "ok") == run.ended


def test_the_simulated_cells_give_what_is_committed(run: Run) -> None:
    """Text for text: the same seed gives the same run in a tab."""
    notebook = read(run.lab)
    committed = {
        key: text
        for key, text in texts(notebook).items()
        if key not in local_cells(notebook)
    }
    assert committed
    assert committed == {key: run.shown[key] for key in committed}


def test_what_needs_sockets_says_so_in_one_line(run: Run) -> None:
    """After what such a cell has printed before it came to that."""
    local = local_cells(read(run.lab))
    output = {key: run.shown[key].strip().rpartition("\n")[2] for key in local}
    assert output
    assert {} == {
        key: line for key, line in output.items() if not LACKS.fullmatch(line)
    }


def test_each_solution_passes(run: Run) -> None:
    """Checked by the lab's own cell."""
    assert run.solved
    for number, output in run.solved.items():
        assert output.startswith(f"Exercise {number} passed"), output


def seldom(lab: str) -> set[str]:
    """What a lab imports and Pyodide loads only then."""
    code = "\n".join(sources(lab).values())
    return {name for name in pyodide.ASKED_FOR if f"import {name}" in code}


def test_what_is_seldom_needed_comes_with_the_first_cell_that_imports_it(
    run: Run,
) -> None:
    """A lab that does without it does not wait for it."""
    there = set().union(*(seldom(lab) for lab in run.earlier))
    assert there == set(pyodide.ASKED_FOR) & run.before
    assert there | seldom(run.lab) == set(pyodide.ASKED_FOR) & run.after


def test_some_lab_needs_each_of_these() -> None:
    assert set(pyodide.ASKED_FOR) == set().union(*map(seldom, LABS))
