"""What belongs to which chapter: its text, lab, exercises, modules and tests.

Nothing is listed by hand. Files and tests belong to a chapter by its name, NN-slug,
or its number; a module, by being the first chapter's that prints it or imports it.
Everything else is the base of all chapters.
"""

import re
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

PRINTED = re.compile(r"^[`:]{3,}\{literalinclude\}\s+(\S+)", re.MULTILINE)
IMPORTED = re.compile(r"^\s*(?:from|import)\s+movingparts\.([\w.]+)", re.MULTILINE)
NUMBERED = re.compile(r"(?<![a-z])ch(?:apter)?[-_]?(\d\d)(?!\d)")
EXERCISE = re.compile(r"(?<![\w.])(\d{1,2})[.-]\d(?![\w.]|-\d)")
# A parameter like 3.2 is an exercise in these folders of tests; elsewhere, a number.
WITH_EXERCISES = ("book", "browser", "check", "labs", "pyodide")
# What many chapters print from and none owns: whole packages of the package.
PACKAGE = "src/movingparts"
SHARED = ("bus", "check", "core", "draw", "eventstore", "world")


def names(root: Path) -> list[str]:
    """The names of all chapters, in order: each is a folder of pages."""
    found = (root / "chapters").glob("[0-9][0-9]-*")
    return sorted(path.name for path in found)


def pages(root: Path, chapter: str) -> list[Path]:
    """The pages of a chapter, in order: its index, then those with a number."""
    folder = root / "chapters" / chapter
    return [folder / "index.md", *sorted(folder.glob("[0-9]*.md"))]


def printed(page: Path) -> list[Path]:
    """The files that a page prints from source."""
    found = PRINTED.findall(page.read_text("utf-8"))
    return [(page.parent / name).resolve() for name in found]


def tracked(root: Path) -> list[str]:
    """All files that are, or are about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    result = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=True
    )
    listed = sorted(set(filter(None, result.stdout.split("\0"))))
    return [name for name in listed if (root / name).is_file()]


class Owners:
    """Finds the chapter that each file and each test belongs to, by number."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.chapters = {name[:2]: name for name in names(root)}

    @cached_property
    def modules(self) -> dict[str, str]:
        """The chapter of each module that is not shared, by the module's path."""
        found: dict[str, str] = {}
        for number, name in self.chapters.items():
            for page in pages(self.root, name):
                for path in self._of_page(page):
                    found.setdefault(path, number)
        return found

    def _of_page(self, page: Path) -> Iterator[str]:
        """The chapter's modules that a page prints, and the mechanisms it imports."""
        for path in printed(page):
            if path.is_file() and path.is_relative_to(self.root / PACKAGE):
                within = path.relative_to(self.root / PACKAGE)
                in_context = within.parts[0] == "city" and len(within.parts) > 2
                if within.parts[0] not in SHARED and not in_context:
                    yield path.relative_to(self.root).as_posix()
        for module in IMPORTED.findall(page.read_text("utf-8")):
            parts = module.split(".")
            path = self.root.joinpath(PACKAGE, *parts).with_suffix(".py")
            if path.is_file() and parts[0] not in (*SHARED, "city", "scenes"):
                yield path.relative_to(self.root).as_posix()

    @cached_property
    def tests(self) -> dict[str, str]:
        """The chapter of each file of tests that mirrors a module, by its path."""
        found = {}
        for path, number in self.modules.items():
            folder, _, module = path.removeprefix(f"{PACKAGE}/").rpartition("/")
            test = "/".join(filter(None, ("tests", folder, f"test_{module}")))
            found[test] = number
        return found

    def of_name(self, text: str) -> str | None:
        """The chapter that a path or a parameter names."""
        for number, name in self.chapters.items():
            if name in text or name.replace("-", "_") in text:
                return number
        numbered = NUMBERED.search(text)
        return numbered[1] if numbered and numbered[1] in self.chapters else None

    def of_file(self, path: str) -> str | None:
        """The chapter of a file of the repository; None for the base."""
        own = self.modules.get(path) or self.tests.get(path)
        return own or self.of_name(path)

    def of_case(self, name: str) -> str | None:
        """The chapter of a test, by the name that a report gives it."""
        within, _, test = name.partition("::")
        file = f"{within.replace('.', '/')}.py"
        around = f"{file.rpartition('/')[0]}.py"
        if (self.root / around).is_file():  # the last part is a class
            file = around
        return self.of_test(f"{file}::{test}")

    def of_test(self, test: str) -> str | None:
        """The chapter of a test, by pytest's name for it; None for the base."""
        file, _, names = test.partition("::")
        if own := self.of_file(file) or self.of_name(names):
            return own
        folder = file.split("/")[1:2]
        _, _, parameters = names.partition("[")
        if folder and folder[0] in WITH_EXERCISES:
            for number in EXERCISE.findall(parameters):
                if f"{int(number):02}" in self.chapters:
                    return f"{int(number):02}"
        return None
