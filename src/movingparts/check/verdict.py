"""What a checker says: passed or not, why, and the run that shows it."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from movingparts.core import Recording

State = Literal["passed", "not yet", "still to do"]
WIDTH = 88  # columns of a terminal's text


class StillToDo(Exception):
    """The answer raised NotImplementedError: nobody has begun it."""


class Rejected(Exception):
    """An answer that no law can evaluate; `name` says which nonsense, `message` why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an answer did; true if it passed.

    `misconception` names what a wrong answer believes, `counterexample` is the
    shortest run that was found to show it: no fault in it can be left out. A notebook
    draws it. `printed` is what the answer wrote while it was checked.

    >>> Verdict("1.2", "still to do", "Exercise 1.2: charge a ride once")
    Exercise 1.2 still to do: charge a ride once
    >>> bool(Verdict("1.2", "not yet", "The rider was charged twice."))
    False
    """

    exercise_id: str
    state: State
    message: str
    misconception: str = ""
    counterexample: Recording | None = None
    printed: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    @property
    def passed(self) -> bool:
        """Whether the answer passed."""
        return self.state == "passed"

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        message = self.message.removeprefix(f"Exercise {self.exercise_id}: ")
        text = f"Exercise {self.exercise_id} {self.state}: {message}"
        lines = textwrap.wrap(text, WIDTH, break_on_hyphens=False)
        if self.counterexample is not None:
            lines += ["", repr(self.counterexample.table(limit=30))]
        if self.printed:
            lines += ["", "While it was checked, it printed:", self.printed]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        message = self.message.removeprefix(f"Exercise {self.exercise_id}: ")
        parts = [
            (
                f'<p class="mp-verdict"><strong>Exercise {self.exercise_id}'
                f" {self.state}.</strong> {_marked(message)}</p>"
            )
        ]
        if self.counterexample is not None:
            parts.append(_figure(self.counterexample, message))
        if self.printed:
            parts.append(f"<p>It printed:</p><pre>{html.escape(self.printed)}</pre>")
        if self.note:
            parts.append(f"<p>{html.escape(self.note)}</p>")
        return "".join(parts)


def _marked(text: str) -> str:
    """Return a text as HTML, with what is in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _figure(recording: Recording, title: str) -> str:
    """Return the sequence that led to it; a table where `draw` cannot be used."""
    first = title.partition(". ")[0].replace("`", "")
    try:
        from movingparts.draw import sequence

        return sequence(recording, title=first)._repr_html_()
    except (ImportError, ValueError):
        return recording.table(limit=30)._repr_html_()
