"""Bundle the book's scripts (book/_js) into book/_static/vendor/js with esbuild.

Each file of book/_js that is not imported by another one only is an entry point and
keeps its name; what several share becomes a chunk, and what is imported on demand is
loaded on demand. Run it before the book is built: pages name the files it writes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.site import frontend

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "book" / "_js"
TARGET = ROOT / "book" / "_static" / "vendor" / "js"
BUNDLE = (
    *("--bundle", "--minify", "--format=esm", "--target=es2022", "--splitting"),
    *("--charset=utf8", "--legal-comments=linked", "--log-level=warning"),
    *("--chunk-names=chunk-[hash]", "--loader:.py=text"),
)


class ScriptError(Exception):
    """The scripts could not be bundled; the message says why."""


def entries() -> list[Path]:
    """Return the scripts that a page, or a worker, loads by name."""
    return sorted(file for file in SOURCE.glob("*.js") if not file.name.startswith("_"))


def bundle(target: Path = TARGET) -> int:
    """Bundle all scripts into a folder, which holds nothing else; return their number.

    Raises:
        ScriptError: esbuild found a mistake; its own words are the message.
    """
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    names = [str(file.relative_to(ROOT)) for file in entries()]
    command = [str(ROOT / "node_modules" / ".bin" / "esbuild"), *names]
    if os.name == "nt":
        command[0] += ".cmd"
    done = subprocess.run(
        [*command, *BUNDLE, f"--outdir={fresh}"],
        cwd=ROOT,
        env=frontend.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or done.stderr:
        raise ScriptError(f"{done.stdout}{done.stderr}\nesbuild bundled no scripts.")
    replace(target, fresh)
    return len(names)


def replace(target: Path, fresh: Path) -> None:
    """Take the new files over, and keep the dates of those that did not change."""
    target.mkdir(parents=True, exist_ok=True)
    made = {file.name: file for file in fresh.iterdir()}
    for old in target.iterdir():
        if old.name not in made:
            old.unlink()
    for name, file in made.items():
        there = target / name
        if not there.is_file() or there.read_bytes() != file.read_bytes():
            shutil.copyfile(file, there)
    shutil.rmtree(fresh)


def main() -> int:
    """Bundle; 0 when it went well."""
    try:
        frontend.install()
        count = bundle()
    except (frontend.FrontEndError, ScriptError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"scripts: {count} bundled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
