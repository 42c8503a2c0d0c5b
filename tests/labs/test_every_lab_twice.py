"""Every lab, run twice in one kernel: a reader may run any cell again."""

import copy

import pytest

from tests.labs.labs import LABS, read, run, texts

pytestmark = [
    pytest.mark.slow,
    # jupyter_client's own sockets, closed when the garbage is collected
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("lab", LABS)
def test_it_runs_twice_in_one_kernel_and_leaves_no_file(lab, tmp_path):
    """All cells, and then all cells again: the same outputs, and an empty folder."""
    notebook = read(lab)
    committed = texts(notebook)
    again = copy.deepcopy(notebook.cells)
    for cell in again:
        cell.id = f"{cell.id}-again"
    notebook.cells += again
    run(notebook, tmp_path)
    said = texts(notebook)
    assert {key: said[key] for key in committed} == committed
    assert {key: said[f"{key}-again"] for key in committed} == committed
    assert list(tmp_path.iterdir()) == []
