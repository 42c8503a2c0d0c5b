"""Run all tests, part by part, and end with one line that counts them (`make test`)."""

import os
import shutil
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import build, process

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".movingparts" / "test"
SUMMARY = RESULTS / "summary.txt"

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


@dataclass(slots=True)
class Count:
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Count") -> None:
        """Count the tests of another part too."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def browser() -> str | None:
    """The Chromium to drive: the one named by CHROMIUM, or the first one found."""
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else BROWSERS:
        if found := shutil.which(name):
            return found
    return None


def read(report: Path) -> Count:
    """Count the tests in pytest's own report."""
    count = Count()
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  # ours
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        count.add(Count(int(suite.get("tests", 0)) - bad - skipped, bad, skipped))
    return count


def pytest(name: str, *arguments: str) -> Count:
    """Run pytest on one part of the tests.

    A part that ends badly without a failed test (nothing found, or a crash) counts
    as one failure.
    """
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *arguments]
    code = process.run(command)
    count = read(report) if report.is_file() else Count()
    if code and not count.failed:
        process.say(f"pytest ended with exit code {code}.", error=True)
        count.failed += 1
    return count


def unit() -> Count:
    """Structure, unit and contract tests, and the examples in docstrings."""
    return pytest("unit", "-n", "2", "--dist", "loadscope", "-q")


def labs() -> Count:
    """Each lab from top to bottom, its outputs compared with the committed ones."""
    return pytest(
        *("labs", "--nbval", "--nbval-cell-timeout", "60", "-q"),
        *("-p", "no:xdist", "--override-ini", "filterwarnings=", "labs"),
    )


def book() -> Count:
    """The book builds without a warning."""
    try:
        built = build.build()
    except build.WRONG as error:
        process.say(str(error), error=True)
        built = False
    return Count(passed=int(built), failed=int(not built))


def pages() -> Count:
    """The pages of the built book."""
    return pytest("pages", "--override-ini", "addopts=", *STRICT, "tests/book")


def screens() -> Count:
    """The pages in a browser."""
    return pytest(
        *("screens", "-n", "2", "--dist", "loadfile"),
        *("--override-ini", "addopts=", *STRICT, "tests/browser"),
    )


STRICT = ("--import-mode=importlib", "--strict-config", "--strict-markers", "-ra", "-q")


def run() -> Count:
    """Run all parts, in the order in which a mistake is found fastest."""
    total, lines = Count(), []

    def part(title: str, step: Callable[[], Count]) -> Count:
        process.say(f"\n=== {title} ===")
        began = time.monotonic()
        count = step()
        total.add(count)
        lines.append(f"  {title}: {count} in {time.monotonic() - began:.0f} s")
        return count

    part("structure, unit and contract tests", unit)
    part("labs", labs)
    built = part("book build", book)
    if built.failed:
        lines.append("  pages and browser: did not run, since the book was not built")
    else:
        part("pages of the book", pages)
        if chromium := browser():
            os.environ["CHROMIUM"] = chromium
            part("browser tests", screens)
        else:
            lines.append("  browser tests: DID NOT RUN, Chromium was not found")
            process.say(f"\n{NO_BROWSER}")
            if os.environ.get("REQUIRE_BROWSER") == "1":
                process.say("REQUIRE_BROWSER=1 makes that a failure.")
                total.failed += 1
    process.say("\n=== summary ===")
    for line in lines:
        process.say(line)
    return total


def main() -> int:
    """Run everything; 0 when no test failed."""
    process.end_like_ctrl_c()
    RESULTS.mkdir(parents=True, exist_ok=True)
    SUMMARY.unlink(missing_ok=True)
    try:
        total = run()
    except KeyboardInterrupt:
        process.say("\nInterrupted.")
        return 130
    SUMMARY.write_text(f"{total}\n", "utf-8")
    process.say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
