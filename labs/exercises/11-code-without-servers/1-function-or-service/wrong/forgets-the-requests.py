from dataclasses import replace

from solution import choose as right


def choose(load, prices):
    return right(load, replace(prices, per_request=0.0))
