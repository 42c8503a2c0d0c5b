"""Every lab: its cells, what is committed with it, and its exercises solved.

What only one lab has to show has a file of its own.
"""

import os
import re
import subprocess
import sys

import nbformat
import pytest

from movingparts.check import progress
from tests.labs.labs import LABS, local_cells, read, texts, twice

each_lab = pytest.mark.parametrize("lab", LABS)
NBVAL = ("-m", "pytest", "--disable-plugin-autoload", "-p", "nbval.plugin", "--nbval")
NBVAL += ("--nbval-cell-timeout", "60", "-q", "-p", "no:cacheprovider", "-c")


@pytest.mark.slow
@each_lab
def test_it_runs_to_its_outputs_and_solved_in_the_same_kernel_again(lab, tmp_path):
    """As committed, in a fresh kernel; then all cells again, and no file is left.

    nbval compares each output with the committed one, the second time too: a reader
    may run any cell again.
    """
    notebook, settings = tmp_path / "run" / f"{lab}.ipynb", tmp_path / "pytest.ini"
    notebook.parent.mkdir()
    settings.write_text("[pytest]\n")
    nbformat.write(twice(lab), notebook)
    ran = subprocess.run(
        [sys.executable, *NBVAL, str(settings), str(notebook)],
        cwd=notebook.parent,
        env={**os.environ, progress.VARIABLE: str(tmp_path / "progress.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    assert [notebook] == list(notebook.parent.iterdir())


@each_lab
def test_cells_are_short_and_say_what_they_need(lab):
    notebook = read(lab)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert max(len(cell.source.splitlines()) for cell in code) <= 12
    assert "SEED = " in code[0].source
    assert not [cell.id for cell in code if "asyncio.run" in cell.source]
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@each_lab
def test_it_begins_simulated_and_goes_on_for_real(lab):
    """The simulated part runs in a browser tab, the other one needs sockets."""
    notebook = read(lab)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0] not in local_cells(notebook)
    assert local_cells(notebook)


@each_lab
def test_outputs_hold_nothing_of_this_machine(lab):
    output = " ".join(texts(read(lab)).values())
    assert not re.search(
        r"/(home|root|tmp|work)/|0x[0-9a-f]{6}|127\.0\.0\.1:\d", output
    )
