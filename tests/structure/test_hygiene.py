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
LATER = ["".join(halves) for halves in (("TO", "DO"), ("FIX", "ME"), ("no ", "cover"))]
SILENCED = re.compile(r"#\s*(?:type: ignore|noqa)\b(?P<rest>.*)")
REASONED = re.compile(
    r"(?:\[[\w-]+(?:, ?[\w-]+)*\]|: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)\s+(?:# )?[^\s#]"
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
    assert [] == [found for found in holding(LATER) if ".py: " in found]


def test_each_silenced_rule_has_its_reason() -> None:
    """The rule's name, two spaces, and after a second # the reason."""
    bare = []
    for name, text in texts().items():
        if name.endswith(".py"):
            for number, line in enumerate(text.splitlines(), 1):
                silenced = SILENCED.search(line)
                if silenced and not REASONED.match(silenced["rest"]):
                    bare.append(f"{name}:{number}: {line.strip()}")
    assert [] == bare


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("{noqa}: S101  # it is ours", True),
        ("{noqa}: S101, S102  # both are ours", True),
        ("{noqa}: S101", False),
        ("{noqa}", False),
        ("{ignore}[arg-type]  # a fake", True),
        ("{ignore}[arg-type]", False),
        ("{ignore}", False),
    ],
)
def test_a_reason_is_recognized(comment: str, *, reasoned: bool) -> None:
    words = {"noqa": "no" + "qa", "ignore": "type: " + "ignore"}
    silenced = SILENCED.search("x = 1  # " + comment.format(**words))
    assert silenced
    assert reasoned == bool(REASONED.match(silenced["rest"]))


def test_nothing_listens_to_other_machines() -> None:
    every = ".".join("0" * 4)
    code = (".py", ".sh", ".ipynb", "Makefile", ".yml", ".yaml", ".json", ".toml")
    found = [name for name, text in texts().items() if every in text]
    assert [] == [name for name in found if name.endswith(code)]
