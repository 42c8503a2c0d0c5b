"""An exercise, read from its folder: texts, stub, solution, check, wrong answers."""

from __future__ import annotations

import html
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from movingparts.check.answer import Call
from movingparts.check.laws import Broken, Check

CHAPTER = re.compile(r"(\d\d)-[a-z0-9-]+")
PARTS = ("Hints", "Transfer", "Laws", "Passed")


class ExerciseError(ValueError):
    """A folder is not an exercise; the message says which file to fix, and how."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise of the book, read from its folder.

    `difficulty` is easy, medium or hard, and `minutes` how long it takes; `transfer`
    is a question in another domain, with its answer; `laws` has the paragraph of each
    law.
    """

    id: str
    title: str
    difficulty: str
    minutes: int
    lab: str
    statement: str
    hints: tuple[str, ...]
    transfer: tuple[str, str]
    laws: Mapping[str, str] = field(repr=False)
    passed: str = field(repr=False)
    folder: Path = field(repr=False)

    def __repr__(self) -> str:
        return f"<Exercise {self.id} {self.title} ({self.difficulty}), lab {self.lab}>"

    def _repr_html_(self) -> str:
        body = html.escape(self.statement)
        return (
            f"<p><strong>{self.id} {self.title}</strong> ({self.difficulty})</p>{body}"
        )

    @cached_property
    def stub(self) -> str:
        """What the learner starts from, as in the lab."""
        return (self.folder / "stub.py").read_text(encoding="utf-8")

    @cached_property
    def solution(self) -> str:
        """The source of the model answer."""
        return (self.folder / "solution.py").read_text(encoding="utf-8")

    @cached_property
    def call(self) -> Call:
        """How an answer is called, as the stub says."""
        return Call.of(self.stub)

    @cached_property
    def check(self) -> Check:
        """The inputs or the scenario, and the laws."""
        path = self.folder / "check.py"
        name = f"movingparts_exercise_{self.id.replace('.', '_')}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ExerciseError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        check = getattr(module, "CHECK", None)
        if not isinstance(check, Check):
            raise ExerciseError(f"{path} has no `CHECK = Check(…)`")
        return check

    def wrong(self) -> dict[str, str]:
        """Return the wrong answers by the law that each must break; empty if packed."""
        files = sorted((self.folder / "wrong").glob("*.py"))
        return {file.stem: file.read_text(encoding="utf-8") for file in files}

    def message(self, broken: Broken) -> str:
        """Return the words for a broken law, from its paragraph."""
        if broken.name not in self.laws:
            return str(broken.seen)  # what is no answer at all has its own words
        return _filled(self.laws[broken.name], broken.seen)

    def praise(self, count: int, facts: Mapping[str, Any]) -> str:
        """Return what to say about an answer that passed."""
        return self.passed.format_map({"count": count, **facts})


def _filled(paragraph: str, seen: Any) -> str:
    """Return a paragraph with the attributes of what was seen in its braces."""
    names = set(re.findall(r"\{(\w+)", paragraph))
    return paragraph.format_map({name: getattr(seen, name) for name in names})


@cache
def all_exercises() -> tuple[Exercise, ...]:
    """Return all exercises, in order."""
    found = [
        read(folder)
        for chapter in home().iterdir()
        if CHAPTER.fullmatch(chapter.name)
        for folder in chapter.iterdir()
        if (folder / "exercise.md").is_file()
    ]
    return tuple(sorted(found, key=lambda each: [*map(int, each.id.split("."))]))


def home() -> Path:
    """Return the folder of all exercises, in the wheel or in the repository.

    Raises `LookupError` if it is in neither.
    """
    packed = Path(str(resources.files("movingparts.check") / "exercises"))
    beside = Path(__file__).parents[3] / "labs" / "exercises"
    for folder in (packed, beside):
        if folder.is_dir():
            return folder
    raise LookupError("no exercises are installed with movingparts")


def read(folder: Path) -> Exercise:
    """Read an exercise; raise `ExerciseError` with what its text lacks."""
    path = folder / "exercise.md"
    head, statement, parts = _parted(path)
    lab, number = folder.parent.name, folder.name.partition("-")[0]
    question, _, answered = parts["Transfer"].partition("### Answer")
    return Exercise(
        id=f"{int(lab[:2])}.{number}",
        title=head["title"],
        difficulty=head["difficulty"],
        minutes=int(head["minutes"]),
        lab=lab,
        statement=statement,
        hints=tuple(
            _flowing(each) for each in re.split(r"(?m)^\d\.\s+", parts["Hints"])[1:]
        ),
        transfer=(_flowing(question), _flowing(answered)),
        laws={
            name: _flowing(text)
            for name, text in _sections(parts["Laws"], "###").items()
        },
        passed=_flowing(parts["Passed"]),
        folder=folder,
    )


def _parted(path: Path) -> tuple[dict[str, str], str, dict[str, str]]:
    """Return an exercise's header, its statement and its other parts."""
    text = path.read_text(encoding="utf-8")
    begin = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    lines = begin.group(1).splitlines() if begin else []
    pairs = [line.split(":", 1) for line in lines]
    head = {key.strip(): value.strip() for key, value in pairs}
    missing = [key for key in ("title", "difficulty", "minutes") if key not in head]
    body = text[begin.end() :] if begin else text
    statement, *_ = re.split(r"(?m)^## ", body)
    parts = _sections(body, "##")
    missing += [f"## {part}" for part in PARTS if part not in parts]
    if missing:
        raise ExerciseError(f"{path} has no {', '.join(missing)}")
    return head, statement.strip(), parts


def _sections(text: str, marks: str) -> dict[str, str]:
    """Return the sections under headings of one level, by their titles."""
    found = re.split(rf"(?m)^{marks} (.+)$", text)[1:]
    pairs = zip(found[::2], found[1::2], strict=True)
    return {title.strip(): body.strip() for title, body in pairs}


def _flowing(text: str) -> str:
    return " ".join(text.split())
