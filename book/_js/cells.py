"""The Python side of live cells: runs one cell at a time and reports its result.

A page's worker imports this module in Pyodide; tests import it natively. All cells of
a page share one namespace, as in a notebook. What a cell shows is what the executed
page shows: the value of the last expression, as HTML or SVG where it has such a form,
else as text by IPython's printer, which `pretty` brings.
"""

from __future__ import annotations

import ast
import base64
import builtins
import contextlib
import inspect
import io
import itertools
import json
import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any, Protocol

Send = Callable[[str, str, str], object]  # kind, name or mime type, text

# In the order in which the build prefers them (myst-nb, for HTML pages).
FORMS = {
    "text/html": "_repr_html_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}
CELL = re.compile(r"<(cell \d+)>")
CELL_LINE = re.compile(r'  File "<(cell \d+)>", line')
ENDS = 12  # frames shown of each end of a long stack
PACKAGE = re.compile(r"(?:site-packages|python3\.\d+|\.zip)/([\w.]+?)(?:\.py)?(?:/|$)")


class Printer(Protocol):
    """What this module needs of IPython's `pretty`."""

    def pretty(self, obj: object) -> str:
        """Return an object as the build prints it."""


class Cells:
    """The cells of a page, in the module that they share.

    >>> import asyncio, types
    >>> cells = Cells(types.ModuleType("page"), print)
    >>> outcome = asyncio.run(cells.run(1, "x = 20; x + 1"))
    >>> json.loads(outcome)
    {'mime': 'text/plain', 'data': '21'}
    """

    def __init__(
        self, module: ModuleType, send: Send, printer: Printer | None = None
    ) -> None:
        self.space = module.__dict__
        self.send = send
        self.printer = printer
        self.space["display"] = self.display

    async def run(self, number: int, source: str) -> str:
        """Run a cell; return its value or its error as JSON.

        `mime` and `data` are there when it has a value, `error` when it failed.
        """
        name = f"<cell {number}>"
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = (len(source), None, lines, name)
        out, err = Stream("stdout", self.send), Stream("stderr", self.send)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                value = await self._value(source, name)
                shown = None if value is None else self.form(value)
        except BaseException as error:  # noqa: BLE001  # reported, whatever it is
            return json.dumps({"error": described(error)})
        return json.dumps({} if shown is None else {"mime": shown[0], "data": shown[1]})

    async def _value(self, source: str, name: str) -> object:
        """Run the statements; return the value of the last one, if it has one."""
        value: object = None
        for code in compiled(source, name):
            value = eval(code, self.space)  # noqa: S307  # running it is the purpose
            if inspect.iscoroutine(value) and code.co_flags & inspect.CO_COROUTINE:
                value = await value
        return value

    def form(self, value: object) -> tuple[str, str]:
        """Return a value's MIME type and its text, in the form that a page prefers."""
        for mime, method in FORMS.items():
            made = special(value, method)
            if made is not None:
                return mime, made if isinstance(made, str) else encoded(made)
        return "text/plain", self.text(value)

    def text(self, value: object) -> str:
        """Return a value as the build prints it."""
        return repr(value) if self.printer is None else self.printer.pretty(value)

    def display(self, *values: object) -> None:
        """Show values immediately, as in a notebook."""
        for value in values:
            self.send("display", *self.form(value))


class Stream(io.TextIOBase):
    """What a cell prints to; every piece is sent."""

    def __init__(self, name: str, send: Send) -> None:
        self.name, self._send = name, send

    encoding = "utf-8"

    def writable(self) -> bool:
        """Answer yes."""
        return True

    def write(self, text: str) -> int:
        """Send a piece of text."""
        if text:
            self._send("stream", self.name, text)
        return len(text)


def compiled(source: str, name: str) -> list[CodeType]:
    """Return the code of a cell: its statements, then its last expression, if any.

    A semicolon at the end keeps the value from being shown, as in a notebook.

    Raises:
        SyntaxError: it is not Python.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    only_tree = flags | ast.PyCF_ONLY_AST
    tree = compile(source, name, "exec", only_tree, dont_inherit=True)
    last = tree.body[-1] if tree.body else None
    shown = isinstance(last, ast.Expr) and not silent(source)
    if shown:
        tree.body.pop()
    # Both are compiled before the first runs: a cell that is wrong runs in no part.
    parts = [compile(tree, name, "exec", flags, dont_inherit=True)]
    if isinstance(last, ast.Expr) and shown:
        expression = ast.Expression(last.value)
        parts.append(compile(expression, name, "eval", flags, dont_inherit=True))
    return parts


def silent(source: str) -> bool:
    """Return whether a cell ends in a semicolon, a comment after it aside."""
    last = source.rstrip().rpartition("\n")[2]
    return last.partition("#")[0].rstrip().endswith(";")


def special(value: object, method: str) -> Any:
    """Return what a value's own method says, or None where it has none."""
    # What answers to any name, as a mock does, has no representation of its own.
    if inspect.isclass(value) or hasattr(value, "_no_object_has_this_attribute_"):
        return None
    found = getattr(value, method, None)
    return found() if callable(found) else None


def encoded(picture: bytes) -> str:
    """Return a picture's bytes as text."""
    return base64.b64encode(picture).decode("ascii")


# --- Errors ---------------------------------------------------------------------------


def described(error: BaseException) -> dict[str, object]:
    """Return an error as a page shows it: its last line, and the way to it in parts.

    A part is `{"kind": "text" | "cell" | "library", "text": …}`; a library's frames,
    which a reader seldom needs, are one part that also says `count` and `where`.
    """
    found = traceback.TracebackException.from_exception(error, compact=True)
    parts = list(chained(found))
    name = type(error).__name__
    return {"name": name, "last": last_lines(found), "parts": parts}


def chained(found: traceback.TracebackException) -> Iterator[dict[str, object]]:
    """Yield the parts of an error, after those of the errors that led to it."""
    before, why = found.__cause__, "The error above was the direct cause of this one:"
    if before is None and not found.__suppress_context__:
        before, why = found.__context__, "While that was handled, another error came:"
    if before is not None:
        yield from chained(before)
        yield {"kind": "text", "text": f"{last_lines(before)}\n\n{why}\n"}
    yield from framed(found.stack)
    for number, inner in enumerate(found.exceptions or (), start=1):
        yield {"kind": "text", "text": f"Error {number} of the group:"}
        yield from chained(inner)
        yield {"kind": "text", "text": f"{last_lines(inner)}\n"}


def framed(stack: traceback.StackSummary) -> Iterator[dict[str, object]]:
    """Yield a stack's frames: those of cells, and between them those of libraries."""
    frames = [frame for frame in stack if frame.filename != __file__]
    for left_out, part in shortened(frames):
        if left_out:
            yield {"kind": "text", "text": f"… {left_out:,} more frames …"}
        for of_cells, run in itertools.groupby(part, in_cell):
            if of_cells:
                text = "\n".join(frame_lines(stack, frame) for frame in run)
                yield {"kind": "cell", "text": text}
            else:
                yield folded(list(run))


def in_cell(frame: traceback.FrameSummary) -> bool:
    """Return whether a frame is one of a cell's code."""
    return CELL.fullmatch(frame.filename) is not None


def shortened(
    frames: list[traceback.FrameSummary],
) -> list[tuple[int, list[traceback.FrameSummary]]]:
    """Return the frames in parts, each with how many were left out before it.

    An endless recursion has a thousand frames that say the same.
    """
    left_out = len(frames) - 2 * ENDS
    if left_out <= ENDS:
        return [(0, frames)]
    return [(0, frames[:ENDS]), (left_out, frames[-ENDS:])]


def folded(frames: list[traceback.FrameSummary]) -> dict[str, object]:
    """Return one part for the frames of libraries."""
    owners = [PACKAGE.findall(frame.filename) for frame in frames]
    names = [owner[-1] if owner else "Python" for owner in owners]
    text = "".join(
        f"  {frame.filename}, line {frame.lineno}, in {frame.name}\n    {frame.line}\n"
        for frame in frames
    )
    where = ", ".join(dict.fromkeys(names))
    return {"kind": "library", "count": len(frames), "where": where, "text": text}


def frame_lines(stack: traceback.StackSummary, frame: traceback.FrameSummary) -> str:
    """Return a frame of a cell: where it is, its source line, and what failed in it."""
    text = stack.format_frame_summary(frame)
    return CELL_LINE.sub(r"\1, line", text).rstrip("\n")


def last_lines(found: traceback.TracebackException) -> str:
    """Return what Python says last; for a syntax error, with its line and caret."""
    text = "".join(found.format_exception_only())
    return CELL_LINE.sub(r"\1, line", text).rstrip("\n")


def refuse_input(prompt: object = "") -> str:
    """Replace `input`: a page has no place to type an answer."""
    raise EOFError("a cell in the page cannot ask: write the answer into the code")


def prepare() -> None:
    """Replace what a browser tab does not have."""
    builtins.input = refuse_input
