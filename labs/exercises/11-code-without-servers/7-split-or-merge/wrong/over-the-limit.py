from math import inf

from solution import best_plan as right


def best_plan(steps, limit, prices):
    return right(steps, inf, prices)
