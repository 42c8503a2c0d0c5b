"""Lab 02: what only this lab can say (02-words-and-borders)."""

import re

import pytest

from tests.labs.labs import read, run, texts

LAB = "02-words-and-borders"
pytestmark = [
    pytest.mark.slow,
    # jupyter_client's own sockets, closed when the garbage is collected
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_each_promise_is_kept_where_the_workshop_takes_no_bike(tmp_path):
    """The knob of the first part: set to the last value, no dock refuses."""
    notebook = read(LAB)
    names = [cell.id for cell in notebook.cells]
    notebook.cells = notebook.cells[: names.index("broken") + 1]
    cell = next(cell for cell in notebook.cells if cell.id == "knob")
    assert "DUE = 600" == cell.source
    cell.source = "DUE = 1000"
    run(notebook, tmp_path)
    assert "{200: 20}" == texts(notebook)["broken"]


def test_outputs_say_what_the_text_around_them_says():
    text = texts(read(LAB))
    counts = re.findall(r"(\d+): (\d+)", text["sweep"])
    broken = [int(count) for _, count in counts]
    assert sorted(broken, reverse=True) == broken
    assert 0 == broken[-1] < broken[0]
    assert text["lines"].startswith("'5 of 5 calls")
    assert text["away"].endswith("503)")
    assert "(0, True)" == text["one-count"]
    for key in ("twelve", "again", "one-run"):
        assert "12 of 12 rides charged" in text[key]
