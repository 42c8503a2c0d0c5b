from dataclasses import replace

from solution import best_plan as right


def best_plan(steps, limit, prices):
    return right(steps, limit, replace(prices, per_request=0))
