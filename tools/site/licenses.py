"""Who licenses what runs in the book's pages, by the wheels' own metadata."""

import re
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import parse_wheel_filename

LICENSE_FILE = re.compile(r"(?i)\.dist-info/.*(LICEN[CS]E|COPYING|NOTICE)[^/]*$")
SOURCE_LINKS = {"source", "source code", "repository", "code", "github", "homepage"}


def metadata(wheel: Path) -> Message:
    """Return a wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def text(wheels: list[Path]) -> bytes:
    """Return who licenses each wheel how, with the license texts that it holds."""
    parts = [
        "What runs in this book's pages, besides the book's own code.",
        "Pyodide: Mozilla Public License 2.0, https://github.com/pyodide/pyodide.",
        "Each wheel is pure Python or names its sources; a wheel is a zip archive.",
    ]
    for wheel in wheels:
        name, version, _, _ = parse_wheel_filename(wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            texts = [
                archive.read(each).decode("utf-8", "replace")
                for each in sorted(archive.namelist())
                if LICENSE_FILE.search(each)
            ]
        output = ", ".join(licensed(wheel)) or "see its text"
        parts.append(f"{'=' * 72}\n{name} {version}: {output}")
        parts += [text.strip() for text in texts]
    return ("\n\n".join(parts) + "\n").encode()


def licensed(wheel: Path) -> list[str]:
    """Return the license of a wheel, and where its sources are."""
    output = metadata(wheel)
    names = output.get_all("License-Expression") or []
    classified = [
        each.rpartition(" :: ")[2]
        for each in output.get_all("Classifier") or []
        if each.startswith("License ::")
    ]
    short = [
        each for each in output.get_all("License") or [] if "\n" not in each.strip()
    ]
    homes = [
        each.partition(", ")[2]
        for each in output.get_all("Project-URL") or []
        if each.partition(",")[0].lower() in SOURCE_LINKS
    ]
    return [
        *(names or classified or short),
        *homes[:1],
        *output.get_all("Home-page", []),
    ]
