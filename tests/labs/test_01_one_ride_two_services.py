"""Lab 01: solved, run twice in one kernel, with a file of the reader's own."""

import copy
import re

import pytest

from movingparts.check import exercises
from movingparts.city.synthetic import larkhaven, write_trips
from tests.labs.labs import exercises_of, read, run, solved, texts

LAB = "01-one-ride-two-services"
pytestmark = [
    pytest.mark.slow,
    # jupyter_client's own sockets, closed when the garbage is collected
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_every_exercise_passes_with_its_solution(tmp_path):
    notebook = solved(LAB)
    run(notebook, tmp_path)
    said = texts(notebook)
    for exercise in exercises_of(LAB):
        key = exercise.id.replace(".", "-")
        wanted = f"Exercise {exercise.id} passed: "
        assert said[f"ex-{key}-check"].startswith(wanted), said[f"ex-{key}-check"]


def test_it_runs_twice_in_one_kernel_and_leaves_no_file(tmp_path):
    """All cells, and then all cells again: the same outputs, and an empty folder."""
    notebook = read(LAB)
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


def test_it_replays_the_readers_own_file(tmp_path):
    """Set `PATH` and `ZONE`, and the first morning of that file is replayed."""
    city = larkhaven(3, rides=200)
    write_trips(city.rides(), tmp_path / "mine.csv.gz", layout="lyft")
    notebook = read(LAB)
    cell = next(cell for cell in notebook.cells if cell.id == "own-path")
    cell.source = re.sub(
        "PATH, ZONE = None, None.*",
        f'PATH, ZONE = "mine.csv.gz", "{city.timezone}"',
        cell.source,
    )
    run(notebook, tmp_path)
    said = texts(notebook)
    assert "mine.csv.gz" in said["own-read"]
    found = re.search(
        r"'(\d+) of (\d+) rides charged exactly once'", said["own-replay"]
    )
    assert found is not None
    assert found[1] == found[2] != "0"
    assert said["own-sum"] == "True"


def test_cells_are_short_and_say_what_they_need():
    notebook = read(LAB)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert max(len(cell.source.splitlines()) for cell in code) <= 12
    assert "SEED = " in code[0].source
    assert not [cell.id for cell in code if "asyncio.run" in cell.source]
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_outputs_hold_nothing_of_this_machine():
    said = " ".join(texts(read(LAB)).values())
    assert not re.search(r"/(home|root|tmp|work)/|0x[0-9a-f]{6}|127\.0\.0\.1:\d", said)


def test_the_first_exercise_is_easy():
    assert exercises()[0].difficulty == "easy"
