"""Run all tests, part by part, and end with one line that counts them.

    make test             everything, as CI runs it
    make test CHAPTER=03  one chapter: its lab, exercises, modules, pages

Each part says how far it is (tools/dev/progress.py) and leaves a report in
.movingparts/test, from which the next run predicts the time and `make budget` sums
up what each chapter costs.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.dev import chapters, junit, process
from tools.dev.junit import Count
from tools.site import build

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".movingparts" / "test"

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)

NO_BROWSER = """\
Chromium was not found, so the browser tests did not run.
  Debian:  apt-get install chromium
  Ubuntu:  snap install chromium
  Fedora:  dnf install chromium
  macOS:   brew install --cask chromium
Or name one that is installed: CHROMIUM=/path/to/chrome make test"""

STRICT = ("--override-ini", "addopts=", "--import-mode=importlib")
STRICT += ("--strict-config", "--strict-markers", "-ra")
SHARED = ("-n", "2", "--dist", "worksteal")
GROUPED = ("-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")
NOTHING_FOUND = 5  # pytest's exit code when no test was selected


def browser() -> str | None:
    """The Chromium to drive: the one named by CHROMIUM, or the first one found."""
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else BROWSERS:
        if found := shutil.which(name):
            return found
    return None


@dataclass(slots=True)
class Run:
    """One run of the tests: all of them, or those of one chapter.

    `results` is the folder of its reports; those of the run before move into
    `results/before`.
    """

    results: Path = RESULTS
    chapter: str | None = None
    later: float = 0.0  # seconds that the parts after this one took before

    def report(self, part: str) -> Path:
        """The report of a part."""
        return self.results / f"{part}.xml"

    def before(self, part: str) -> Path:
        """The report of the same part in the run before."""
        return self.results / "before" / f"{part}.xml"

    def put_aside(self, parts: tuple[str, ...]) -> None:
        """Keep the reports of the run before, and make room for new ones."""
        (self.results / "before").mkdir(parents=True, exist_ok=True)
        for part in parts:
            if self.report(part).is_file():
                self.report(part).replace(self.before(part))

    def pytest(self, part: str, *arguments: str) -> Count:
        """Run pytest on one part of the tests.

        A part that ends badly without a failed test (nothing found, or a crash)
        counts as one failure; a chapter alone may have no test in a part.
        """
        report = self.report(part)
        command = [sys.executable, "-m", "pytest", "-p", "tools.dev.progress", "-q"]
        command += [f"--junit-xml={report}", f"--before={self.before(part)}"]
        command += [f"--later={self.later:.0f}", *arguments]
        if self.chapter:
            command.append(f"--chapter={self.chapter}")
        code = process.run(command)
        count = junit.read_if_there(report).count
        if code == NOTHING_FOUND and self.chapter:
            return count
        if code and not count.failed:
            process.report(f"pytest ended with exit code {code}.", error=True)
            count.failed += 1
        return count

    def unit(self) -> Count:
        """Structure, unit and contract tests, examples in docstrings, and the labs."""
        return self.pytest("unit", *SHARED)

    def book(self) -> Count:
        """The book builds without a warning."""
        began = time.monotonic()
        try:
            built = build.build()
        except build.WRONG as error:
            process.report(str(error), error=True)
            built = False
        wall = time.monotonic() - began
        junit.write(self.report("book"), wall, build.times(wall))
        return Count(passed=int(built), failed=int(not built))

    def pages(self) -> Count:
        """The pages of the built book."""
        return self.pytest("pages", *GROUPED, *STRICT, "tests/book")

    def screens(self) -> Count:
        """The pages in a browser."""
        return self.pytest("screens", *GROUPED, *STRICT, "tests/browser")


PARTS: dict[str, tuple[str, Callable[[Run], Count]]] = {
    "unit": ("structure, units, contracts and labs", Run.unit),
    "book": ("book build", Run.book),
    "pages": ("pages of the book", Run.pages),
    "screens": ("pages in a browser", Run.screens),
}


def run(this: Run) -> Count:
    """Run all parts, in the order in which a mistake is found fastest."""
    total, lines, built = Count(), [], True
    this.put_aside((*PARTS,))
    hung = RESULTS / "hung.txt"
    hung.unlink(missing_ok=True)
    took = {part: junit.read_if_there(this.before(part)).wall for part in PARTS}
    chromium = browser()
    for number, (part, (title, step)) in enumerate(PARTS.items(), 1):
        if not built:
            lines.append(f"  {title}: did not run, since the book was not built")
            continue
        if part == "screens":
            if not chromium:
                lines.append(f"  {title}: DID NOT RUN, Chromium was not found")
                total.failed += without_browser()
                continue
            os.environ["CHROMIUM"] = chromium
        this.later = sum(list(took.values())[number:])
        process.report(f"\n=== part {number} of {len(PARTS)}: {title} ===")
        began = time.monotonic()
        count = step(this)
        total.add(count)
        lines.append(f"  {title}: {count} in {time.monotonic() - began:.0f} s")
        built = built and not (part == "book" and count.failed)
    if hung.is_file():  # tests/browser/hung.py: the tests went on, and yet
        process.report(f"\n{hung.read_text('utf-8')}")
    process.report("\n".join(["", "=== summary ===", *lines]))
    return total


def without_browser() -> int:
    """Print how to get a browser; return how many failures it is that there is none."""
    process.report(f"\n{NO_BROWSER}")
    if os.environ.get("REQUIRE_BROWSER") != "1":
        return 0
    process.report("REQUIRE_BROWSER=1 makes that a failure.")
    return 1


def chosen(arguments: list[str]) -> Run | None:
    """The run that the command line asks for; None for a chapter that is not there."""
    if not arguments:
        return Run()
    number = arguments[0][:2].zfill(2)
    written = [name[:2] for name in chapters.names(ROOT)]
    if number not in written:
        there = ", ".join(written)
        process.report(f"There is no chapter {arguments[0]}: {there}.", error=True)
        return None
    return Run(RESULTS / f"chapter-{number}", number)


def main() -> int:
    """Run what is asked for; 0 when no test failed."""
    process.end_like_ctrl_c()
    this = chosen(sys.argv[1:])
    if this is None:
        return 2
    this.results.mkdir(parents=True, exist_ok=True)
    summary = this.results / "summary.txt"
    summary.unlink(missing_ok=True)
    try:
        total = run(this)
    except KeyboardInterrupt:
        process.report("\nInterrupted.")
        return 130
    summary.write_text(f"{total}\n", "utf-8")
    process.report(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
