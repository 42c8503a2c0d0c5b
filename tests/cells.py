"""Which cells of a chapter or a lab need sockets, read off their text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from movingparts.world.browser import bound_by

OPENS = "LocalWorld"
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def need_sockets(sources: Iterable[str]) -> list[bool]:
    """Return of each cell whether it ends early where there are no sockets.

    It does where it opens a local world, or uses a name that was to be bound by a
    statement that did not come to run, or calls a function that uses one.
    """
    absent = {OPENS}
    return [_ends_early(source, absent) for source in sources]


def _ends_early(source: str, absent: set[str]) -> bool:
    """Follow a cell's statements, and note which names are absent after it."""
    ended = False
    for statement in ast.parse(source).body:
        at_once, later = _at_once(statement), _later(statement)
        ended = ended or bool(absent & at_once)
        lacks = ended or bool(absent & later)
        bound = bound_by(ast.unparse(statement)) - {OPENS}
        absent -= bound
        absent |= bound if lacks else set()
    return ended


def _at_once(node: ast.AST) -> set[str]:
    """Return the names that are used when this is run."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    used = set().union(*(_at_once(child) for child in _evaluated(node)))
    if isinstance(node, Comprehension):
        used -= _named(each.target for each in node.generators)
    return used


def _later(node: ast.AST) -> set[str]:
    """Return the names that are used when a function in here is called."""
    used = set().union(*(_later(child) for child in ast.iter_child_nodes(node)))
    if isinstance(node, Function):
        body = node.body if isinstance(node.body, list) else [node.body]
        used = used.union(*(_at_once(each) for each in body))
        used -= {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        used -= bound_by("\n".join(ast.unparse(each) for each in body))
    return used


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that are run with it: of a function, not its body."""
    if isinstance(node, Function):
        yield node.args
        yield from getattr(node, "decorator_list", ())
    else:
        yield from ast.iter_child_nodes(node)


def _named(targets: Iterable[ast.AST]) -> set[str]:
    """Return the names that loops bind."""
    parts = (each for target in targets for each in ast.walk(target))
    return {each.id for each in parts if isinstance(each, ast.Name)}
