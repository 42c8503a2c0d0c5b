"""Run what a change touches, in three minutes or less (`make check`).

A change is what differs from the branch `main`, or on it from its last commit, and
what git does not know yet. It touches:

- its own tests, and those that mirror a changed module's place or import it;
- of each chapter that it belongs to: the lab, the exercises, the modules' tests,
  and where a page has changed, the book and what is held of its pages;
- lint, and what holds for every file.

A browser is not opened: `make test CHAPTER=03` does that, and `make test` runs all.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.dev import chapters, junit, process, test

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".movingparts" / "check"
PACKAGE = chapters.PACKAGE
# Their tests need a built book, and take long: make test runs them.
BUILT = ("tests/book/", "tests/browser/")
ALWAYS = "tests/structure"
NEAR = 75.0  # seconds, on two workers, for the tests beside the change
MANY = 12  # files of tests that import one module; more, and its own must do


def git(*arguments: str) -> list[str]:
    """The lines that git says, or none where it knows no such thing."""
    command = ["git", *arguments]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result.stdout.splitlines() if result.returncode == 0 else []


def changed() -> list[str]:
    """The files that the change adds, changes or takes away."""
    [since] = git("merge-base", "HEAD", "main") or ["HEAD"]
    known = git("diff", "--name-only", "--no-renames", since)
    new = git("ls-files", "--others", "--exclude-standard")
    return sorted({*known, *new})


@dataclass(slots=True)
class Touched:
    """What a change touches."""

    tests: set[str] = field(default_factory=set)
    chapters: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)  # chapters whose text has changed
    typed: bool = False


class Change:
    """Finds what a list of files touches, in a copy of the repository."""

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.root, self.files = root, files
        self.owners = chapters.Owners(root)

    def touched(self) -> Touched:
        """What belongs to any of the files."""
        found = Touched(tests={ALWAYS})
        for file in self.files:
            found.tests.update(self.tests_of(file))
            if owner := self.owners.of_file(file):
                found.chapters.add(owner)
                if file.startswith("chapters/"):
                    found.pages.add(owner)
            found.typed = found.typed or file.startswith("src/")
        found.tests = {
            path
            for path in found.tests
            if self.owners.of_file(path) not in found.chapters
            and not found.tests & {one.as_posix() for one in Path(path).parents}
        }
        return found

    def tests_of(self, file: str) -> Iterator[str]:
        """The tests that a file is, mirrors or is imported by; none of a built book."""
        path = Path(file)
        if path.suffix != ".py" or file.startswith(BUILT):
            return
        if path.parts[0] == "tests":
            whole = not path.name.startswith("test_")
            yield from self.there(path.parent if whole else path)
        elif file.startswith(f"{PACKAGE}/"):
            yield from self.there(path)  # the examples in its docstrings
            yield from self.mirrors(path.relative_to(PACKAGE))
        elif path.parts[0] == "tools":
            yield from self.there(Path("tests", path.parent, f"test_{path.name}"))

    def mirrors(self, module: Path) -> Iterator[str]:
        """The tests in a module's place, or of its folders, and those that import it.

        Of city/billing/service.py, that is the first of these that is there:
        tests/city/billing/test_service.py, tests/city/test_billing.py, tests/city.
        """
        places = (module.with_suffix(""), *module.parents[:-1])
        near = [Path("tests", one.parent, f"test_{one.name}.py") for one in places]
        near += [Path("tests", module.parts[0])] if len(module.parts) > 1 else []
        yield from [name for path in near for name in self.there(path)][:1]
        importing = [*self.importing(module)]
        if len(importing) <= MANY:
            yield from importing

    def importing(self, module: Path) -> Iterator[str]:
        """The files of tests that name a module."""
        dotted = ".".join(("movingparts", *module.with_suffix("").parts))
        for path in sorted((self.root / "tests").rglob("test_*.py")):
            name = path.relative_to(self.root).as_posix()
            if not name.startswith(BUILT) and dotted in path.read_text("utf-8"):
                yield name

    def there(self, path: Path) -> Iterator[str]:
        """A path, if it is in the repository."""
        if (self.root / path).exists():
            yield path.as_posix()


def lint(*, typed: bool) -> test.Count:
    """Ruff; and where the package has changed, mypy and the order of its layers."""
    module = [sys.executable, "-m"]
    commands = [[*module, "ruff", "check", "-q"]]
    commands.append([*module, "ruff", "format", "--check", "-q"])
    if typed:
        commands.append([*module, "mypy"])
    failed = sum(bool(process.run(command)) for command in commands)
    return test.Count(len(commands) - failed, failed)


def near(tests: list[str]) -> test.Count:
    """The tests beside the change: of those that are known to be slow, some wait."""
    known = junit.read_if_there(test.RESULTS / "unit.xml").seconds
    begins = tuple(path.removesuffix(".py").replace("/", ".") for path in tests)
    long = sum(took for name, took in known.items() if name.startswith(begins)) / 2
    if long > NEAR:
        process.report(f"All would take {long:.0f} s: the slowest wait for make test.")
    this = test.Run(RESULTS)
    (RESULTS / "before").mkdir(parents=True, exist_ok=True)
    if known:
        shutil.copy(test.RESULTS / "unit.xml", this.before("near"))
    return this.pytest("near", *test.SHARED, f"--within={2 * NEAR:.0f}", *tests)


def run(found: Touched) -> test.Count:
    """Run what is touched, the quickest first."""
    process.report("\n=== lint ===")
    total = lint(typed=found.typed)
    process.report("\n=== tests beside the change ===")
    total.add(near(sorted(found.tests)))
    for number in sorted(found.chapters):
        process.report(f"\n=== chapter {number} ===")
        this = test.Run(RESULTS / f"chapter-{number}", number)
        this.put_aside(("unit", "book", "pages"))
        total.add(this.unit())
        if number in found.pages:
            built = this.book()
            total.add(built)
            if not built.failed:
                total.add(this.pages())
    return total


def main() -> int:
    """Run what the change touches; 0 when no test failed."""
    process.end_like_ctrl_c()
    began = time.monotonic()
    files = changed()
    if not files:
        process.report("Nothing has changed; make test runs everything.")
        return 0
    try:
        total = run(Change(ROOT, files).touched())
    except KeyboardInterrupt:
        process.report("\nInterrupted.")
        return 130
    process.report(f"\n{total}, in {time.monotonic() - began:.0f} s.")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
