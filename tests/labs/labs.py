"""Runs labs, with the solutions in the place of their stubs or as they are.

    python -m tests.labs.labs 01-one-ride-two-services

runs a lab and writes its outputs into the committed file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbclient
import nbformat

from movingparts.check import Exercise, exercises
from tests.cells import need_sockets

REPOSITORY = Path(__file__).parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
LABS = tuple(sorted(path.stem for path in (REPOSITORY / "labs").glob("*.ipynb")))


def exercises_of(lab: str) -> list[Exercise]:
    """Return the exercises of one lab."""
    return [exercise for exercise in exercises() if exercise.lab == lab]


def read(lab: str) -> nbformat.NotebookNode:
    """Return a lab as it is committed."""
    return nbformat.read(REPOSITORY / "labs" / f"{lab}.ipynb", as_version=4)


def solved(lab: str) -> nbformat.NotebookNode:
    """Return a lab in which each stub is replaced by its solution."""
    notebook = read(lab)
    stubs = {exercise.stub.strip(): exercise for exercise in exercises_of(lab)}
    for cell in notebook.cells:
        exercise = stubs.pop(cell.source.strip(), None)
        if exercise is not None:
            cell.source = exercise.solution
    assert not stubs, f"{lab} has no cell for {list(stubs.values())}"
    return notebook


def twice(lab: str) -> nbformat.NotebookNode:
    """Return a lab as it is committed, and then the cells that could tell it is again.

    These are the exercises, where each stub is now its solution and each check must
    pass, and what needs sockets, which a first run might have left open. They have
    the same outputs to give as the first time. A simulated cell keeps nothing that a
    second one could meet (tests/world/test_simulated.py).
    """
    notebook, again = read(lab), solved(lab)
    ours = {each.solution for each in exercises_of(lab)}
    local = local_cells(notebook)
    again.cells = [
        cell
        for cell in again.cells
        if cell.id in local or cell.source in ours or cell.source.startswith("check(")
    ]
    checks = {f'check("{each.id}", ': each for each in exercises_of(lab)}
    for number, cell in enumerate(again.cells):
        cell.id = f"second-{number}"
        start = next((key for key in checks if cell.source.startswith(key)), None)
        if start is not None:
            passed = f"Exercise {checks.pop(start).id} passed: "
            cell.source = f"__said = {cell.source}\n"
            cell.source += f"assert repr(__said).startswith({passed!r}), __said"
            cell.outputs = []
    assert not checks, f"{lab} has no cell that checks {list(checks.values())}"
    notebook.cells += again.cells
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path, *, timeout: int = 120) -> None:
    """Run a notebook's cells in a kernel of its own; raise if one fails."""
    client = nbclient.NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


def local_cells(notebook: nbformat.NotebookNode) -> set[str]:
    """Return the ids of the cells that need sockets."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    local = need_sockets(cell.source for cell in code)
    return {cell.id for cell, needs in zip(code, local, strict=True) if needs}


def texts(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Return each code cell's output as plain text, by cell id."""
    return {
        cell.id: "".join(
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def refresh(lab: str) -> None:
    """Run a lab and keep its outputs, with nothing in it of this machine or hour."""
    notebook = read(lab)
    metadata = dict(notebook.metadata)
    run(notebook, REPOSITORY / "labs")
    notebook.metadata = nbformat.from_dict(metadata)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)  # an id of that kernel
    nbformat.write(notebook, REPOSITORY / "labs" / f"{lab}.ipynb")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(name)
