"""An airline's trip screen: what its parts are, and what becomes of one that fails."""

from __future__ import annotations

from dataclasses import dataclass


class Unavailable(Exception):
    """A service can't answer now."""


class NoScreen(Exception):
    """A part is missing without which there is no screen; its name is the message."""


@dataclass(frozen=True)
class Part:
    """One part of a screen; without a `required` one, there is no screen.

    >>> Part("gate")
    Part(name='gate', required=False)
    """

    name: str
    required: bool = False
