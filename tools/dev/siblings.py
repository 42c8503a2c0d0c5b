"""Find what is missing beside a chapter: its lab, exercises, modules and tests.

A chapter's name, NN-slug, ties what belongs together. `problems` names what breaks
that, and `make new-chapter` starts with all of it in place.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.dev.chapters import names, pages, printed

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\d\d-[a-z0-9]+(?:-[a-z0-9]+)*")


def relative(path: Path, root: Path) -> str:
    """The path from the root of the repository."""
    return path.relative_to(root).as_posix()


def tests_of(root: Path, chapter: str) -> list[Path]:
    """The tests of a chapter's lab: named after it, or naming it."""
    folder = root / "tests" / "labs"
    own = f"test_{chapter.replace('-', '_')}"
    return [
        path
        for path in sorted(folder.rglob("test_*.py"))
        if path.stem.startswith(own) or chapter in path.read_text("utf-8")
    ]


def missing(root: Path, chapter: str) -> Iterator[str]:
    """What one chapter lacks, a sentence each."""
    if not NAME.fullmatch(chapter):
        yield f"chapters/{chapter}: the name is not NN-slug in lower case"
    for sibling in (f"labs/{chapter}.ipynb", f"labs/exercises/{chapter}"):
        if not (root / sibling).exists():
            yield f"chapters/{chapter}: {sibling} is not there"
    for page in pages(root, chapter):
        for path in printed(page):
            if not path.is_file():
                lacking = f"it prints {path.name}, which is not there"
                yield f"{relative(page, root)}: {lacking}"
    if not tests_of(root, chapter):
        yield f"chapters/{chapter}: no test in tests/labs is about it"
    contents = (root / "book" / "_toc.yml").read_text("utf-8")
    for path in (*pages(root, chapter), root / "labs" / chapter):
        page = relative(path.with_suffix(""), root)
        if not re.search(rf"file: {page}\s*$", contents, re.MULTILINE):
            yield f"chapters/{chapter}: book/_toc.yml does not list {page}"


def strays(root: Path) -> Iterator[str]:
    """Labs and exercises that no chapter belongs to, and numbers given twice."""
    known = set(names(root))
    for folder, kind in (("labs", "*.ipynb"), ("labs/exercises", "[0-9]*")):
        for path in sorted((root / folder).glob(kind)):
            if path.stem not in known:
                yield f"{folder}/{path.name}: there is no chapters/{path.stem}"
    numbers = [name[:2] for name in names(root)]
    for number in sorted({found for found in numbers if numbers.count(found) > 1}):
        yield f"chapters: the number {number} is given twice"


def unrun(root: Path) -> Iterator[str]:
    """Labs that were committed without their outputs."""
    for path in sorted((root / "labs").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        counts = [
            cell["execution_count"]
            for cell in cells
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]
        if counts != list(range(1, len(counts) + 1)):
            yield f"labs/{path.name}: not committed as run from top to bottom"


def problems(root: Path = ROOT) -> list[str]:
    """All that is missing, a sentence each; empty when each chapter is complete."""
    found = [line for chapter in names(root) for line in missing(root, chapter)]
    return [*found, *strays(root), *unrun(root)]


def main() -> int:
    """Print what is missing; 0 when nothing is."""
    found = problems()
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
