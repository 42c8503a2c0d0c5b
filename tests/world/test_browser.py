"""A world that needs sockets, in a notebook that runs where there are none."""

import asyncio
import contextlib
import io

import pytest
from IPython.core.interactiveshell import InteractiveShell

from movingparts.world.browser import Absence, LocalWorld, NeedsLocalKernel, bound_by

OPEN = "world = await LocalWorld.open(seed=7)\nreply = 1\nreply, world"
NEEDED = (
    "This part needs sockets, which a browser tab does not have:"
    " run the lab locally with `make serve`.\n"
)


class Notebook(InteractiveShell):
    """A shell that notes errors as the kernel in a tab does: by `_showtraceback`."""

    def _showtraceback(self, etype, evalue, stb):
        self.failed = f"{etype.__name__}: {evalue}"

    def cell(self, code: str) -> str:
        """Run a cell as a whole; return what it printed, or how it failed."""
        self.failed = ""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            asyncio.run(self.run_cell_async(code, transformed_cell=code))
        return self.failed or printed.getvalue()


@pytest.fixture
def notebook() -> Notebook:
    shell = Notebook()
    shell.user_ns["LocalWorld"] = LocalWorld
    Absence(shell)
    return shell


def test_opening_a_local_world_prints_one_line(notebook: Notebook) -> None:
    assert notebook.cell(OPEN) == NEEDED


def test_an_async_with_prints_the_same_line(notebook: Notebook) -> None:
    assert notebook.cell("async with LocalWorld() as w:\n    x = 1") == NEEDED
    assert notebook.cell("w") == "This cell needs `w`, which needs a local kernel.\n"


def test_a_world_that_was_never_opened_says_so_too(notebook: Notebook) -> None:
    assert notebook.cell("world = LocalWorld()\nworld.node('rides')") == NEEDED


def test_what_the_cell_would_have_bound_is_said_to_be_needed(notebook) -> None:
    notebook.cell(OPEN)
    for name in ("world", "reply"):
        text = notebook.cell(f"{name}.name")
        assert text == f"This cell needs `{name}`, which needs a local kernel.\n"


def test_what_such_a_cell_would_have_bound_is_needed_in_turn(notebook) -> None:
    notebook.cell(OPEN)
    notebook.cell("later = [1]\nbefore = world.report(later)\nbefore")
    assert "`before`, which needs a local kernel" in notebook.cell("before")
    assert notebook.cell("print(later)") == "[1]\n"


def test_a_function_that_uses_it_says_so_when_it_is_called(notebook) -> None:
    notebook.cell(OPEN)
    assert notebook.cell("async def ask():\n    return world.client('dock')") == ""
    assert "This cell needs `world`" in notebook.cell("answer = await ask()")


def test_any_other_name_error_is_shown_as_usual(notebook: Notebook) -> None:
    notebook.cell(OPEN)
    assert notebook.cell("wrld") == "NameError: name 'wrld' is not defined"
    local = "def f():\n    print(world)\n    world = 1\nf()"
    assert notebook.cell(local).startswith("UnboundLocalError")
    assert notebook.cell("1 / 0") == "ZeroDivisionError: division by zero"


def test_a_name_that_was_bound_since_is_an_ordinary_one(notebook) -> None:
    """The reader puts a simulated world in its place, and deletes it again."""
    notebook.cell(OPEN)
    notebook.cell("world = 'simulated'")
    assert notebook.cell("print(world)") == "simulated\n"
    notebook.cell("del world")
    assert notebook.cell("world") == "NameError: name 'world' is not defined"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a = b = await f()", {"a", "b"}),
        ("for i, (j, *k) in x:\n    y = 1", {"i", "j", "k", "y"}),
        ("async with f() as g, h() as q: pass", {"g", "q"}),
        ("import a.b, c as d\nfrom e import f as g, h", {"a", "d", "g", "h"}),
        ("def f(x):\n    y = 1\nclass C:\n    z = 1", {"f", "C"}),
        ("[x for x in y]; {k: v for k, v in z}; lambda p: p", set()),
        ("if (n := 1):\n    a.b = c[0] = 2", {"n"}),
        ("try:\n    a = 1\nexcept E:\n    b = 2", {"a", "b"}),
        ("not python at all", set()),
    ],
)
def test_a_cell_binds_what_python_would_bind(code: str, names: set[str]) -> None:
    assert names == bound_by(code)


def test_outside_a_notebook_it_is_an_exception() -> None:
    with pytest.raises(NeedsLocalKernel, match="needs sockets"):
        asyncio.run(LocalWorld.open(seed=7))
