"""Page 5 of chapter 04 says nothing that its own runs do not bear out."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movingparts.scenes.ch04.weather.contract import CONTRACT, kept
from movingparts.scenes.ch04.weather.costs import lines, packages, written
from movingparts.scenes.ch04.weather.rig import Rig
from movingparts.scenes.ch04.weather.running import larkhaven
from movingparts.world import LocalWorld
from movingparts.world.local import spawned
from movingparts.world.local.javascript import find_node
from tests.book.chapters import ROOT, Names, page

PAGE = page("04-the-front-door/5-in-another-language")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    """What all cells leave, also those that need sockets, and what they show."""
    names: Names = {"shown": []}
    with asyncio.Runner() as runner:
        for cell in PAGE.cells:
            if "glue(" in cell.source:
                continue
            body = ast.parse(cell.source)
            if isinstance(body.body[-1], ast.Expr):
                last = ast.Name("_last", ast.Store())
                body.body[-1] = ast.Assign([last], body.body[-1].value)
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(ast.fix_missing_locations(body), PAGE.name, "exec", flags)
            left = eval(code, names)
            if inspect.iscoroutine(left):
                runner.run(left)
            names["shown"].append(names.pop("_last", None))
    return names


def test_the_hello_world_leaves_the_screen_without_weather(run: Names) -> None:
    assert (None, ["weather"]) == run["shown"][1]


def test_on_a_port_that_is_taken_it_says_that_it_listens(run: Names) -> None:
    said = "Example app listening on port PORT"
    assert {"it said": said, "exit code": 0} == run["shown"][2]


def test_weather_js_says_that_the_port_is_taken(run: Names) -> None:
    after = run["shown"][6]
    assert "EADDRINUSE" in after["it said"]
    assert 1 == after["exit code"]


def test_the_contract_tells_what_hello_js_lacks(run: Names) -> None:
    found = run["checked"]["hello.js"]
    assert len(CONTRACT) == len(found)
    assert {"no"} == {reason.partition(":")[0] for reason in found.values()}


@pytest.mark.parametrize("twin", ["weather.js", "FastAPI twin"])
@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_both_twins_keep_the_contract(
    run: Names, twin: str, check: Callable[[Rig], Any]
) -> None:
    assert "yes" == run["checked"][twin][str(check.__doc__).rstrip(".")]


def test_the_gateway_composes_the_weather_from_javascript(run: Names) -> None:
    assert ({"at": "harbor", "celsius": 14}, []) == run["shown"][5]


def test_the_figure_counts_the_same_in_each_run(run: Names) -> None:
    """No time of this run is in it, and each message of the two screens arrived."""
    asked = [
        m
        for m in run["world"].recording.messages
        if {m.source, m.target} <= set(run["nodes"])
    ]
    assert {"delivered"} == {m.fate for m in asked}
    assert 2 * 6 == len(asked)


def shut_down(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> str:
    """Return what the last check says of a changed weather.js."""
    monkeypatch.setattr(spawned, "GRACE", 1.5)
    file = folder / "weather.js"
    file.write_text(text)

    async def main() -> str:
        async with LocalWorld() as world:
            sensors = await larkhaven(world)
            modules = str(ROOT / "node_modules")
            env = {"SENSORS": sensors.url, "NODE_PATH": modules}
            command = [find_node(), file]
            service = await world.spawn("weather", command=command, env=env)
            return [*(await kept(Rig(world, sensors, service))).values()][-1]

    return asyncio.run(main())


def test_the_shutdown_of_expresss_documentation_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "\n".join(
        line for line in written("weather.js").splitlines() if "setInterval" not in line
    )
    assert text != written("weather.js").rstrip()
    assert "no: it takes longer" == shut_down(monkeypatch, tmp_path, text)


def test_without_any_handler_the_answer_under_way_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = written("weather.js").partition("process.on(")[0]
    assert "no: None, not 200" == shut_down(monkeypatch, tmp_path, text)


def test_the_twin_has_none_of_the_lines_that_the_template_has(run: Names) -> None:
    js, py = lines("weather.js"), lines("twin.py")
    assert abs(js["answers"] - py["answers"]) <= 3
    assert [0, 0] == [py["health"], py["shutdown"]]
    assert set(js) == {
        "setup",
        "answers",
        "trace and deadline",
        *py,
        "health",
        "shutdown",
    }


def test_node_needs_more_packages_than_python(run: Names) -> None:
    found = packages()
    assert {"express"} < found["weather.js"]
    assert {"fastapi", "starlette", "pydantic"} < found["twin.py"]
    assert len(found["weather.js"]) > 2 * len(found["twin.py"])


def test_the_service_asks_for_the_express_that_the_book_installs() -> None:
    book = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    own = json.loads(written("package.json"))["dependencies"]
    assert own.items() <= book.items()
