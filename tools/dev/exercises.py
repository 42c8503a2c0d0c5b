"""Start an exercise (`make new-exercise`), and write exercises' texts into labs.

    make new-exercise ID=18.1 SLUG=ask-again TITLE="Ask again"

writes the folder from the templates in tools/dev/exercise, and its cells into the lab.

    python -m tools.dev.exercises

writes each exercise's statement and stub, which its folder has, into its lab.
"""

import re
import sys
from pathlib import Path
from string import Template

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from movingparts.check.exercise import Exercise, ExerciseError, read

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent / "exercise"
WRONG = ("asks-once", "wrong-number", "raises")
USAGE = 'make new-exercise ID=18.1 SLUG=ask-again TITLE="Ask again"'


def text(exercise: Exercise) -> str:
    """The lab's cell above the stub."""
    time = f"{exercise.difficulty}, about {exercise.minutes} minutes"
    head = f"### Exercise {exercise.id}: {exercise.title} ({time})"
    return f"{head}\n\n{exercise.statement}"


def cells(exercise: Exercise) -> dict[str, str]:
    """The three cells of an exercise by their ids: text, stub, check."""
    key = f"ex-{exercise.id.replace('.', '-')}"
    return {
        f"{key}-text": text(exercise),
        f"{key}-stub": exercise.stub.strip(),
        f"{key}-check": f'check("{exercise.id}", {exercise.call.name})',
    }


def write(exercise: Exercise, lab: Path) -> bool:
    """Write an exercise's cells into its lab, new ones last; return whether it changed.

    Outputs are unchanged: run the lab again after a change.
    """
    notebook = nbformat.read(lab, as_version=4)
    known = {cell.id: cell for cell in notebook.cells}
    before = nbformat.writes(notebook)
    for key, source in cells(exercise).items():
        if key in known:
            known[key].source = source
            continue
        make = new_markdown_cell if key.endswith("-text") else new_code_cell
        notebook.cells.append(make(source, id=key))
    after = nbformat.writes(notebook)
    if after != before:
        lab.write_text(f"{after}\n", "utf-8", newline="\n")
    return after != before


def start(root: Path, exercise_id: str, slug: str, title: str) -> Path:
    """Write the folder of a new exercise, and return it.

    Raises:
        ExerciseError: a value is missing or malformed, or something is in the way.
    """
    chapter, _, number = exercise_id.partition(".")
    if not (re.fullmatch(r"\d+\.\d+", exercise_id) and slug and title):
        raise ExerciseError(f"An id, a slug and a title are needed: {USAGE}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise ExerciseError(f"{slug!r} is not words in lower case and hyphens. {USAGE}")
    labs = sorted((root / "labs").glob(f"{int(chapter):02}-*.ipynb"))
    if not labs:
        raise ExerciseError(f"There is no lab of chapter {chapter}: make new-chapter")
    home = root / "labs" / "exercises" / labs[0].stem
    if taken := list(home.glob(f"{number}-*")):
        raise ExerciseError(f"{taken[0].relative_to(root)} is there already.")
    return fill(home / f"{number}-{slug}", exercise_id, title)


def fill(folder: Path, exercise_id: str, title: str) -> Path:
    """Write the files of an exercise from the templates."""
    (folder / "wrong").mkdir(parents=True)
    own = ("exercise.md", "stub.py", "solution.py", "check.py")
    names = {f"{name}.in": name for name in own}
    names |= {f"{name}.py.in": f"wrong/{name}.py" for name in WRONG}
    for template, name in names.items():
        filled = Template((TEMPLATES / template).read_text("utf-8"))
        written = filled.substitute(id=exercise_id, title=title)
        (folder / name).write_text(written, "utf-8", newline="\n")
    return folder


def main() -> int:
    """Start the exercise that the command line names, or bring all labs up to date."""
    try:
        if any(sys.argv[1:]):
            folder = start(ROOT, *[*sys.argv[1:], "", "", ""][:3])
            folders = [folder]
            print(f"{folder.relative_to(ROOT)}: it passes as it is; now make it yours.")
        else:
            folders = sorted((ROOT / "labs" / "exercises").glob("[0-9]*/[0-9]*"))
        for folder in folders:
            lab = ROOT / "labs" / f"{folder.parent.name}.ipynb"
            if write(read(folder), lab):
                print(f"{lab.relative_to(ROOT)}: exercise {folder.name} has changed")
    except ExerciseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
