"""Build the book, and only what has changed.

Jupyter Book remembers which pages and which cells changed. It does not see three
things, which are seen to here: a change in the code that the cells import (their
outputs are then made again), a change in the book's own extension (all pages are
then written again), and a build that failed (its warnings would be forgotten).
"""

import hashlib
import json
import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from tools.browser import lite, pyodide
from tools.dev import process
from tools.dev.alone import alone
from tools.site import frontend, scripts, search

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
BUILD = BOOK / "_build"
SITE = BUILD / "dirhtml"
STATE = BUILD / "built-from.json"
LOG = ROOT / ".movingparts" / "build.log"

# What the outputs of the pages depend on, apart from their own cells.
EXECUTED = ("src", "bench/measured", "requirements.lock")
# What the look of the pages depends on, apart from their own text.
RENDERED = ("book/_ext", "book/_templates", "book/_config.yml", "book/_toc.yml")

COMMAND = (
    *("-c", "from jupyter_book.cli.main import main; main()", "build", "."),
    *("--config", "book/_config.yml", "--toc", "book/_toc.yml"),
    *("--path-output", "book", "--builder", "dirhtml"),
    *("-W", "-n", "--keep-going"),
)

BEGUN = re.compile(r"(\S+?)(?:\.md)?: Executing notebook ")
EXECUTED_IN = re.compile(r"(\S+?)(?:\.md)?: Executed notebook in ([\d.]+) seconds")
# What each kernel says on its errors: it listens on 127.0.0.1 alone.
ROUTINE = ("Kernel is running over TCP without encryption",)
PATIENCE = 5.0  # seconds between two lines that say how far the build is

# What can go wrong, each with a message that says what to do.
WRONG = (
    frontend.FrontEndError,
    lite.LiteError,
    pyodide.KitError,
    scripts.ScriptError,
    search.SearchError,
)


def files(places: Iterable[str]) -> Iterator[Path]:
    """All files in these places, in an order that does not change."""
    for place in places:
        path = ROOT / place
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def digest(places: Iterable[str]) -> str:
    """One hash of the names and contents of the files in these places."""
    known = hashlib.sha256(sys.version.encode())
    for file in files(places):
        known.update(file.relative_to(ROOT).as_posix().encode())
        known.update(file.read_bytes())
    return known.hexdigest()


def refresh_static() -> None:
    """Copy changed files of book/_static, which an incremental build leaves out."""
    source, target = BOOK / "_static", SITE / "_static"
    for file in files(["book/_static"]):
        copy = target / file.relative_to(source)
        if copy.exists() and copy.read_bytes() == file.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


class Log:
    """Keeps what the tools say in a file; the terminal gets what is wrong.

    And from time to time, the name of the page that is being run.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text = time.monotonic()

    def output(self, line: str) -> None:
        """Keep a line, and name the page that it says is being run."""
        self.file.write(f"{line}\n")
        begun = BEGUN.search(line)
        if begun and time.monotonic() - self.text > PATIENCE:
            self.text = time.monotonic()
            process.report(f"  running {Path(begun[1]).relative_to(ROOT)}")

    def errors(self, line: str) -> None:
        """Show a line in full, unless it is known to mean nothing."""
        self.file.write(f"{line}\n")
        if not any(known in line for known in ROUTINE):
            process.report(line, error=True)

    def run(self, command: Sequence[str], env: Mapping[str, str]) -> int:
        """Run a program; give its exit code."""
        return process.watch(
            [sys.executable, *command], self.output, self.errors, env=env
        )


def times(wall: float) -> dict[str, float]:
    """Seconds that each page took to run in the last build, and the rest of it."""
    found = {}
    if LOG.is_file():
        for page, seconds in EXECUTED_IN.findall(LOG.read_text("utf-8")):
            found[f"{Path(page).relative_to(ROOT)}::run"] = float(seconds)
    return {**found, "book::build": max(0.0, wall - sum(found.values()))}


def build() -> bool:
    """Build the book into book/_build/dirhtml; True when there was no warning.

    Raises:
        FrontEndError: the front-end parts could not be installed.
        ScriptError: a script of the book has a mistake.
        KitError: what runs in the browser could not be fetched.
        LiteError: JupyterLite could not be built.
        SearchError: the search index could not be made.
    """
    with alone("build"), LOG.open("w", encoding="utf-8") as file:
        return _build(Log(file))


def _build(log: Log) -> bool:
    began = time.monotonic()
    process.report(f"Building the book; {LOG.relative_to(ROOT)} has the details.")
    frontend.install()
    env = {**frontend.environment(), "PYTHONUNBUFFERED": "1"}
    built = not log.run(["tools/site/vendor.py"], env) and _write(log, env)
    if built:
        process.report(f"The book is built in {time.monotonic() - began:.0f} s.")
    else:
        process.report("The book was not built: see the warnings above.", error=True)
    return built


def _write(log: Log, env: Mapping[str, str]) -> bool:
    scripts.bundle()
    state = {"executed": digest(EXECUTED), "rendered": digest(RENDERED)}
    forget(state)
    if log.run(["-m", "tools.site.execute"], env) or log.run(COMMAND, env):
        return False
    refresh_static()
    process.report("  adding Pyodide, JupyterLite and the search")
    pyodide.assemble(SITE)
    lite.build(SITE)
    if log.run(["-m", "tools.site.postbuild", str(SITE.relative_to(ROOT))], env):
        return False
    search.index(SITE)
    STATE.write_text(json.dumps(state), "utf-8")
    return True


def forget(state: Mapping[str, str]) -> None:
    """Remove what an earlier build made of other code, and its state."""
    before = json.loads(STATE.read_text("utf-8")) if STATE.is_file() else {}
    STATE.unlink(missing_ok=True)
    if before.get("executed") != state["executed"]:
        shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
    if before != state:
        # Also after a failed build, whose warnings come only when pages are read.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        shutil.rmtree(SITE, ignore_errors=True)


def main() -> int:
    """Build; 0 when it went well."""
    process.end_like_ctrl_c()
    try:
        return 0 if build() else 1
    except WRONG as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
