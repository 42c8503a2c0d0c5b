"""Every lab: its cells, what is committed with it, and its exercises solved.

What takes longest stands in two files, which two workers can share: the labs are run
twice in test_every_lab_twice.py. What only one lab has to show has a file of its own.
"""

import re

import pytest

from tests.labs.labs import LABS, exercises_of, local_cells, read, run, solved, texts

each_lab = pytest.mark.parametrize("lab", LABS)


@pytest.mark.slow
# jupyter_client's own sockets, closed when the garbage is collected
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@each_lab
def test_every_exercise_passes_with_its_solution(lab, tmp_path):
    notebook = solved(lab)
    run(notebook, tmp_path)
    said = texts(notebook)
    for exercise in exercises_of(lab):
        key = exercise.id.replace(".", "-")
        wanted = f"Exercise {exercise.id} passed: "
        assert said[f"ex-{key}-check"].startswith(wanted), said[f"ex-{key}-check"]


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
    said = " ".join(texts(read(lab)).values())
    assert not re.search(r"/(home|root|tmp|work)/|0x[0-9a-f]{6}|127\.0\.0\.1:\d", said)
