"""Knob figures in pages: their settings are in files, their controls have room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from moving_parts_book.knobs import ELEMENT

from movingparts.draw import Dial, Figure, Knob, chart, knob
from tests.book.conftest import EXTENSIONS

CONF = """\
extensions = ["myst_nb", "moving_parts_book"]
html_theme = "basic"
"""


def line(n: float, unit: str = "ms") -> Figure:
    return chart(
        {"latency": [(0, 0), (1, n)]}, title=f"It takes {n:g} {unit}", x_label="x",
        y_label=f"latency ({unit})", y_top=10,
    )  # fmt: skip


def sizes(*values: float) -> Knob:
    dial = Dial('size "<b>"', values, unit="kB")
    return knob(line, n=dial, unit=Dial("unit", ("ms", "s")))


def build(folder: Path, *made: Knob, builder: str = "dirhtml") -> Path:
    """Build a page with these knob figures, as a cell's output would hold them."""
    folder.mkdir(exist_ok=True)
    (folder / "conf.py").write_text(CONF)
    raw = "".join(f"```{{raw}} html\n{each.html()}\n```\n\n" for each in made)
    (folder / "index.md").write_text(f"# Knobs\n\n{raw}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", builder, ".", "out"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXTENSIONS), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of one page with two knob figures."""
    return build(tmp_path_factory.mktemp("knobs"), sizes(1, 2), sizes(3, 4))


def page_of(built: Path, name: str = "index.html") -> BeautifulSoup:
    return BeautifulSoup((built / name).read_text("utf-8"), "html.parser")


@pytest.mark.slow
def test_the_settings_are_in_a_file_that_the_page_names(built: Path) -> None:
    """Each figure has its own, and its drawings are not in the page."""
    html = page_of(built)
    found = html.select("moving-parts-knob")
    assert [] == html.select("moving-parts-knob script")
    for made, element in zip((sizes(1, 2), sizes(3, 4)), found, strict=True):
        data = json.loads((built / str(element["src"])).read_text("utf-8"))
        assert json.loads(json.dumps(made.data())) == data
        assert data["dials"] == json.loads(str(element["dials"]))


@pytest.mark.slow
def test_the_page_keeps_a_figure_and_the_table_of_all(built: Path) -> None:
    """Readers without JavaScript read these."""
    element = page_of(built).select("moving-parts-knob")[0]
    assert 1 == len(element.select("figure svg"))
    settings = element.find_all("details", recursive=False)
    assert 1 == len(settings)
    assert 4 == len(settings[0].select("tbody tr"))


@pytest.mark.slow
def test_the_controls_have_room_from_the_start(built: Path) -> None:
    """One place a dial, with its name as text, before anything else."""
    element = page_of(built).select("moving-parts-knob")[0]
    room = element.find(True)
    assert room is not None
    assert ["mp-dials"] == room["class"]
    assert ['size "<b>"', "unit"] == [
        place.get_text() for place in room.select(".mp-dial > .mp-dial-name")
    ]


@pytest.mark.slow
def test_the_script_is_loaded_where_a_knob_is(tmp_path: Path) -> None:
    """A page without one does not pay for it."""
    loaded = {}
    for name, made in {"with": [sizes(1)], "without": []}.items():
        html = page_of(build(tmp_path / name, *made))
        loaded[name] = len(html.select('script[type=module][src*="knob.js"]'))
    assert {"with": 1, "without": 0} == loaded


@pytest.mark.slow
def test_a_file_that_no_page_names_any_more_is_deleted(tmp_path: Path) -> None:
    """What another page still names, though it was not written again, stays."""
    out = build(tmp_path / "book", sizes(1, 2), sizes(3, 4))
    before = {file.name for file in (out / "_static/knobs").iterdir()}
    build(tmp_path / "book", sizes(3, 4))
    after = {file.name for file in (out / "_static/knobs").iterdir()}
    named = str(page_of(out).select("moving-parts-knob")[0]["src"])
    assert (2, {Path(named).name}) == (len(before), after)
    assert after < before


@pytest.mark.slow
def test_other_builders_print_the_figure_and_the_table(tmp_path: Path) -> None:
    """On paper nothing is turned: no script, no settings, no room."""
    out = build(tmp_path / "book", sizes(1, 2), builder="singlehtml")
    html = page_of(out)
    assert 1 == len(html.select("figure.mp-figure svg"))
    assert 4 == len(html.select("details.mp-text-table")[-1].select("tbody tr"))
    assert [] == html.select("moving-parts-knob, .mp-dials, script[type*=json]")
    assert not (out / "_static/knobs").exists()


def test_two_figures_on_a_page_are_distinct() -> None:
    """A match ends with its own element, whatever is between."""
    text = f"<p>a</p>{sizes(1).html()}<p>b</p>{sizes(2).html()}"
    first, second = ELEMENT.finditer(text)
    assert "<p>b</p>" == text[first.end() : second.start()]
