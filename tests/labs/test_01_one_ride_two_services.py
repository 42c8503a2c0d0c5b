"""Lab 01 with a file of the reader's own, and a first exercise for everybody."""

import re
from dataclasses import replace

import pytest

from movingparts.check import exercises
from movingparts.city.synthetic import larkhaven, write_trips
from tests.labs.labs import local_cells, read, run, texts

LAB = "01-one-ride-two-services"
SOCKETS = re.compile(r"^(real-|kill-|own-replay|own-sum|close)")


@pytest.mark.slow
# jupyter_client's own sockets, closed when the garbage is collected
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_replays_the_readers_own_file(tmp_path):
    """Set `PATH` and `ZONE`, and the first morning of that file is replayed.

    This file gives every fifth ride the same id, and the lab says what becomes of it.
    """
    city = larkhaven(3, rides=200)
    rides = (
        ride if number % 5 else replace(ride, ride_id="again")
        for number, ride in enumerate(city.rides())
    )
    write_trips(rides, tmp_path / "mine.csv.gz", layout="lyft")
    notebook = read(LAB)
    cell = next(cell for cell in notebook.cells if cell.id == "own-path")
    cell.source = re.sub(
        "PATH, ZONE = None, None.*",
        f'PATH, ZONE = "mine.csv.gz", "{city.timezone}"',
        cell.source,
    )
    chosen = re.compile(r"^(imports|real-(open|morning|replay|charged)|own-.*|close)$")
    notebook.cells = [each for each in notebook.cells if chosen.match(each.id)]
    run(notebook, tmp_path)
    text = texts(notebook)
    assert "mine.csv.gz" in text["own-read"]
    assert re.search(r"; \d+ repeated ride_id>", text["own-read"])
    kept = re.search(r"(\d+) of (\d+) rides, one for each id", text["own-first"])
    assert kept is not None
    assert 2 <= int(kept[1]) < int(kept[2])
    found = re.search(
        r"'(\d+) of (\d+) rides charged exactly once'", text["own-replay"]
    )
    assert found is not None
    assert found[1] == found[2] == kept[1]
    assert text["own-sum"] == "True"


def test_its_own_city_can_be_read_where_there_are_no_sockets():
    """Only the replay needs them; what reads the file does not."""
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_the_first_exercise_is_easy():
    assert exercises()[0].difficulty == "easy"
