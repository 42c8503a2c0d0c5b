"""How a command is refused, in all exercises of chapter 03."""

from __future__ import annotations


class Refused(Exception):
    """A command that can't be carried out. Definite: nothing has happened.

    >>> raise Refused("no bike is left")
    Traceback (most recent call last):
    movingparts.scenes.ch03.refusal.Refused: no bike is left
    """
