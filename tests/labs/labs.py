"""Runs a lab with the solutions in the place of its stubs."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat

from movingparts.check import Exercise, exercises

REPOSITORY = Path(__file__).parents[2]


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


def run(notebook: nbformat.NotebookNode, folder: Path, *, timeout: int = 120) -> None:
    """Run a notebook's cells in a kernel of its own; raise if one fails."""
    client = nbclient.NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


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
