"""Dependencies run one way, and every module has its place in that order."""

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tools.dev.purity import impurities

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "movingparts"
SERVICE = "movingparts.city.rides.service"

# draw stands beside the layers: its own contract says what it may read.
BESIDE = {"movingparts.draw"}


def contracts() -> list[dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def named_in_layers() -> set[str]:
    one_way = next(found for found in contracts() if found["id"] == "one-way")
    names = " ".join(one_way["layers"]).replace("|", " ").replace(":", " ")
    return {name.strip("()") for name in names.split()}


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


def test_every_module_is_named_in_the_order() -> None:
    """A new mechanism is placed on purpose, not forgotten."""
    named = named_in_layers() | BESIDE
    modules = {
        f"movingparts.{path.stem}"
        for path in PACKAGE.iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    } - {"movingparts.__init__"}
    placed = {
        module
        for module in modules
        if any(name == module or name.startswith(f"{module}.") for name in named)
    }
    assert set() == modules - placed


def test_importing_the_core_brings_nothing_that_a_browser_lacks() -> None:
    """In a fresh interpreter, since this one has imported much already."""
    program = (
        "import sys, movingparts.world.core as core\n"
        "from movingparts.world import simulate\n"
        "heavy = {'nats', 'uvicorn', 'ipywidgets', 'anywidget', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print('movingparts.world.local' in sys.modules)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ["[]", "False"] == said.stdout.split("\n")[:2]


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
