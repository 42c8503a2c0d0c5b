"""What the book prints fits on its pages."""

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "movingparts"

MECHANISM = 120  # lines of logic
PLAYER = 600  # lines


def logic(source: str) -> int:
    """Lines that do something: no blank ones, no comments, no docstrings."""
    skip = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skip:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


SAMPLE = '''
"""A docstring.

Of three lines."""

import math  # counts


def area(r: float) -> float:
    """Not counted."""
    # nor this
    return (
        math.pi * r**2
    )
'''


def test_logic_leaves_out_what_only_explains() -> None:
    assert 5 == logic(SAMPLE)


def test_a_mechanism_is_short_enough_to_be_printed() -> None:
    modules = (path for path in PACKAGE.glob("*.py") if path.stem != "__init__")
    sizes = {path.name: logic(path.read_text("utf-8")) for path in modules}
    assert {} == {name: size for name, size in sizes.items() if size > MECHANISM}


def test_the_player_is_one_module_of_at_most_600_lines() -> None:
    found = [
        path for path in PACKAGE.rglob("*player*") if path.suffix in {".js", ".mjs"}
    ]
    assert 1 == len(found)
    assert PLAYER >= len(found[0].read_text("utf-8").splitlines())


def test_the_player_has_no_dependencies() -> None:
    [player] = [
        path for path in PACKAGE.rglob("*player*") if path.suffix in {".js", ".mjs"}
    ]
    lines = player.read_text("utf-8").splitlines()
    assert [] == [line for line in lines if line.startswith("import ")]
