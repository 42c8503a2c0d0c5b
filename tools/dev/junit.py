"""Read pytest's own reports: how many tests ended how, and how long each took."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True, slots=True)
class Report:
    """One part of a run: its wall time in seconds, and each test's own."""

    count: Count
    wall: float
    seconds: dict[str, float]


def name(nodeid: str) -> str:
    """What a report calls a test, from what pytest calls it.

    >>> name("tests/labs/test_every_lab.py::test_it_runs[03-rules-inside]")
    'tests.labs.test_every_lab::test_it_runs[03-rules-inside]'
    """
    plain, bracket, parameters = nodeid.partition("[")
    file, *names = plain.split("::")
    *within, test = [file.removesuffix(".py").replace("/", "."), *names]
    return f"{'.'.join(within)}::{test}{bracket}{parameters}"


def read(file: Path) -> Report:
    """Read the report of one part."""
    count, wall, seconds = Count(), 0.0, {}
    for suite in ET.parse(file).getroot().iter("testsuite"):  # noqa: S314  # ours
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        count.add(Count(int(suite.get("tests", 0)) - bad - skipped, bad, skipped))
        wall += float(suite.get("time", 0))
        for case in suite.iter("testcase"):
            test = f"{case.get('classname')}::{case.get('name')}"
            seconds[test] = seconds.get(test, 0.0) + float(case.get("time", 0))
    return Report(count, wall, seconds)


def read_if_there(file: Path) -> Report:
    """Read a report; an empty one if there is none, or it was cut short."""
    try:
        return read(file)
    except (OSError, ET.ParseError):
        return Report(Count(), 0.0, {})


def write(file: Path, wall: float, seconds: dict[str, float]) -> None:
    """Write the report of a part that pytest did not run."""
    attributes = {"tests": str(len(seconds)), "time": f"{wall:.3f}"}
    suite = ET.Element("testsuite", attributes)
    for test, took in seconds.items():
        classname, _, own = test.partition("::")
        case = {"classname": classname, "name": own, "time": f"{took:.3f}"}
        ET.SubElement(suite, "testcase", case)
    ET.ElementTree(suite).write(file, "utf-8")
