"""Every lab in JupyterLite's own kernel, in Pyodide: its cells, then its exercises.

Node stands for the browser tab; that the notebook works in one is tested with one lab,
in Chromium (tests/browser/test_lite.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from movingparts.check import Exercise
from tests.labs.labs import LABS, exercises_of, local_cells, read, texts
from tests.pyodide import node

pytestmark = pytest.mark.slow
LACKS = re.compile(
    r"This part needs sockets, which a browser tab does not have: .*"
    r"|This cell needs `\w+`, which needs a local kernel\."
)


@dataclass
class Run:
    """What came of a lab: of its cells by id, and of its exercises once solved."""

    lab: str
    ended: dict[str, str]
    shown: dict[str, str]
    solved: dict[str, str]


def check_cell(lab: str, exercise: Exercise) -> str:
    """The cell of a lab that checks an exercise."""
    sources = [cell.source for cell in read(lab).cells if cell.cell_type == "code"]
    asks = f'check("{exercise.id}"'
    return next(source for source in sources if asks in source)


@pytest.fixture(scope="module", params=LABS)
def run(kit: Path, request: pytest.FixtureRequest) -> Run:
    """A lab, run from top to bottom, and then each exercise solved and checked."""
    cells = {c.id: c.source for c in read(request.param).cells if c.cell_type == "code"}
    exercises = exercises_of(request.param)
    answers = [(e.solution, check_cell(request.param, e)) for e in exercises]
    sources = [*cells.values(), *(cell for pair in answers for cell in pair)]
    reported = node.lab_cells(kit, sources)["cells"]
    ended = {key: reported[i][0] for i, key in enumerate(cells)}
    shown = {key: reported[i][1] for i, key in enumerate(cells)}
    checks = [text for _, text in reported[len(cells) + 1 :: 2]]
    ids = [exercise.id for exercise in exercises]
    return Run(request.param, ended, shown, dict(zip(ids, checks, strict=True)))


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
