"""An exercise: its statement, stub, hints, checker and solution."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal

from movingparts.check.answer import Answer, Call
from movingparts.check.search import Trial

SECTION = re.compile(r"^# --- (\d+\.\d+) .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checker found: a failing run, or in a sentence what was tried in vain.

    >>> Judgement(praise="Right under 40 seeds.").failing is None
    True
    """

    failing: Trial | None = None
    praise: str = ""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise of the book.

    `judge` runs an answer and says what it found; `solution` is the text of the model
    answer; `transfer` is a question in another domain, with its answer.
    """

    id: str
    title: str
    difficulty: Literal["easy", "medium", "hard"]
    lab: str
    statement: str
    stub: str
    hints: tuple[str, str, str]
    transfer: tuple[str, str]
    call: Call = field(repr=False)
    judge: Callable[[Answer], Judgement] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Exercise {self.id} {self.title} ({self.difficulty}), lab {self.lab}>"

    def _repr_html_(self) -> str:
        said = html.escape(self.statement)
        return (
            f"<p><strong>{self.id} {self.title}</strong> ({self.difficulty})</p>{said}"
        )

    @property
    def solution(self) -> str:
        """The model answer's source, as it stands in the lab's solution file."""
        text = solutions(self.lab)
        parts = SECTION.split(text)[1:]
        found = dict(zip(parts[::2], parts[1::2], strict=True))
        if self.id not in found:
            raise LookupError(f"labs/solutions/{self.lab}.py has no section {self.id}")
        return textwrap.dedent(found[self.id]).strip() + "\n"


def solutions(lab: str) -> str:
    """Return the text of a lab's solution file, from the wheel or the repository.

    Raises `LookupError` where neither has it.
    """
    name = f"{lab}.py"
    packed = resources.files("movingparts.check") / "solutions" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    beside = Path(__file__).parents[3] / "labs" / "solutions" / name
    try:
        return beside.read_text(encoding="utf-8")
    except OSError:
        raise LookupError(f"no solutions for lab {lab} are installed") from None
