"""A supermarket's loyalty cards: what was measured with each snapshot interval."""

from dataclasses import dataclass


class Refused(Exception):
    """No trial shows what was asked for."""


@dataclass(frozen=True)
class Trial:
    """A measurement: see exercise 8.5."""

    every: int | None
    length: int
    waits: tuple[float, ...]
