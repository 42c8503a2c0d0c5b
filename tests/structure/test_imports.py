"""Dependencies run one way, and every module has its place in that order."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import grimp
import pytest
import yaml

import movingparts
from tools.dev.purity import circles, impurities, rooms

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "movingparts"
SERVICE = "movingparts.city.rides.service"


def contracts() -> list[dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def test_no_module_imports_what_stands_above_it() -> None:
    command = "from importlinter.cli import lint_imports_command as run; run()"
    checked = subprocess.run(
        [sys.executable, "-c", command, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_new_mechanism_has_its_place_in_the_order() -> None:
    """Above the worlds and below the city; a room that is not there is named."""
    graph = grimp.build_graph("movingparts")
    found = rooms(graph, "movingparts", ["check", "city"], ["world", "core"], ["draw"])
    names = [layer.module_tails for layer in found]
    assert [{"movingparts.check"}, {"movingparts.city"}] == names[:2]
    assert {"movingparts.repository", "movingparts.service"} <= names[2]
    with pytest.raises(ValueError, match="movingparts has no cellar"):
        rooms(graph, "movingparts", ["cellar"], [], [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert [] == circles(the_imports(), "movingparts")


def test_a_circle_is_named() -> None:
    graph = the_imports()
    graph.add_import(
        importer="movingparts.core.errors", imported="movingparts.core.node"
    )
    assert {"movingparts.core.errors", "movingparts.core.node"} <= {
        *circles(graph, "movingparts")
    }


def test_the_package_s_docstring_is_the_table_of_contents() -> None:
    """All chapters of the plan, in order, and every mechanism in one of them."""
    plan = yaml.safe_load((ROOT / "book/_ext/plan.yml").read_text("utf-8"))
    chapters = [chapter for part in plan["parts"] for chapter in part["chapters"]]
    text = re.sub(r",\n +", ", ", movingparts.__doc__ or "")  # a row may go on below
    rows = re.findall(r"^    (\d\d)  (.+?)  +(.+)$", text, re.MULTILINE)
    assert [(c["slug"][:2], c["title"]) for c in chapters] == [r[:2] for r in rows]
    named = [name for row in rows for name in row[2].split(", ") if name != "planned"]
    assert sorted(set(named)) == sorted(named)
    assert all(find_spec(f"movingparts.{name}") for name in named)
    rooms = {"core", "bus", "world", "city", "scenes", "draw", "check"}
    there = {path.stem for path in PACKAGE.glob("[a-z]*") if path.stem != "py"}
    mechanisms = {name.partition(".")[0] for name in named}
    assert there - rooms == mechanisms


def the_imports() -> grimp.ImportGraph:
    """Who imports whom when the package runs."""
    return grimp.build_graph("movingparts", exclude_type_checking_imports=True)


def test_importing_the_core_brings_nothing_that_a_browser_lacks() -> None:
    """In a fresh interpreter, since this one has imported much already."""
    program = (
        "import sys, movingparts.core as core\n"
        "from movingparts.world import simulate\n"
        "heavy = {'nats', 'uvicorn', 'ipywidgets', 'anywidget', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print('movingparts.world.local' in sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ["[]", "False"] == result.stdout.split("\n")[:2]


def test_a_model_that_imports_more_than_the_standard_library_is_found() -> None:
    """Its service does, and would be named with what it imports."""
    graph = grimp.build_graph("movingparts", include_external_packages=True)
    assert [] == list(impurities(graph, "movingparts.city.rides.model"))
    found = {imported for _, imported, _ in impurities(graph, SERVICE)}
    assert {"fastapi", "pydantic", "movingparts.city.rides.model"} <= found
    with pytest.raises(ValueError, match="there is no module"):
        list(impurities(graph, "movingparts.city.trams.model"))


def test_each_model_and_each_context_is_under_a_contract() -> None:
    packages = sorted((PACKAGE / "city").glob("*/service.py"))
    names = [f"movingparts.city.{path.parent.name}" for path in packages]
    by_id = {contract["id"]: contract for contract in contracts()}
    assert 6 == len(names)
    assert names == by_id["contexts"]["modules"]
    assert [f"{name}.model" for name in names] == by_id["pure"]["modules"]


def private_names(source: str) -> list[str]:
    """Names with an underscore in front that code takes from another object."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("_")  # Python's and IPython's protocols
        and ast.unparse(node.value) not in ("self", "cls", "super()")
    ]


ONLOOKERS = ("scenes", "check", "draw", "measure", "strategy")


@pytest.mark.parametrize("room", [*ONLOOKERS, "labs/exercises"])
def test_scenes_checkers_and_instruments_touch_nothing_private(room: str) -> None:
    folder = PACKAGE / room if room in ONLOOKERS else ROOT / room
    files = [(path, path.read_text("utf-8")) for path in folder.rglob("*.py")]
    assert files
    found = {path: private_names(text) for path, text in files}
    assert {} == {path: names for path, names in found.items() if names}


def test_a_private_name_of_a_world_is_found() -> None:
    source = "self._mine, world.crash, world.__class__, world._fabric.clock"
    assert ["world._fabric"] == private_names(source)
