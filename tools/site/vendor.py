"""Copy the front-end parts that the book serves itself into book/_static/vendor.

Fonts and KaTeX's style sheet come from node_modules (`npm ci` has put them there). Run
it before the book is built; it does nothing when nothing has changed, and it says what
to do when a part is missing.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "book" / "_static" / "vendor"

# Latin subsets only, woff2 only: what each page of an English book needs.
FONTS = (
    "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
    "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
    "@fontsource-variable/overpass/files/overpass-latin-wght-normal.woff2",
    "@fontsource/commit-mono/files/commit-mono-latin-400-normal.woff2",
)
KATEX = "katex/dist"

# KaTeX's style sheet names each font in three formats; woff2 is the one that is copied.
OTHER_FORMATS = re.compile(rb",url\(fonts/[\w-]+\.(?:woff|ttf)\) format\(\"\w+\"\)")


class MissingPartError(Exception):
    """A front-end part is not in node_modules; nothing has been copied for it."""


def wanted() -> dict[Path, Path]:
    """Return what to copy: a file of node_modules, and its place among ours."""
    files = {MODULES / font: VENDOR / "fonts" / Path(font).name for font in FONTS}
    for font in FONTS:
        package = "/".join(font.split("/")[:2])
        licence = MODULES / package / "LICENSE"
        files[licence] = VENDOR / "fonts" / f"LICENSE-{package.split('/')[1]}.txt"
    dist = MODULES / KATEX
    files[dist / "katex.min.css"] = VENDOR / "katex" / "katex.min.css"
    files[MODULES / "katex" / "LICENSE"] = VENDOR / "katex" / "LICENSE.txt"
    for font_file in sorted((dist / "fonts").glob("*.woff2")):
        files[font_file] = VENDOR / "katex" / "fonts" / font_file.name
    return files


def check_katex_version() -> None:
    """Raise MissingPartError unless KaTeX is the version that renders the formulas."""
    from sphinxcontrib.katex import katex_version

    manifest = MODULES / "katex" / "package.json"
    if not manifest.exists():
        raise MissingPartError(
            "katex is not in node_modules: run `npm ci`, then again."
        )
    version = json.loads(manifest.read_text())["version"]
    if version != katex_version:
        raise MissingPartError(
            f"node_modules has KaTeX {version}, but sphinxcontrib-katex renders with "
            f"{katex_version}: set that version in package.json and run `npm install`."
        )


def copy(files: dict[Path, Path]) -> int:
    """Copy the files that are new or changed and return how many there were."""
    copied = 0
    for source, target in files.items():
        if not source.exists():
            name = source.relative_to(MODULES)
            raise MissingPartError(f"{name} is not in node_modules: run `npm ci`.")
        content = source.read_bytes()
        if source.suffix == ".css":
            content = OTHER_FORMATS.sub(b"", content)
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        copied += 1
    return copied


def main() -> int:
    """Copy what is missing, print one line, and return the exit code."""
    try:
        check_katex_version()
        files = wanted()
        copied = copy(files)
    except MissingPartError as error:
        print(f"tools/site/vendor.py: {error}", file=sys.stderr)
        return 1
    print(f"vendor: {len(files)} front-end files in place, {copied} copied")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
