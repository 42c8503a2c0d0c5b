"""What the player prints: stable HTML with its fallback, and safe data."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from movingparts.core.recording import Recorder
from movingparts.draw import play, sequence
from movingparts.draw.player import MODULE, _widget_class
from tests.draw.recordings import HOSTILE, calls, digests, hostile, ride, traffic

DIGEST = """
import hashlib
from movingparts.draw import chart, play, sequence, topology
from tests.draw.recordings import fan_out, hostile, ride, traffic
text = "".join(
    f(r()).html() for r in (ride, fan_out, hostile, traffic)
    for f in (sequence, topology, play)
)
text += chart({"a": [(1, .1), (3, 7.7)]}, title="t", x_label="x", y_label="y").svg
print(hashlib.sha256(text.encode()).hexdigest())
"""


class Tree(HTMLParser):
    """Collects the tags of a page and the text of its JSON scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in_script = tag == "script"
        if self._in_script:
            assert [("type", "application/json")] == attrs
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


@pytest.mark.slow
def test_figures_are_the_same_bytes_in_every_run() -> None:
    """Hash seeds change the order of sets; no figure notices."""
    assert 1 == len(digests(DIGEST))


@pytest.mark.slow
def test_drawing_needs_no_widgets() -> None:
    """The core install and the browser have no ipywidgets; draw never imports them."""
    code = (
        "import sys; sys.modules.update(anywidget=None, ipywidgets=None)\n"
        "from movingparts.draw import play\n"
        "from tests.draw.recordings import calls\n"
        "play(calls())._repr_html_()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (0, "") == (run.returncode, run.stderr)


def test_the_page_gets_an_element_around_its_own_fallback() -> None:
    """Inside the custom element stand the SVG, the table and the data."""
    player = play(calls())
    html = player._repr_html_()
    assert "<Player: 1 of 3 replies never arrived>" == repr(player)
    tree = Tree(html)
    for tag in ("moving-parts-player", "svg", "details", "table", "script"):
        assert 1 == tree.tags.count(tag)
    assert sequence(calls()).svg in html


def test_the_data_in_the_page_is_safe_whatever_it_holds() -> None:
    """No label ends the script, opens a comment, or makes an element."""
    html = play(hostile()).html()
    tree = Tree(html)
    assert 1 == len(tree.scripts)
    assert "img" not in tree.tags
    for text in ("</script><!--", "<!--", "<script>"):
        assert text not in html
    data = json.loads(tree.scripts[0])
    assert len(HOSTILE) == len(data["messages"])


def test_the_data_has_a_row_for_each_row_of_the_table() -> None:
    """The player marks rows of the table by their place in it."""
    player = play(ride())
    assert len(player.figure.table.rows) == len(player.data["rows"])
    assert sorted(player.data["rows"]) == player.data["rows"]
    assert len(ride().messages) == len(player.data["messages"])


def test_the_map_may_come_first() -> None:
    """`view` says which drawing is in the page; the data brings the other."""
    player = play(ride(), view="topology")
    assert "topology" == player.figure.kind
    assert ["sequence"] == list(player.data["svg"])
    assert len(player.figure.table.rows) == len(player.data["rows"])


def test_an_unknown_view_is_refused() -> None:
    """The error names the two that there are."""
    with pytest.raises(ValueError, match="'sequence' or 'topology', got 'globe'"):
        play(ride(), view="globe")  # type: ignore[arg-type] - the error is the point


def test_a_long_recording_says_what_is_missing() -> None:
    """The player plays what the page holds, and the figure says so."""
    player = play(traffic(200))
    assert 60 == len(player.data["messages"])
    assert "140 more messages are not drawn." in player.html()


def test_three_players_fit_on_a_page() -> None:
    """A page of 250 KB has three figures at most, each with a layout for a phone."""
    assert len(play(ride()).html().encode()) < 45_000


@pytest.mark.slow
def test_the_widget_holds_the_same_module_and_all_messages() -> None:
    """In JupyterLab the same file is the anywidget."""
    widget = play(traffic(100)).widget()
    assert MODULE.read_text("utf-8") == widget._esm
    assert 100 == len(json.loads(widget.recording)["messages"])
    assert "<Player widget>" == repr(widget)
    widget.close()


def test_without_anywidget_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message names the command."""
    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"pip install 'movingparts\[draw\]'"):
        play(calls()).widget()
    _widget_class.cache_clear()


def test_the_module_is_one_short_file_without_dependencies() -> None:
    """At most 600 lines; no import, no markup made of data, no other host."""
    text = MODULE.read_text("utf-8")
    assert len(text.splitlines()) <= 600
    for word in ("import ", "innerHTML", "outerHTML", "insertAdjacent", "eval("):
        assert word not in text
    assert ["http://www.w3.org/2000/svg"] == [
        word.strip('";') for word in text.split() if "://" in word
    ]


FIRST = """from movingparts.draw import play, sequence
from tests.draw.recordings import calls"""
CELLS = (FIRST, "play(calls())", "sequence(calls())")


@pytest.mark.slow
def test_a_notebook_with_a_player_compares_strictly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a Jupyter server made, nbval makes again; without one, the labs show it."""
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "lab.ipynb"))
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(book, timeout=60, resources={"metadata": {"path": "."}}).execute()
    kinds = [set(out["data"]) for cell in book.cells for out in cell["outputs"]]
    assert [{"text/html", "text/plain"}] * 2 == kinds
    path = tmp_path / "lab.ipynb"
    nbformat.write(book, path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    command = [
        sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-q",
        "-p", "nbval.plugin", "-p", "no:cacheprovider", "--nbval",
        "--nbval-cell-timeout", "60",
        "--rootdir", ".", "-o", "addopts=", str(path),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == run.returncode, run.stdout + run.stderr
    assert "3 passed" in run.stdout


def test_a_node_that_crashes_is_down_until_it_restarts() -> None:
    """The map dots its outline for that time; without a restart, to the end."""
    recording = ride()
    assert [["pricing", 5_008_000, 5_009_800]] == play(recording).data["downs"]
    recording.moments = [m for m in recording.moments if m.kind != "restart"]
    assert [["pricing", 5_008_000, None]] == play(recording).data["downs"]


def test_a_node_that_starts_was_not_there_before_and_one_that_ends_is_gone() -> None:
    to = Recorder("functions", None, "")
    to.join("a", "service")
    for at, kind in enumerate(("start", "end", "start"), start=1):
        to.moment(at, kind, ("a",), f"a: {kind}")
    assert [["a", 0, 1], ["a", 2, 3]] == play(to.seal(9)).data["downs"]
