"""What a package imports: its own system's modules, read and never run."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from movingparts.strategy.imports import imports_of

Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Return a function that writes a system of packages, and a file of one of them."""

    def write(code: str, file: str = "service.py") -> Path:
        for package in ("city", "city/rides", "city/rides/inner", "city/billing"):
            (tmp_path / package).mkdir(exist_ok=True)
            (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / "city" / "money.py").write_text("class Money: ...\n")
        (tmp_path / "city" / "billing" / "model.py").write_text("")
        (tmp_path / "city" / "rides" / file).write_text(textwrap.dedent(code))
        return tmp_path / "city" / "rides"

    return write


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import city.money", ("city.money",)),
        ("import city.money as m, city.billing", ("city.billing", "city.money")),
        ("from city import money", ("city.money",)),
        ("from city.money import Money", ("city.money",)),
        ("from city.money import *", ("city.money",)),
        ("from city import billing", ("city.billing",)),
        ("from city import NAME", ("city",)),
        ("from .. import money", ("city.money",)),
        ("from ..money import Money", ("city.money",)),
        ("from ..billing.model import Fare", ("city.billing.model",)),
        ("def late():\n    from city import money", ("city.money",)),
        ("try:\n    import city.money\nexcept ImportError:\n    ...", ("city.money",)),
        # its own, a library's, the standard library's
        ("from . import inner", ()),
        ("from .inner import x", ()),
        ("import city.rides.inner", ()),
        ("import asyncio, httpx", ()),
        ("from citylights import lamp", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_an_import_is_the_module_that_it_brings(
    written: Written, code: str, expected: tuple[str, ...]
) -> None:
    assert expected == imports_of(written(code))


def test_a_package_inside_counts_with_the_package(written: Written) -> None:
    """What lies deeper imports for the whole; its dots are counted from where it is."""
    written("from ...money import Money", "inner/deep.py")
    assert ("city.money",) == imports_of(written("from . import inner"))
    assert ("city.money",) == imports_of(written("").joinpath("inner"))


def test_what_is_written_twice_is_there_once_and_in_order(written: Written) -> None:
    written("from city import money", "again.py")
    code = "import city.money\nimport city.billing\nfrom city.money import Money"
    assert ("city.billing", "city.money") == imports_of(written(code))


def test_what_only_type_checkers_see_does_not_count(written: Written) -> None:
    """The branch that runs counts, and so does any other condition."""
    code = """
    import typing
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from city import money
    elif typing.TYPE_CHECKING:
        from city import money
    else:
        import city.billing
    """
    assert ("city.billing",) == imports_of(written(code))
    code = "DEBUG = True\nif DEBUG:\n    from city import money\n"
    assert ("city.money",) == imports_of(written(code))


def test_code_is_read_and_not_run(written: Written) -> None:
    assert ("city.money",) == imports_of(written("from city import money\n1 / 0"))


def test_a_name_on_the_way_does_not_matter(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path to the folder says the same as an absolute one."""
    folder = written("from ..money import Money")
    monkeypatch.chdir(folder.parent)
    assert imports_of(folder) == imports_of(Path("rides"))


def test_a_top_level_package_imports_nothing_from_outside(written: Written) -> None:
    assert () == imports_of(written("from city import money").parent)


def test_a_folder_without_init_is_refused(written: Written) -> None:
    with pytest.raises(ValueError, match=r"is no package: it has no __init__\.py"):
        imports_of(written("").parent.parent)


def test_an_import_that_leaves_the_system_is_refused(written: Written) -> None:
    """The file and the line are named."""
    expected = r"^line 2 of city/rides/service\.py imports from above city$"
    with pytest.raises(ValueError, match=expected):
        imports_of(written("\nfrom ....elsewhere import x"))


def test_what_is_no_python_is_refused(written: Written) -> None:
    with pytest.raises(SyntaxError):
        imports_of(written("def"))


def test_this_book_imports_one_way() -> None:
    """On real code: draw reads recordings, and the core reads nothing above it."""
    package = Path(__file__).parents[2] / "src" / "movingparts"
    assert "movingparts.core.recording" in imports_of(package / "draw")
    assert () == imports_of(package / "core")
