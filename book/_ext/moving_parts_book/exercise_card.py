"""The directive `exercise-card`: an exercise, from the registry of exercises.

    ```{exercise-card} 1.2
    ```

shows its title, difficulty and what its statement begins with, then each hint and the
solution behind its own fold, links the lab of the page's chapter
(`:lab: 01-one-ride-two-services` names another) and opens it in the browser or
locally. The exercises come from `movingparts.check.exercises()`; the setting
`moving_parts_exercises` names another function, as "module:function".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .chapter import duration, place
from .markup import element, make, text

REGISTRY = "movingparts.check:exercises"
STEPS = {"easy": 1, "medium": 2, "hard": 3}
HINTS = 3


class Exercise(Protocol):
    """What the registry knows about an exercise."""

    id: str
    title: str
    difficulty: object
    minutes: int
    statement: str
    hints: tuple[str, ...]
    solution: str


class RegistryError(Exception):
    """The registry cannot be read; the message says what to do."""


def read_registry(address: str) -> tuple[dict[str, Exercise], Path | None]:
    """Return the exercises by id, and the file that lists them.

    Raises RegistryError when the address is not "module:function" or finds nothing.
    """
    module_name, _, function_name = address.partition(":")
    try:
        module = import_module(module_name)
        function: Callable[[], Iterable[Exercise]] = getattr(module, function_name)
    except (ImportError, AttributeError) as error:
        raise RegistryError(
            f"no exercises at {address!r} ({error}). The setting "
            "moving_parts_exercises must name a function, as module:function."
        ) from error
    source = inspect.getsourcefile(module)
    return {each.id: each for each in function()}, Path(source) if source else None


def opening(statement: str) -> str:
    r"""Return what a statement begins with; its tables are for the lab.

    A line that introduces what follows is left out, or ends there.

    >>> opening("Friends share a fare.\nWrite `share(fare)`:\n\n| a table | |")
    'Friends share a fare.\nWrite `share(fare)`.'
    """
    lines = statement.split("\n\n", 1)[0].splitlines()
    kept = [
        line.removesuffix(":") + "." if line.endswith("`:") else line for line in lines
    ]
    return "\n".join(line for line in kept if not line.endswith(":"))


class ExerciseCard(SphinxDirective):
    """An exercise of the registry, as a card."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "lab": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Return the card."""
        exercise = self.find(str(self.arguments[0]))
        slug = exercise.id.replace(".", "-")
        card_id = f"exercise-{slug}"
        if card_id in self.state.document.ids:
            raise self.error(f"exercise-card {exercise.id} is on this page already.")
        card = make(
            "section",
            self.heading(exercise, f"{card_id}-title"),
            make(
                "div",
                *self.markdown(opening(exercise.statement)),
                class_="mp-statement",
            ),
            *self.hints(exercise),
            self.solution(exercise),
            *self.lab_link(),
            class_="mp-exercise",
            aria_labelledby=f"{card_id}-title",
            data_kind="exercise",
            data_exercise=exercise.id,
            data_difficulty=str(exercise.difficulty),
        )
        card["ids"] = [card_id]
        self.state.document.ids[card_id] = card
        return [card]

    def find(self, wanted: str) -> Exercise:
        """Return an exercise by its id, or say which ids there are."""
        try:
            exercises, source = read_registry(self.config.moving_parts_exercises)
        except RegistryError as error:
            raise self.error(f"exercise-card {wanted}: {error}") from error
        folder = getattr(exercises.get(wanted), "folder", None)
        for home in filter(None, (source and source.parent, folder)):
            # A change of any file beside the registry, or of the exercise itself,
            # reads this page again.
            for file in sorted(home.rglob("*.[mp][dy]")):
                self.env.note_dependency(str(file))
        if wanted not in exercises:
            known = ", ".join(sorted(exercises)) or "none"
            raise self.error(
                f"exercise-card {wanted!r}: no such exercise. There are: {known}."
            )
        found = exercises[wanted]
        if len(found.hints) != HINTS:
            raise self.error(
                f"exercise-card {wanted!r} has {len(found.hints)} hints: give it "
                f"{HINTS}, of growing directness."
            )
        return found

    def heading(self, exercise: Exercise, title_id: str) -> element:
        """Return the number, the title and the difficulty."""
        head = make("div", class_="mp-exercise-head")
        head += make("p", text(f"Exercise {exercise.id}"), class_="mp-label")
        head += make("p", text(exercise.title), class_="mp-exercise-title", id=title_id)
        head += make(
            "p",
            make("span", text("Difficulty: "), class_="mp-quiet"),
            text(f"{exercise.difficulty}, {duration(exercise.minutes)}"),
            *self.steps(exercise),
            class_="mp-difficulty",
        )
        return head

    def steps(self, exercise: Exercise) -> list[nodes.Node]:
        """Return the difficulty as filled and empty dots, where it is one of three."""
        level = STEPS.get(str(exercise.difficulty), exercise.difficulty)
        if level not in (1, 2, 3):
            return []
        dots = "●" * int(str(level)) + "○" * (3 - int(str(level)))
        return [make("span", text(f" {dots}"), class_="mp-dots", aria_hidden="true")]

    def hints(self, exercise: Exercise) -> list[nodes.Node]:
        """Return a fold per hint."""
        folds: list[nodes.Node] = []
        for number, hint in enumerate(exercise.hints, start=1):
            fold = make("details", class_="mp-fold mp-hint", data_hint=str(number))
            fold += make("summary", text(f"Hint {number} of {HINTS}"))
            fold += self.markdown(hint)
            folds.append(fold)
        return folds

    def solution(self, exercise: Exercise) -> element:
        """Return the solution's source behind a fold."""
        code = nodes.literal_block(exercise.solution, exercise.solution)
        code["language"] = "python"
        summary = make("summary", text("Solution"))
        return make("details", summary, code, class_="mp-fold mp-solution")

    def lab_link(self) -> list[nodes.Node]:
        """Return a link to the lab, where the book has that lab."""
        lab = self.options.get("lab", self.chapter())
        target = f"labs/{lab}"
        if target not in self.env.found_docs:
            if "lab" in self.options:
                raise self.error(
                    f"exercise-card {self.arguments[0]}: no page {target}. Add it to "
                    "book/_toc.yml or leave ':lab:' out."
                )
            return []
        link = addnodes.pending_xref(
            "",
            nodes.inline("", "Work on it in the lab"),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{target}",
            refexplicit=True,
            refwarn=True,
        )
        return [make("p", link, class_="mp-lab-link")]

    def chapter(self) -> str:
        """Return the name of the chapter that the page is in, or the page's own."""
        here = place(self.env.docname)
        return here.slug if here else self.env.docname.rsplit("/", 1)[-1]

    def markdown(self, content: str) -> list[nodes.Node]:
        """Return a piece of MyST Markdown as nodes."""
        body = nodes.container()
        lines = StringList(
            inspect.cleandoc(content).splitlines(), self.get_source_info()[0]
        )
        self.state.nested_parse(lines, self.content_offset, body)
        return list(body.children)


def setup(app: Sphinx) -> None:
    """Register the directive and the setting that names the registry."""
    app.add_config_value("moving_parts_exercises", REGISTRY, "env", types=(str,))
    app.add_directive("exercise-card", ExerciseCard)
