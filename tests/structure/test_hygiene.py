"""What no file of the repository holds."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together from halves, so that this file does not hold what it looks for.
INDEXES = [
    "".join(halves)
    for halves in (
        ("pypi", ".org"),
        ("files.python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("registry.yarn", "pkg.com"),
        ("conda.ana", "conda.org"),
        ("deb.", "debian.org"),
        ("--index", "-url"),
        ("--extra-index", "-url"),
        ("--find", "-links"),
    )
]
MACHINE = [
    "".join(halves)
    for halves in (
        ("/work", "/main"),
        ("/work", "/shared"),
        ("/work", "/.library"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/Us", "ers/"),
        (".py", "env/"),
        ("/tmp/", "uvenv"),
    )
]
UNDONE = re.compile("|".join(("TODO", "FIXME", "pragma: no cover")))
SILENCED = re.compile(r"#\s*(?:type: ignore|noqa)\b(?P<rest>.*)")
REASONED = re.compile(
    r"(?:\[[\w-]+(?:, ?[\w-]+)*\]|: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)\s+# \S"
)


@cache
def texts() -> dict[str, str]:
    """All files that are, or are about to be, in the repository, as text."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                found[name] = data.decode("utf-8")
    return found


def holding(words: list[str], *, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}: {word}"
        for name, text in texts().items()
        for word in words
        if word in text and not name.startswith(but)
    ]


def test_there_are_files_to_look_at() -> None:
    assert {"README.md", "pyproject.toml", "Makefile"} <= set(texts())


def test_no_file_names_a_package_index() -> None:
    assert [] == holding(INDEXES)


def test_no_file_names_a_path_of_a_machine() -> None:
    assert [] == holding(MACHINE)


def test_no_python_version_is_prescribed_to_version_managers() -> None:
    """A .python-version would send a newcomer's pyenv after one exact version."""
    assert [] == [name for name in texts() if Path(name).name == ".python-version"]


def test_nothing_is_left_for_later_in_the_code() -> None:
    code = {name: text for name, text in texts().items() if name.endswith(".py")}
    assert [] == [name for name, text in code.items() if UNDONE.search(text)]


def test_each_silenced_rule_has_its_reason() -> None:
    """As in `value = f()  # noqa: S101  # why`."""
    bare = []
    for name, text in texts().items():
        if name.endswith(".py"):
            for number, line in enumerate(text.splitlines(), 1):
                silenced = SILENCED.search(line)
                if silenced and not REASONED.match(silenced["rest"]):
                    bare.append(f"{name}:{number}: {line.strip()}")
    assert [] == bare


@pytest.mark.parametrize(
    ("line", "reasoned"),
    [
        ("x = 1  # noqa: S101  # it is ours", True),
        ("x = 1  # noqa: S101", False),
        ("x = 1  # noqa", False),
        ("x = 1  # type: ignore[arg-type]  # fakes", True),
        ("x = 1  # type: ignore[arg-type]", False),
        ("x = 1  # type: ignore", False),
    ],
)
def test_a_reason_is_recognized(line: str, reasoned: bool) -> None:
    silenced = SILENCED.search(line)
    assert silenced
    assert reasoned == bool(REASONED.match(silenced["rest"]))


def test_nothing_listens_to_other_machines() -> None:
    every = ".".join(("0", "0", "0", "0"))
    code = (".py", ".sh", ".ipynb", "Makefile", ".yml", ".yaml", ".json", ".toml")
    found = [name for name, text in texts().items() if every in text]
    assert [] == [name for name in found if name.endswith(code)]
