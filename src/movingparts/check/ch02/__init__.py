"""The exercises of chapter 02, *Words and borders*."""

from movingparts.check.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()

__all__ = ["EXERCISES"]
