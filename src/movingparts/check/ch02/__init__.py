"""The exercises of chapter 02, *Words and borders*."""

from movingparts.check.ch02.border import A_BORDER
from movingparts.check.ch02.change import WHO_MUST_CHANGE
from movingparts.check.ch02.lockers import LOCKERS, PARCEL_LOCKERS
from movingparts.check.ch02.systems import Change
from movingparts.check.ch02.wall import SORT_THE_WALL
from movingparts.check.ch02.words import SIX_WORDS

EXERCISES = (SIX_WORDS, SORT_THE_WALL, A_BORDER, WHO_MUST_CHANGE, PARCEL_LOCKERS)

__all__ = ["EXERCISES", "LOCKERS", "Change"]
