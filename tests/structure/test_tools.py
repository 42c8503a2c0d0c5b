"""The tools are in four rooms, and their tests in the same ones."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {"browser", "dev", "print", "site"}


def test_each_tool_stands_in_a_room() -> None:
    there = {path.name for path in (ROOT / "tools").iterdir()} - {"__pycache__"}
    assert ROOMS == there


def test_each_test_of_a_tool_stands_where_the_tool_does() -> None:
    tests = sorted((ROOT / "tests" / "tools").rglob("*.py"))
    assert tests
    for path in tests:
        room = path.parent.relative_to(ROOT / "tests")
        assert (ROOT / room / path.name.removeprefix("test_")).is_file(), path
