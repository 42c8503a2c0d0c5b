"""Lab 03 with a file of the reader's own, and what of it needs sockets."""

import re

import pytest

from movingparts.city.synthetic import larkhaven, write_trips
from tests.labs.labs import local_cells, read, run, texts

LAB = "03-rules-inside"
SOCKETS = re.compile(
    r"^(real-(open|held|odd|files)|copies-(?!ask)|kill-|history-(told|odd)|close)"
)


def test_the_city_and_the_history_can_be_read_where_there_are_no_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_what_it_shows_of_the_real_world_are_invariants():
    """Each bike once, each ride charged, both rows or neither, in the file as run."""
    text = texts(read(LAB))
    assert "('24 of 24 rides charged', [])" == text["real-held"]
    assert "True" in text["copies-bare"]
    once = "('20 of 20 bikes given once, five refused', 'late: True')"
    assert once == text["copies-once"]
    assert text["kill-stock"] == text["kill-halt"] == text["kill-now"]
    assert text["kill-now"] != text["kill-on"].partition(", ")[2].rstrip(")")


@pytest.mark.slow
# jupyter_client's own sockets, closed when the garbage is collected
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_replays_the_readers_own_history(tmp_path):
    """Set `PATH` and `ZONE`, and that file is told; no row of it is lost."""
    city = larkhaven(3, rides=200)
    write_trips(city.rides(), tmp_path / "mine.csv.gz", layout="lyft")
    notebook = read(LAB)
    cell = next(cell for cell in notebook.cells if cell.id == "history-path")
    cell.source = re.sub(
        "PATH, ZONE = None, None.*",
        f'PATH, ZONE = "mine.csv.gz", "{city.timezone}"',
        cell.source,
    )
    chosen = re.compile(r"^(imports|real-city|history-.*|close)$")
    notebook.cells = [each for each in notebook.cells if chosen.match(each.id)]
    run(notebook, tmp_path)
    text = texts(notebook)
    reported = int(text["history-file"])
    assert reported == 50
    assert text["history-told"].startswith(f"({reported}, ")
    assert f"{reported} of {reported} rides ended" in text["history-odd"]
