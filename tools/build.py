"""Build the book, and only what has changed.

Jupyter Book remembers which pages and which cells changed. It does not see three
things, which are seen to here: a change in the code that the cells import (their
outputs are then made anew), a change in the book's own extension (all pages are
then written anew), and a build that failed (its warnings would be forgotten).
"""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools import frontend, lite, process, pyodide, scripts, search
from tools.alone import alone

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
BUILD = BOOK / "_build"
SITE = BUILD / "dirhtml"
STATE = BUILD / "built-from.json"

# What the outputs of the pages are made of, besides their own cells.
EXECUTED = ("src", "bench/measured", "requirements.lock")
# What the pages look like, besides their own text.
RENDERED = ("book/_ext", "book/_templates", "book/_config.yml", "book/_toc.yml")

COMMAND = (
    *("-c", "from jupyter_book.cli.main import main; main()", "build", "."),
    *("--config", "book/_config.yml", "--toc", "book/_toc.yml"),
    *("--path-output", "book", "--builder", "dirhtml"),
    *("-W", "-n", "--keep-going"),
)

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


def build() -> bool:
    """Build the book into book/_build/dirhtml; True when there was no warning.

    Raises:
        FrontEndError: the front-end parts could not be installed.
        ScriptError: a script of the book has a mistake.
        KitError: what runs in the browser could not be fetched.
        LiteError: JupyterLite could not be built.
        SearchError: the search index could not be made.
    """
    with alone("build"):
        return _build()


def _build() -> bool:
    began = time.monotonic()
    frontend.install()
    env = frontend.environment()
    if process.run([sys.executable, "tools/vendor.py"], env=env):
        return False
    scripts.bundle()
    state = {"executed": digest(EXECUTED), "rendered": digest(RENDERED)}
    before = json.loads(STATE.read_text("utf-8")) if STATE.is_file() else {}
    STATE.unlink(missing_ok=True)
    if before.get("executed") != state["executed"]:
        shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
    if before != state:
        # Also after a failed build, whose warnings come only when pages are read.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        shutil.rmtree(SITE, ignore_errors=True)
    failed = process.run([sys.executable, *COMMAND], env=env)
    if not failed:
        refresh_static()
        pyodide.assemble(SITE)
        lite.build(SITE)
        finish = [sys.executable, "-m", "tools.postbuild", str(SITE.relative_to(ROOT))]
        failed = process.run(finish, env=env)
    if not failed:
        search.index(SITE)
        STATE.write_text(json.dumps(state), "utf-8")
        print(f"The book is built in {time.monotonic() - began:.0f} s.", flush=True)
    else:
        print("The book was not built: see the warnings above.", file=sys.stderr)
    return not failed


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
