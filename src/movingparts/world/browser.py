"""What stands for a world that needs sockets where there are none: in a browser tab.

A cell that opens such a world, or needs a name that such a cell would have bound, says
so in one line and does not count as failed: in a notebook, the cells after it go on.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NoReturn, Protocol

from movingparts.core import WorldError

NEEDED = (
    "This part needs sockets, which a browser tab does not have:"
    " run the lab locally with `make serve`."
)


class NeedsLocalKernel(WorldError):
    """This needs sockets, and so a kernel on the reader's own machine."""

    def __init__(self) -> None:
        super().__init__(NEEDED)


class LocalWorld:
    """A local world where none can be: it can be named, and not opened.

    >>> LocalWorld(seed=7)
    <LocalWorld: needs a local kernel>

    Raises `NeedsLocalKernel` for whatever is asked of it.
    """

    def __init__(self, *, seed: int | None = None) -> None:
        self.seed = seed

    def __repr__(self) -> str:
        return "<LocalWorld: needs a local kernel>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # Python and IPython ask for what is not there
            raise AttributeError(name)
        raise NeedsLocalKernel

    @classmethod
    async def open(cls, **_: object) -> NoReturn:
        """Raise: there is nothing to listen on."""
        raise NeedsLocalKernel

    async def __aenter__(self) -> NoReturn:
        raise NeedsLocalKernel

    async def __aexit__(self, *_: object) -> None:
        """Never reached."""


class Shell(Protocol):
    """What is asked of a notebook's shell: IPython's, by IPython's names."""

    user_ns: dict[str, Any]
    events: Any

    def set_custom_exc(self, kinds: tuple[type[BaseException], ...], how: Any) -> None:
        """Have these exceptions handled by `how`, in place of a traceback."""

    def showtraceback(self, error: Any, **more: Any) -> None:
        """Show an error as usual."""


class Absence:
    """Says in one line what a cell lacks, and remembers what it would have bound.

    Source: IPython's custom exceptions. Leaves out: a name that is bound already keeps
    its old value.
    """

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.names: set[str] = set()
        shell.set_custom_exc((NeedsLocalKernel, NameError), self.explain)
        shell.events.register("pre_run_cell", self.forget)

    def forget(self, *_: object) -> None:
        """Drop the names that have been bound in the meantime."""
        self.names.difference_update(self.shell.user_ns)

    def explain(
        self,
        shell: Shell,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        """Print a line for what needs a local kernel; show the rest as usual."""
        lacking = self._lacking(error)
        if lacking is None:
            offset = {} if tb_offset is None else {"tb_offset": tb_offset}
            how = {"running_compiled_code": True, **offset}
            shell.showtraceback((kind, error, trace), **how)
            return
        self.names.update(bound_by(source(trace, shell.user_ns)))
        self.forget()
        print(lacking)  # noqa: T201  # the cell's own output

    def _lacking(self, error: BaseException) -> str | None:
        if isinstance(error, NeedsLocalKernel):
            return str(error)
        # A local variable without a value is a mistake of its own.
        if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            name = error.name
            if name in self.names and name not in self.shell.user_ns:
                return f"This cell needs `{name}`, which needs a local kernel."
        return None


def source(trace: TracebackType | None, names: dict[str, Any]) -> str:
    """Return the text of the cell that an exception came out of, or nothing."""
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals is names:
            return "".join(linecache.getlines(frame.f_code.co_filename))
        trace = trace.tb_next
    return ""


def bound_by(text: str) -> set[str]:
    """Return the names that a cell binds at its top level.

    >>> sorted(bound_by("import os.path; a, (b, *c) = await f(lambda: (d := 1))"))
    ['a', 'b', 'c', 'os']
    """
    try:
        return set(_bound(ast.parse(text)))
    except (SyntaxError, ValueError):
        return set()


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that are bound here, and not within a scope of their own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp):
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield (alias.asname or alias.name).partition(".")[0]
    elif not isinstance(node, ast.GeneratorExp):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def watch() -> Absence | None:
    """Watch over the notebook that this runs in; None where it runs in none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return None if shell is None else Absence(shell)


watching = watch()
