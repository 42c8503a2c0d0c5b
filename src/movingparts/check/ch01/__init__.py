"""The exercises of chapter 01, *One ride, two services*."""

from movingparts.check.ch01.last_bike import LAST_BIKE, look_then_take, park
from movingparts.check.ch01.once import ONCE
from movingparts.check.ch01.outcomes import OUTCOMES
from movingparts.check.ch01.split import SPLIT, TEAMS, Decision, Team, measure
from movingparts.check.ch01.timeouts import TIMEOUTS

EXERCISES = (OUTCOMES, ONCE, LAST_BIKE, TIMEOUTS, SPLIT)

__all__ = ["EXERCISES", "TEAMS", "Decision", "Team"]
__all__ += ["look_then_take", "measure", "park"]
