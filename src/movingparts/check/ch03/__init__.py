"""The exercises of chapter 03, *Rules inside*."""

from movingparts.check.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()

__all__ = ["EXERCISES"]
