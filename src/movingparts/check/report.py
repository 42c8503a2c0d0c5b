"""What learners handed in: a line for each progress file (`movingparts report`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movingparts.check import exercises
from movingparts.check.progress import FORMAT

FORMAT_OF_PAGES = "movingparts.progress/2"
USAGE = "movingparts report FILE..."


@dataclass(frozen=True, slots=True)
class Report:
    """What one file says: exercises solved and how often each was checked."""

    solved: tuple[str, ...]
    checks: int
    right: int
    answered: int

    def line(self, name: str) -> str:
        """Return it in one line."""
        numbers = " ".join(self.solved) or "none"
        return (
            f"{name}: solved {len(self.solved)} of {len(exercises())} ({numbers}), "
            f"{self.checks} checks, {self.right} of {self.answered} questions right"
        )


def read(text: str) -> Report:
    """Read a file that a page exported, or one that a lab wrote.

    Raises `ValueError`, with what is wrong, for any other text.

    >>> row = {"hints": 0, "checks": 2, "passed": True}
    >>> read(json.dumps({"format": FORMAT, "exercises": {"1.2": row}}))
    Report(solved=('1.2',), checks=2, right=0, answered=0)
    """
    try:
        body: Any = json.loads(text)
        rows: list[dict[str, Any]] = []
        if body["format"] == FORMAT:
            rows = [
                {**row, "kind": "exercise", "id": key}
                for key, row in body["exercises"].items()
            ]
        elif body["format"] == FORMAT_OF_PAGES:
            rows = list(body["records"])
        else:
            raise ValueError(f"its format is {body['format']!r}")
        done = [row for row in rows if row["kind"] == "exercise"]
        asked = [row for row in rows if row["kind"] == "question"]
        return Report(
            tuple(sorted(str(row["id"]) for row in done if row.get("passed"))),
            sum(int(row.get("checks", 0)) for row in done),
            sum(row.get("right") is True for row in asked),
            len(asked),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is no progress file of the book") from error


def report(files: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Return a line for each file, and one for each that could not be read."""
    lines, wrong = [], []
    for file in files:
        try:
            lines.append(read(file.read_text(encoding="utf-8")).line(file.name))
        except (OSError, ValueError) as error:
            wrong.append(f"{file}: {getattr(error, 'strerror', None) or error}")
    return lines, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the files say; 0 when all could be read."""
    command, *names = [*(sys.argv[1:] if arguments is None else arguments), ""]
    names = [name for name in names if name]
    if command != "report" or not names:
        sys.stderr.write(f"usage: {USAGE}\n")
        return 2
    lines, wrong = report(map(Path, names))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0
