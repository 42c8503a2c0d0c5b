"""Start a chapter with all that belongs to it (`make new-chapter`).

    make new-chapter NN=18 SLUG=my-topic TITLE="My topic"

writes the chapter, its lab (run once, so that its outputs are there) and the lab's
tests from the templates in tools/dev/chapter, a first exercise from those in
tools/dev/exercise, and adds the chapter and the lab to the table of contents. Nothing
is written when anything is in the way.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from string import Template

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from movingparts.check.exercise import read
from tools.dev import exercises, siblings
from tools.dev.chapters import names

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent / "chapter"
USAGE = 'make new-chapter NN=18 SLUG=my-topic TITLE="My topic"'


class ChapterError(Exception):
    """The chapter cannot be started; the message says why."""


def fill(template: str, values: dict[str, str]) -> str:
    """A template of tools/dev/chapter with its ${names} filled in."""
    return Template((TEMPLATES / template).read_text("utf-8")).substitute(values)


def notebook(values: dict[str, str], folder: Path, exercise: Path) -> str:
    """The lab with its first exercise, run from top to bottom, as JSON."""
    folder.mkdir(exist_ok=True)
    own = exercises.cells(read(exercise))
    lab = new_notebook()
    lab.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    sources: dict[str, str] = {}
    for number, source in enumerate(fill("lab.txt.in", values).strip().split("\n%%\n")):
        if source == "@exercise":
            sources |= own
        else:
            sources[f"lab-{values['number']}-{number:02}"] = source
    for key, source in sources.items():
        make = new_markdown_cell if source.startswith("#") else new_code_cell
        lab.cells.append(make(source, id=key))
    NotebookClient(
        lab,
        timeout=60,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute(env={**os.environ, "PYTHONPATH": str(folder.parent / "src")})
    lab.metadata["language_info"] = {"name": "python"}
    for cell in lab.cells:
        cell.metadata.pop("execution", None)  # wall times
    return nbformat.writes(lab) + "\n"


def listed(contents: str, name: str) -> str:
    """The table of contents with the chapter and its lab, after the one before it."""
    lines = contents.splitlines(keepends=True)
    entry = re.compile(r"^(\s*)- file: chapters/(\d\d-[^/\s]+)/index")
    before = [
        (number, found)
        for number, line in enumerate(lines)
        if (found := entry.match(line)) and found[2] < name
    ]
    if before:
        at, found = before[-1]
        indent, end = found[1], at + 1
        while end < len(lines) and lines[end].startswith(f"{indent} "):
            end += 1
        new = ""
    else:
        end = next(n for n, line in enumerate(lines) if line.startswith("parts:")) + 1
        indent, new = "      ", "  - caption: Chapters\n    chapters:\n"
    new += (
        f"{indent}- file: chapters/{name}/index\n"
        f"{indent}  sections:\n"
        f"{indent}    - file: chapters/{name}/1-one-lost-reply\n"
        f"{indent}    - file: labs/{name}\n"
    )
    return "".join([*lines[:end], new, *lines[end:]])


def refuse(root: Path, number: str, slug: str, title: str) -> None:
    """Refuse what cannot become a chapter.

    Raises:
        ChapterError: a value is missing or malformed, or the number is taken.
    """
    if not (number and slug and title):
        raise ChapterError(f"A number, a slug and a title are needed: {USAGE}")
    name = f"{number}-{slug}"
    if not siblings.NAME.fullmatch(name):
        raise ChapterError(
            f"{name!r} is not NN-slug: two digits, then words in lower case joined by "
            f"hyphens. {USAGE}"
        )
    taken = [other for other in names(root) if other[:2] == number]
    if taken:
        raise ChapterError(f"Chapter {number} is there already: chapters/{taken[0]}")


def start(root: Path, number: str, slug: str, title: str) -> list[Path]:
    """Write the chapter and its siblings; give the files.

    Raises:
        ChapterError: see `refuse`; also when one of the files is there already.
    """
    refuse(root, number, slug, title)
    name = f"{number}-{slug}"
    values = {"number": number, "slug": slug, "title": title, "name": name}
    values["plain"] = str(int(number))  # in code and in an exercise's id: 8, not 08
    files = {
        root / "chapters" / name / "index.md": "index.md.in",
        root / "chapters" / name / "1-one-lost-reply.md": "page.md.in",
        root / "tests" / "labs" / f"test_{name.replace('-', '_')}.py": "tests.py.in",
    }
    lab = root / "labs" / f"{name}.ipynb"
    exercise = root / "labs" / "exercises" / name / "1-ask-again"
    for path in (*files, lab, exercise):
        if path.exists():
            raise ChapterError(f"{path.relative_to(root)} is there already.")
    contents = root / "book" / "_toc.yml"
    exercises.fill(exercise, f"{int(number)}.1", "Ask again")
    try:
        written = {lab: notebook(values, lab.parent, exercise)}
    except BaseException:
        shutil.rmtree(exercise.parent)
        raise
    for path, template in files.items():
        written[path] = fill(template, values)
    written[contents] = listed(contents.read_text("utf-8"), name)
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    return [*written, exercise]


def promised(root: Path, name: str) -> bool:
    """Whether the cover's plan lists the chapter, which holds it to length and form."""
    plan = (root / "book" / "_ext" / "plan.yml").read_text("utf-8")
    return re.search(rf"slug: {name}\s*$", plan, re.MULTILINE) is not None


def main() -> int:
    """Start the chapter that the command line names; 0 when it stands."""
    number, slug, title = [*sys.argv[1:], "", "", ""][:3]
    try:
        files = start(ROOT, number, slug, title)
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    for path in files:
        print(path.relative_to(ROOT))
    print("It builds and passes as it is: make book. Now make it worth reading.")
    if promised(ROOT, f"{number}-{slug}"):
        print("The cover promises it: make test tells what it still lacks.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
