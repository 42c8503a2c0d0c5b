from dataclasses import replace

from solution import choose as right


def choose(load, prices):
    even = (sum(load.requests) / 24,) * 24
    return right(replace(load, requests=even), prices)
