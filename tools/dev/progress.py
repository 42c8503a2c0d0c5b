"""A pytest plugin that says how far a part of the tests is (`-p tools.dev.progress`).

In place of a dot for each test there is one line: how many are done, the time so
far and the time that is left, by what each test took in the run before. On a
terminal the line is rewritten; elsewhere there is a new one every ten seconds. A
failed test is named immediately.

`--chapter 03` leaves out all tests that do not belong to that chapter; `--within 90`,
those that took longest before, until the others took 90 seconds.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tools.dev import chapters, junit

EVERY = 10.0  # seconds between two lines
ON_TERMINAL = 0.2  # between two states of the one line


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(75.4)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Pace:
    """How much of the work is done, weighing each test by what it took before."""

    def __init__(self, before: dict[str, float]) -> None:
        self.before = before
        known = [*before.values()] or [1.0]
        self.usual = sum(known) / len(known)
        self.total = self.done = 0
        self._work = self._worked = 0.0

    def _weight(self, nodeid: str) -> float:
        return self.before.get(junit.name(nodeid), self.usual) + 0.001

    def fitting(self, nodeids: list[str], seconds: float) -> set[str]:
        """The quickest of these tests, as many as took so long together before."""
        found: set[str] = set()
        for nodeid in sorted(nodeids, key=self._weight):
            seconds -= self.before.get(junit.name(nodeid), 0.0)
            if seconds >= 0:
                found.add(nodeid)
        return found

    def collected(self, nodeids: list[str]) -> None:
        """Note all tests that will run."""
        self.total = len(nodeids)
        self._work = sum(map(self._weight, nodeids))

    def ended(self, nodeid: str) -> None:
        """Note that a test has ended."""
        self.done += 1
        self._worked += self._weight(nodeid)

    def left(self, elapsed: float) -> float:
        """Seconds until the last test ends, if it goes on like this."""
        return elapsed * (self._work - self._worked) / (self._worked or 1.0)

    def line(self, elapsed: float, later: float) -> str:
        """Return where this part is; `later` is what the parts after it took."""
        text = f"  {self.done} of {self.total} tests, {clock(elapsed)}"
        if not self._worked or self.done == self.total:
            return text
        left = self.left(elapsed)
        rest = f", with the parts after it {clock(left + later)}" if later else ""
        return f"{text}, about {clock(left)} left{rest}"


class Progress:
    """Writes the line in place of pytest's dots."""

    def __init__(self, terminal: TerminalReporter, pace: Pace, later: float) -> None:
        self.terminal, self.pace, self.later = terminal, pace, later
        self.began = self.text = time.monotonic()
        self.counting = False
        self.every = ON_TERMINAL if terminal.isatty() else EVERY

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests, where one process runs them all."""
        if session.items:
            self.collected([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(
        self, node: object, ids: list[str]
    ) -> None:
        """Count the tests, where several workers share them."""
        self.collected(ids)

    def collected(self, nodeids: list[str]) -> None:
        """Begin to count, and to take the time."""
        self.pace.collected(nodeids)
        self.began = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Iterator[None]:
        """Count a test's outcome without its dot."""
        category, letter, word = yield
        return (category, "", "") if self.counting else (category, letter, word)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Name what failed, and say from time to time how far it is."""
        self.counting = True
        yield
        self.counting = False
        if report.failed:
            self.terminal.write_line(f"  failed: {report.nodeid}", red=True)
        if report.when == "teardown":
            self.pace.ended(report.nodeid)
            self.report()

    def report(self) -> None:
        """Print how far it is, if that is due."""
        now = time.monotonic()
        last = self.pace.done == self.pace.total
        if now - self.text < self.every and not last:
            return
        self.text = now
        line = self.pace.line(now - self.began, self.later)
        if self.terminal.isatty():
            self.terminal.rewrite(line, erase=True)
        else:
            self.terminal.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `make test` passes to this plugin."""
    group = parser.getgroup("progress")
    group.addoption("--before", type=Path, help="the report of the run before")
    group.addoption("--later", type=float, default=0.0, help="seconds of later parts")
    group.addoption("--chapter", help="run only the tests of this chapter: 03")
    group.addoption("--within", type=float, help="leave out what took longest before")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take over the terminal, but not that of a worker."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(config, "workerinput"):
        return
    before = config.getoption("--before")
    known = junit.read_if_there(before).seconds if before else {}
    progress = Progress(terminal, Pace(known), config.getoption("--later"))
    config.pluginmanager.register(progress, "moving-parts-progress")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep the tests of one chapter, and what fits into the time, if that is asked."""
    kept = list(items)
    if number := config.getoption("--chapter"):
        owners = chapters.Owners(config.rootpath)
        kept = [item for item in kept if owners.of_test(item.nodeid) == number]
    if seconds := config.getoption("--within"):
        pace = Pace(junit.read_if_there(config.getoption("--before")).seconds)
        names = pace.fitting([item.nodeid for item in kept], seconds)
        kept = [item for item in kept if item.nodeid in names]
    known = set(map(id, kept))
    config.hook.pytest_deselected(items=[one for one in items if id(one) not in known])
    items[:] = kept
