"""How a command is refused, in all exercises of chapter 03."""

from __future__ import annotations

from movingparts.check.verdict import AnswerRaised


class Refused(Exception):
    """A command that cannot be carried out: definite, nothing has happened."""


def refuses(raised: AnswerRaised) -> bool:
    """Say whether what an answer raised is a refusal, of these or a model's own."""
    return any(kind.__name__ == "Refused" for kind in type(raised.error).__mro__)
