"""What a package imports, as its code says: read with `ast`, never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_NEVER = ("TYPE_CHECKING", "typing.TYPE_CHECKING")  # conditions that never hold


def imports_of(package: Path) -> tuple[str, ...]:
    """Return the modules of its own system that a package's code imports from outside.

    `package` is its folder. The system is the top-level package that it lies in; all
    else is a library's and left out, as is what only type checkers see. What is
    imported from a module counts as that module. Raises `ValueError` for a folder that
    is no package, and for a relative import that leaves the system; `SyntaxError` for
    what is no Python.

    Source: chapter 02. Leaves out: modules that are imported by a name made at run
    time, and what those import that are named here.
    """
    if not (package / "__init__.py").is_file():
        raise ValueError(f"{package} is no package: it has no __init__.py")
    top = package = package.resolve()
    while (top.parent / "__init__.py").is_file():
        top = top.parent
    own = ".".join(package.relative_to(top.parent).parts)
    files = sorted(package.rglob("*.py"))
    found = {module for file in files for module in _imported(file, top.parent)}
    return tuple(m for m in sorted(found) if _in(m, top.name) and not _in(m, own))


def _imported(file: Path, root: Path) -> Iterator[str]:
    here = file.relative_to(root).parent.parts
    for node in _run(ast.parse(file.read_text("utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(here):
                where = f"line {node.lineno} of {file.relative_to(root).as_posix()}"
                raise ValueError(f"{where} imports from above {here[0]}")
            start = here[: len(here) + 1 - node.level] if node.level else ()
            parts = (*start, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                inner = root.joinpath(*parts, alias.name)
                module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield ".".join((*parts, alias.name) if module else parts)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a tree's nodes, without what only type checkers see."""
    yield node
    inner: Iterator[ast.AST] | list[ast.stmt] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) in _NEVER:
        inner = node.orelse
    for child in inner:
        yield from _run(child)


def _in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")
