"""What live cells do in Python, natively: values, printing, errors."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.lib import pretty

SOURCE = Path(__file__).resolve().parents[2] / "book/_js/cells.py"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cells", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


cells = module()


class Sheet:
    """The cells of a page, with what they have sent."""

    def __init__(self) -> None:
        self.reported: list[tuple[str, str, str]] = []
        self.cells = cells.Cells(
            ModuleType("page"), lambda *what: self.reported.append(what), pretty
        )

    def run(self, source: str, number: int = 1) -> dict[str, Any]:
        outcome: dict[str, Any] = json.loads(
            asyncio.run(self.cells.run(number, source))
        )
        return outcome

    def text(self, source: str) -> str:
        outcome = self.run(source)
        assert "text/plain" == outcome["mime"]
        return str(outcome["data"])

    def error(self, source: str, number: int = 1) -> dict[str, Any]:
        error: dict[str, Any] = self.run(source, number)["error"]
        return error


@pytest.fixture
def sheet() -> Sheet:
    return Sheet()


def test_the_last_expression_is_the_value(sheet: Sheet) -> None:
    assert "3" == sheet.text("x = 1\nx + 2")


@pytest.mark.parametrize("source", ["x = 1", "None", "1;", "1; # quiet", "", "# only"])
def test_what_has_no_value_shows_none(sheet: Sheet, source: str) -> None:
    assert {} == sheet.run(source)


def test_a_hash_in_a_string_at_the_end_is_shown(sheet: Sheet) -> None:
    assert "'a # b'" == sheet.text("'a # b'")


def test_cells_share_one_namespace(sheet: Sheet) -> None:
    sheet.run("x = 20")
    assert "21" == sheet.text("x + 1")


def test_await_works_at_the_top(sheet: Sheet) -> None:
    source = "import asyncio\nawait asyncio.sleep(0)\nawait asyncio.sleep(0, 5)"
    assert "5" == sheet.text(source)


def test_a_coroutine_that_is_not_awaited_is_a_value(sheet: Sheet) -> None:
    source = "async def f(): pass\nc = f()\nc"
    assert sheet.text(source).startswith("<coroutine object f")
    sheet.run("c.close()")


def test_values_print_as_ipython_prints_them(sheet: Sheet) -> None:
    source = (
        "from collections import Counter\n{f'key {n}': Counter('aab') for n in 'xyz'}"
    )
    assert sheet.text(source) == (
        "{'key x': Counter({'a': 2, 'b': 1}),\n"
        " 'key y': Counter({'a': 2, 'b': 1}),\n"
        " 'key z': Counter({'a': 2, 'b': 1})}"
    )


def test_html_goes_before_svg_and_both_before_text(sheet: Sheet) -> None:
    drawn = "class D:\n def _repr_svg_(self): return '<svg/>'\n"
    both = f"{drawn} def _repr_html_(self): return '<p>1</p>'\n"
    none = f"{drawn} def _repr_html_(self): return None\n"
    for source, mime in ((both, "text/html"), (none, "image/svg+xml")):
        assert mime == sheet.run(f"{source}D()")["mime"]
    assert "text/plain" == sheet.run(f"{both}D")["mime"]  # the class itself


def test_a_picture_is_sent_as_base64(sheet: Sheet) -> None:
    source = "class P:\n def _repr_png_(self): return b'abc'\nP()"
    assert {"mime": "image/png", "data": "YWJj"} == sheet.run(source)


def test_printing_and_display_are_sent_in_order(sheet: Sheet) -> None:
    sheet.run("import sys\nprint(1)\ndisplay(2)\nprint(3, file=sys.stderr, end='')")
    assert sheet.reported == [
        ("stream", "stdout", "1"),
        ("stream", "stdout", "\n"),
        ("display", "text/plain", "2"),
        ("stream", "stderr", "3"),
    ]


def test_the_source_of_a_cells_function_can_be_read(sheet: Sheet) -> None:
    sheet.run("def f():\n    return 1\n")
    f = sheet.cells.space["f"]
    assert "def f():\n    return 1\n" == inspect.getsource(f)


def test_an_error_names_the_cell_and_folds_the_library(sheet: Sheet) -> None:
    sheet.run("import json\ndef read(text):\n    return json.loads(text)", number=3)
    error = sheet.error("read('{')", number=4)
    mine, library = error["parts"]
    assert "JSONDecodeError" == error["name"]
    assert mine["text"].startswith("cell 4, line 1, in <module>\n    read('{')")
    assert "cell 3, line 3, in read\n    return json.loads(text)" in mine["text"]
    assert ("library", "json") == (library["kind"], library["where"])
    assert library["count"] >= 2
    assert error["last"].startswith("json.decoder.JSONDecodeError: ")


def test_a_syntax_error_shows_its_line_and_runs_nothing(sheet: Sheet) -> None:
    error = sheet.error("print('not this')\nride = (1,", number=2)
    assert [] == sheet.reported
    assert [] == error["parts"]
    assert error["last"].startswith("cell 2, line 2\n    ride = (1,\n")
    assert error["last"].endswith("SyntaxError: '(' was never closed")


def test_an_error_that_led_to_another_comes_before_it(sheet: Sheet) -> None:
    source = "try: 1 / 0\nexcept ZeroDivisionError as e: raise KeyError('x') from e"
    parts = sheet.error(source)["parts"]
    assert ["cell", "text", "cell"] == [part["kind"] for part in parts]
    assert parts[1]["text"].startswith("ZeroDivisionError: division by zero")
    assert "direct cause" in parts[1]["text"]


def test_a_group_shows_each_of_its_errors(sheet: Sheet) -> None:
    source = (
        "import asyncio\nasync def f(): 1 / 0\n"
        "async with asyncio.TaskGroup() as t: t.create_task(f())"
    )
    error = sheet.error(source)
    texts = [part["text"] for part in error["parts"]]
    assert "Error 1 of the group:" in texts
    assert "ZeroDivisionError: division by zero\n" in texts
    assert "ExceptionGroup" == error["name"]


def test_an_endless_recursion_is_shortened(sheet: Sheet) -> None:
    error = sheet.error("def f(): f()\nf()")
    lines = sum(str(part["text"]).count("\n") for part in error["parts"])
    assert "RecursionError" == error["name"]
    assert any("more frames" in str(part["text"]) for part in error["parts"])
    assert lines < 100


@pytest.mark.parametrize(
    "source", ["exit()", "raise SystemExit(1)", "raise KeyboardInterrupt"]
)
def test_a_cell_cannot_end_python(sheet: Sheet, source: str) -> None:
    assert sheet.error(source)["name"] in {"SystemExit", "KeyboardInterrupt"}
    assert "1" == sheet.text("1")


def test_an_error_whose_text_fails_is_reported_all_the_same(sheet: Sheet) -> None:
    source = "class E(Exception):\n def __str__(self): 1 / 0\nraise E"
    assert "E" == sheet.error(source)["name"]


def test_input_is_refused_in_words() -> None:
    with pytest.raises(EOFError, match="cannot ask"):
        cells.refuse_input("name? ")
